"""Train a student on a teaching set: from lists and settings to a trained model, resumable at any moment."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from distillir.base.allocator import keep_freed_memory
from distillir.base.errors import DistillirError
from distillir.base.processes import barrier, first_process_first, world_size
from distillir.base.progress import called, progress, say
from distillir.base.tracker import Tracker
from distillir.collections import Collection, Qrels, TextTable
from distillir.collections.joined import JoinedTable
from distillir.collections.known_positives import KnownPositives
from distillir.plans.example_stream import ExampleStream
from distillir.plans.list_sampler import ListSampler
from distillir.plans.plain_lists import PlainLists
from distillir.plans.settings import TrainingSettings
from distillir.plans.training_example import TrainingExample
from distillir.plans.usable_lists import usable_lists
from distillir.signals.signal_training import Begun, SignalTraining, modules_of
from distillir.teaching.copy_aware_lists import CopyAwareLists
from distillir.teaching.lists import Lists
from distillir.teaching.text_lists import TextLists
from distillir.training.selection import Selection


def train_student(
    model: Any,
    collection: Collection,
    lists: Lists,
    settings: TrainingSettings,
    work: Path,
    log: Path,
    *,
    samplers: Sequence[ListSampler] | None = None,
    signals: Sequence[SignalTraining],
    penalties: tuple[Mapping[str, float], float] = ({}, 0.0),
    judged: Qrels | None = None,
    selection: Selection | None = None,
    stage: int | None = None,
    seed: int = 0,
    watchers: Sequence[Any] = (),
    tracker: Tracker | None = None,
) -> ExampleStream:
    """Train ``model`` in place, on one stage of a plan.

    With ``selection`` the student is measured on the way, as ``select_measures`` and ``patience`` of the settings say,
    and has its best weights at the end (what is trained along those of the same step). Measuring changes nothing that
    is learnt: every step gives the weights that it gives without.

    Args:
        model: A SentenceTransformer.
        collection: Where the texts are.
        lists: Queries with candidates and signals, or texts alone (`distillir.teaching.text_lists.TextLists`).
        settings: See `TrainingSettings`.
        work: Folder for tokens and checkpoints; a rerun with the same arguments goes on from the last one there, on CPU
            to bit-identical weights. The caller deletes the checkpoints (`checkpoint_folder`) once the model is saved.
        log: JSON-lines file of the loss.
        samplers: How lists are cut from the candidates; default: plain lists as the settings say.
        signals: What is learnt from, in the order of their parts of the loss.
        penalties: As in `ExampleLoss`, the rise as a share of the steps.
        judged: With ``mask_positives``: judgements of the lists' queries, copies of whose positives are positives too;
            None: of those that the lists call relevant.
        selection: What the best state is chosen by; None: the last one is kept.
        stage: Number of the stage, where the plan has several.
        seed: Of order, sampling and dropout.
        watchers: Further callbacks of the trainer (transformers' ``TrainerCallback``); each
            `MeasureWatcher` hears of the measures, too.
        tracker: Told what ``log`` holds; None: nobody is.

    Returns:
        The training examples that there were to see. What was measured lies beside the checkpoints
        (`distillir.base.best_state.BestState`).

    Raises:
        DistillirError: The settings do not fit the lists or the number of processes, ``work`` holds checkpoints of
            another training, or the loss is not finite.
    """
    from transformers.trainer_utils import set_seed

    from distillir.base.best_state import BestState
    from distillir.base.trainer_callbacks import Bar, ClockedCheckpoints, take_steps
    from distillir.batches.features import TextFeatures
    from distillir.batches.tokens import LABEL, tokenise
    from distillir.encoding.active_words import active_words_only
    from distillir.encoding.precision import training_precision
    from distillir.students.loaded import student_of
    from distillir.students.pair_student import PairStudent
    from distillir.training.attention import fastest_attention
    from distillir.training.best_kept import BestKept
    from distillir.training.callbacks import LogFile
    from distillir.training.checkpoint_identity import claim_checkpoints, training_identity
    from distillir.training.collator import ExampleCollator
    from distillir.training.loader import telling_of_workers
    from distillir.training.loss import ExampleLoss
    from distillir.training.measure_watcher import MeasureWatcher
    from distillir.training.pool_ranking import PoolRanking
    from distillir.training.trainer import ExampleTrainer
    from distillir.training.unused import unused_frozen

    batch, checkpoints = batch_size(settings), checkpoint_folder(work, stage)
    keep_freed_memory(model.device)
    known = None
    alone = lists if isinstance(lists, TextLists) else None
    if settings.mask_positives and alone is None:
        with first_process_first():
            known = KnownPositives(collection)
        lists = CopyAwareLists(lists, known, judged)
    usable = usable_lists(
        lists,
        frozenset().union(*(signal.compares for signal in signals)),
        pseudo_positives=settings.pseudo_positives,
        in_batch=settings.in_batch,
    )
    usable.say()
    learnt = usable.usable
    if selection is not None:
        learnt = learnt & ~np.isin(lists.queries, selection.left_out)
    examples = ExampleStream(
        lists,
        epochs=settings.epochs,
        queries_per_step=settings.queries_per_step,
        samplers=samplers or [PlainLists(settings.candidates_per_query, settings.sample)],
        batches=settings.batches,
        signals=[signal.attachment for signal in signals if signal.attachment is not None],
        positives=alone is None and any(signal.needs_positive for signal in signals),
        pseudo_positives=settings.pseudo_positives,
        usable=learnt,
        seed=seed,
    )
    identity = training_identity(
        model,
        collection,
        examples,
        settings,
        signals=signals,
        penalties=penalties,
        selection=selection,
        seed=seed,
    )
    if examples.short and samplers and alone is None:
        say(f"{examples.short} queries have fewer candidates than the plan's lists ask for; they keep what they have.")
    if alone is not None:
        asked, candidate_rows = alone.asked, np.unique(alone.read)
    else:
        asked = lists.queries
        candidate_rows = np.unique(np.concatenate([lists.documents(i) for i in range(len(lists.queries))]))
    corpus: TextTable = collection.corpus
    for signal in signals:
        if signal.texts is not None:
            corpus = JoinedTable(corpus, signal.texts)
            candidate_rows = np.concatenate([candidate_rows, signal.rows])
    student = student_of(model)
    documents: TextFeatures | None = student.documents(corpus) if alone is None else None
    with first_process_first(), reading_at_most(model, settings.max_length):
        queries = tokenise(work / "query-tokens", model, collection.queries, asked, kind="query")
        if documents is None:
            side = "document" if alone is None else student.documents_alone_as
            own = LABEL["document"]
            with called({} if side == "document" else {LABEL[side]: f"{own}, read as queries"}):
                documents = tokenise(work / "document-tokens", model, corpus, candidate_rows, kind=side)
    begun = Begun(model, collection, lists, candidate_rows, settings, work, seed)
    for signal in signals:
        signal.begin(begun)
    along = modules_of(signals)
    collator = ExampleCollator(
        queries,
        documents,
        budget=settings.token_budget,
        pseudo_positives=settings.pseudo_positives if alone is None else False,
        in_batch=settings.in_batch if alone is None else False,
        signals=signals,
        known=known,
    )
    if settings.dropout is not None:
        for trained in (model, *along.values()):
            set_dropout(trained, settings.dropout)
    precision = training_precision(settings.precision, model, model.device)
    steps = len(examples) // settings.queries_per_step
    arguments = _arguments(settings, checkpoints, batch, steps, precision == "bf16", model.device.type, seed)
    weights, rise = penalties
    loss = ExampleLoss(
        model,
        signals,
        penalties=(weights, round(rise * steps)),
        recompute=settings.grad_cache,
        budget=settings.token_budget,
    )
    if isinstance(loss.student, PairStudent):
        loss.student.max_length = settings.max_length
    log_file = LogFile(log, settings.queries_per_step, examples.per_epoch, stage, tracker)
    callbacks: list[Any] = [log_file]
    for signal in signals:
        callbacks += signal.callbacks(stage)
    label = "Train" if stage is None else f"Train, stage {stage}"
    claim_checkpoints(checkpoints, identity)
    best: BestKept | None = None
    if selection is not None:
        best = BestKept(
            PoolRanking(model, collection, selection, work),
            BestState.read(checkpoints),
            log_file,
            steps=steps,
            measures=settings.select_measures,
            patience=settings.patience,
            along=along,
            watchers=[watcher for watcher in watchers if isinstance(watcher, MeasureWatcher)],
        )
        callbacks.append(best)
    with (
        active_words_only(model),
        unused_frozen(model, loss, collator(_one_of_each(examples))),
        progress(label, steps) as advance,
        fastest_attention(model, precision),
        ExitStack() as others,
    ):
        for signal in signals:
            for encoder in signal.encoders:
                others.enter_context(fastest_attention(encoder, precision))
        set_seed(seed)
        trainer = ExampleTrainer(
            model=model,
            args=arguments,
            train_dataset=examples,
            data_collator=collator,
            loss=loss,
            callbacks=[*callbacks, Bar(advance), ClockedCheckpoints(settings.checkpoint_seconds), *watchers],
        )
        for module in along.values():
            module.to(trainer.model.device)  # of several GPUs the process's own
        try:
            if best is None or not best.stopped:
                with telling_of_workers(arguments.dataloader_num_workers):
                    take_steps(trainer, checkpoints)
        except FloatingPointError as error:
            raise DistillirError(
                str(error), where="training", remedy="lower training.learning_rate, or use precision: float32"
            ) from None
    barrier()
    if best is not None:
        best.state.load(model, along)
        barrier()  # the caller deletes the checkpoints
    model.eval()
    for module in along.values():
        module.eval()
    return examples


def _one_of_each(examples: ExampleStream) -> list[TrainingExample]:
    """The first training example, and of texts alone the first of the other sort, where there is one."""
    first = examples[0]
    if not isinstance(examples.lists, TextLists) or not len(examples.lists.asked) or not len(examples.lists.read):
        return [first]
    others = (examples[place] for place in range(1, len(examples)))
    return [first, *islice((one for one in others if (one.query < 0) != (first.query < 0)), 1)]


def checkpoint_folder(work: Path, stage: int | None = None) -> Path:
    """The folder of a stage's checkpoints."""
    return work / ("checkpoints" if stage is None else f"checkpoints-{stage}")


def batch_size(settings: TrainingSettings) -> int:
    """Queries one process takes at once.

    Raises:
        DistillirError: The queries of a step do not divide among processes and accumulated batches.
    """
    parts = world_size() * settings.gradient_accumulation
    if settings.queries_per_step % parts:
        raise DistillirError(
            f"{settings.queries_per_step} queries a step do not divide into {world_size()} processes x "
            f"{settings.gradient_accumulation} batches",
            where="training.queries_per_step",
            remedy=f"choose a multiple of {parts}"
            + (", or a smaller training.gradient_accumulation" if settings.gradient_accumulation > 1 else ""),
        )
    return settings.queries_per_step // parts


@contextmanager
def reading_at_most(model: Any, max_length: int | None) -> Iterator[None]:
    """Let a model read at most ``max_length`` tokens of a text for a while; None leaves it as it is."""
    own = model.max_seq_length
    if max_length is None or own is None:
        yield
        return
    model.max_seq_length = min(own, max_length)
    try:
        yield
    finally:
        model.max_seq_length = own


def set_dropout(model: nn.Module, share: float) -> None:
    """Set every dropout of a model, those inside attention too."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = share
        for name in ("attention_dropout", "dropout_prob", "attention_probs_dropout_prob"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, share)


def _arguments(
    settings: TrainingSettings, folder: Path, batch: int, steps: int, bf16: bool, device: str, seed: int
) -> Any:
    from sentence_transformers import SentenceTransformerTrainingArguments

    from distillir.training.loader import loader_workers

    return SentenceTransformerTrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=settings.gradient_accumulation,
        max_steps=steps,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        # Rounded down: a training of few steps must not spend them at a rate of 0, where a warm-up begins.
        warmup_steps=int(settings.warmup * steps),
        lr_scheduler_type=settings.schedule,
        max_grad_norm=settings.max_grad_norm,
        bf16=bf16,
        use_cpu=device == "cpu",
        seed=seed,
        save_strategy="no",
        save_total_limit=2,
        logging_steps=max(1, min(10, steps // 50)),
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to="none",
        # Chunks differ in number between processes; a broadcast in every forward pass would wait for ever.
        ddp_broadcast_buffers=False,
        ddp_find_unused_parameters=False,
        dataloader_num_workers=loader_workers(settings.loader_workers, device),
        ddp_backend="gloo" if device == "cpu" and world_size() > 1 else None,
        accelerator_config={"dispatch_batches": False, "split_batches": False},
    )
