"""``train-teacher``: fine-tune a cross-encoder from any encoder, resumable at any moment."""

import os
import shutil
import time
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash

from distillir.base.allocator import keep_freed_memory
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory, read_json, write_json
from distillir.base.lock import locked
from distillir.base.processes import barrier, first_decides, rank, world_size
from distillir.base.progress import progress, say
from distillir.base.tracker import Tracker, check_tracker
from distillir.collections import Collection
from distillir.collections.run import Run
from distillir.teachers.counted import CountedTeacher
from distillir.teachers.cross_encoder_training.dev_lists import DevLists
from distillir.teachers.cross_encoder_training.examples import (
    LIST_NEGATIVES,
    NEGATIVES,
    Examples,
    check_loss,
    columns,
    examples,
    grades_of,
    lengths,
    library_loss,
    over_lists,
)
from distillir.teachers.cross_encoder_training.own_scores import dev_ndcg, own_figures, training_lists_looked_at
from distillir.teachers.cross_encoder_training.pairs import training_pairs
from distillir.teachers.cross_encoder_training.record import INFO, finished, prepare
from distillir.teachers.cross_encoders.load import PAIRWISE_FILE, is_cross_encoder, open_cross_encoder
from distillir.teachers.diagnostics import say_diagnostics

if TYPE_CHECKING:
    from distillir.encoding.model_options import ModelOptions
    from distillir.teachers.cross_encoder_training.keep_best import KeepBest


def train_cross_encoder(
    base_model: str | os.PathLike[str],
    collection: Collection,
    output: Path,
    *,
    split: str = "train",
    negatives_run: Run,
    negatives_per_positive: int | None = None,
    negative_depth: int = 30,
    epochs: float = 1.0,
    learning_rate: float = 7e-5,
    batch_size: int = 16,
    max_length: int = 192,
    seed: int = 0,
    max_pairs: int | None = None,
    pairwise: bool = False,
    loss: str = "binary",
    soft: CountedTeacher | None = None,
    dev: DevLists | None = None,
    patience: int | None = None,
    own_document: str = "leave_out",
    precision: str = "auto",
    checkpoint_seconds: float = 120.0,
    trust_remote_code: bool = False,
    report_to: str = "none",
) -> dict[str, Any]:
    """Fine-tune a cross-encoder on judged positives and mined negatives.

    Training is sentence-transformers' `CrossEncoderTrainer`; AdamW, linear schedule, a tenth of the steps warm-up.
    A rerun after a kill goes on from the last checkpoint, kept beside ``output`` until the end; a rerun after the end
    changes nothing.

    Args:
        base_model: The encoder to start from: folder, alias or hub name.
        collection: Texts and judgements.
        output: Folder that appears, whole, at the end.
        split: Whose judgements are learnt from.
        negatives_run: Rankings to draw negatives from; see `training_pairs`, like the next two.
        negatives_per_positive: Negatives beside each positive (default: 7 for losses over lists, else 2).
        negative_depth: Drawn from the first so many.
        epochs: Times each pair is seen; may be a fraction.
        learning_rate: Peak of the schedule.
        batch_size: Pairs a step, over all processes; of lists, as many as hold so many pairs.
        max_length: Tokens of query and document (``pairwise``: of query and two documents) together.
        seed: Of the new head, draws, order and dropout.
        max_pairs: At most so many pairs.
        pairwise: Make one that reads two documents and says whether the first beats the second: it learns each
            positive against each of its negatives, half of them in either order, and ties among negatives.
        loss: ``binary``, ``listwise`` or ``graded``; see `distillir.teachers.cross_encoder_training.examples.examples`.
        soft: With ``graded``: the teacher whose scores are learnt.
        dev: Lists to measure on, so that the best checkpoint is kept
            (`distillir.teachers.cross_encoder_training.keep_best`).
        patience: With ``dev``: measures in a row without a rise after which training stops; None: never, since a rate
            that falls to 0 lifts a model once more at the end.
        own_document: See `training_pairs`.
        precision: ``auto``, ``float32`` or ``bf16`` (autocast).
        checkpoint_seconds: Time between checkpoints.
        trust_remote_code: Whether code that comes with the base model may run.
        report_to: A tracker (`distillir.base.tracker.TrackerName`), whose files lie in ``OUTPUT-tracked``.

    Returns:
        ``pairs``, ``positives``, ``steps``, ``first_loss``, ``loss`` (means of the first and last logging period) and
        ``seconds`` of this call's training; of lists their number; ``soft_labels`` and ``select`` where they were asked
        for; ``diagnostics`` of the scores ``after``, and ``before`` where the base is a cross-encoder already.

    Raises:
        DistillirError: Nothing to train on, ``output`` holds something else or a teacher whose files were changed after
            its training, parts that do not go together, or the loss is not finite.
    """
    from distillir.encoding.device import pick_device
    from distillir.encoding.fingerprint import file_hashes
    from distillir.encoding.identity import default_prompt, model_identity
    from distillir.encoding.loading import quiet_libraries
    from distillir.encoding.model_options import ModelOptions
    from distillir.encoding.precision import resolve_precision

    check_loss(loss, soft=soft is not None, pairwise=pairwise, select=dev is not None)
    check_tracker(report_to, "--report-to")
    if batch_size % world_size():
        raise DistillirError(
            f"{batch_size} pairs a step do not divide into {world_size()} processes", where="train-teacher"
        )
    lists = over_lists(loss, soft=soft is not None, pairwise=pairwise)
    pairs = training_pairs(
        collection,
        split,
        negatives_run,
        negatives_per_positive=negatives_per_positive or (LIST_NEGATIVES if lists else NEGATIVES),
        negative_depth=negative_depth,
        max_pairs=max_pairs,
        seed=seed,
        own_document=own_document,
        leave_out=dev.leave_out if dev else None,
    )
    resolved = resolve_precision(precision, pick_device())
    options, prompt = ModelOptions(trust_remote_code=trust_remote_code), default_prompt(base_model)
    settings = {
        "base_model": os.fspath(base_model),
        "base_fingerprint": model_identity(base_model, options),
        "collection": collection.fingerprint,
        "pairs": pairs.fingerprint,
        "epochs": float(epochs),
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "max_length": max_length,
        "seed": seed,
        "precision": resolved,
        **({"pairwise": "with ties"} if pairwise else {}),
        **({"loss": loss} if loss != "binary" else {}),
        **({"soft_labels": soft.fingerprint(collection)} if soft else {}),
        **({"grades": xxhash.xxh3_64_hexdigest(grades_of(pairs).tobytes())} if loss == "graded" and not soft else {}),
        **({"select": dev.fingerprint, "patience": patience} if dev else {}),
        **({"prompt": prompt} if prompt else {}),
    }
    first_decides(lambda: output.parent.mkdir(parents=True, exist_ok=True))
    with locked(output, beside=True):
        done = first_decides(lambda: finished(output, settings))
        if done is not None:
            say(f"{output} is there already, of the same pairs and settings")
            return done
        work = output.with_name(f".{output.name}.training")
        first_decides(lambda: prepare(work, settings))
        looked_at = dev or (
            None
            if pairwise
            else training_lists_looked_at(collection, pairs, negatives_run, seed=seed, own_document=own_document)
        )
        before = _before(base_model, collection, looked_at, work, settings, options)
        shown = examples(pairs, collection, loss=loss, soft=soft, pairwise=pairwise, seed=seed)
        tracked = output.with_name(f"{output.name}-tracked")
        tracker = Tracker(report_to, tracked, work / "tracker.json", name=output.name, config=lambda: settings)
        model, trained = _train(
            base_model, collection, shown, dev, work, settings, checkpoint_seconds, options, tracker
        )
        metrics = {"pairs": _pairs(shown), "positives": int(pairs.labels.sum()), **trained, **shown.facts}
        if looked_at is not None:
            metrics["diagnostics"] = _after(model, collection, looked_at, settings, before)
            for when in ("before", "after"):
                told = metrics["diagnostics"].get(when, {})
                tracker.summary({f"{when}/{name}": value for name, value in told.items()})
        tracker.summary({f"teacher/{name}": value for name, value in metrics.items()})
        tracker.close()
        if rank() == 0:
            with atomic_directory(output) as folder, quiet_libraries():
                model.save_pretrained(str(folder))
                if pairwise:
                    write_json(folder / PAIRWISE_FILE, {"reads": "query, first document, second document"})
                files = file_hashes(folder)
                write_json(folder / INFO, {"settings": settings, "metrics": metrics, "files": files})
            shutil.rmtree(work)
        barrier()
        return metrics


def _pairs(shown: Examples) -> int:
    """Number of texts that are read beside a query: the candidates of all lists, else one for each example."""
    return sum(len(rows) for rows in shown.documents) if shown.lists else len(shown)


def _before(
    base_model: str | os.PathLike[str],
    collection: Collection,
    looked_at: DevLists | None,
    work: Path,
    settings: dict[str, Any],
    options: "ModelOptions",
) -> dict[str, Any] | None:
    """Figures on the base's own scores, where it is a cross-encoder already; made once, kept with the checkpoints."""
    if looked_at is None or not is_cross_encoder(base_model):
        return None

    def look() -> dict[str, Any]:
        file = work / "before.json"
        if not file.is_file():
            model = open_cross_encoder(base_model, max_length=settings["max_length"], options=options, num_labels=1)
            found = own_figures(model, collection, looked_at, settings["precision"])
            say(f"{base_model} before the training, {looked_at.name}:")
            say_diagnostics(found)
            write_json(file, found.to_dict())
        return read_json(file, "it is damaged: delete it")

    return first_decides(look)


def _after(
    model: Any, collection: Collection, looked_at: DevLists, settings: dict[str, Any], before: dict[str, Any] | None
) -> dict[str, Any]:
    """Figures on the trained model's scores, printed beside those of the base."""

    def look() -> dict[str, Any]:
        found = own_figures(model, collection, looked_at, settings["precision"])
        say(f"The teacher after the training, {looked_at.name}:")
        say_diagnostics(found)
        return {"of": looked_at.name, **({"before": before} if before else {}), "after": found.to_dict()}

    told = first_decides(look)
    if before:
        after = told["after"]
        say(
            f"Nearly one-hot lists: {_share(before['one_hot'])} before, {_share(after['one_hot'])} after; variance "
            f"between two groups: {_share(before['two_groups'])} before, {_share(after['two_groups'])} after"
        )
    return told


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.1%}"


def _train(
    base_model: str | os.PathLike[str],
    collection: Collection,
    shown: Examples,
    dev: DevLists | None,
    work: Path,
    settings: dict[str, Any],
    checkpoint_seconds: float,
    options: "ModelOptions",
    tracker: Tracker,
) -> tuple[Any, dict[str, Any]]:
    from datasets import Dataset
    from sentence_transformers.cross_encoder import CrossEncoderTrainer
    from transformers.trainer_utils import set_seed

    from distillir.base.trainer_callbacks import Bar, ClockedCheckpoints, Tracking, take_steps
    from distillir.encoding.loading import quiet_libraries
    from distillir.teachers.cross_encoder_training.keep_best import KeepBest, measures_that_fit
    from distillir.teachers.cross_encoder_training.length_batches import LengthBatches

    set_seed(settings["seed"])
    model = open_cross_encoder(base_model, max_length=settings["max_length"], options=options, num_labels=1)
    keep_freed_memory(model.device)
    texts = columns(shown, collection, model, settings["max_length"], settings.get("prompt", ""))
    by_length = lengths(texts, settings["max_length"])
    # A process takes whole lists, and at least one.
    batch = max(1, round(settings["batch_size"] / world_size() / shown.size))
    steps = max(1, int(np.ceil(len(shown) / (batch * world_size())) * settings["epochs"]))
    best = None
    if dev is not None:
        measures = measures_that_fit(steps * batch * world_size() * shown.size, len(dev.run.documents))
        say(f"Measured at most {measures} times on the way, by {len(dev.run.documents)} pairs of {dev.name} each")
        best = KeepBest(
            work,
            model,
            lambda: dev_ndcg(model, collection, dev, settings["precision"]),
            -(-steps // measures),
            f"{len(dev.run)} {dev.name}",
            settings["patience"],
            tracker,
        )
    started = time.monotonic()
    with progress("Train teacher", steps) as advance:
        trainer = CrossEncoderTrainer(
            model=model,
            args=_arguments(work, settings, steps, batch, model.device.type, partial(LengthBatches, by_length)),
            train_dataset=Dataset.from_dict(texts),
            loss=library_loss(model, shown),
            callbacks=[
                Bar(advance),
                Tracking(tracker),
                *([best] if best else []),
                ClockedCheckpoints(checkpoint_seconds),
            ],
        )
        with quiet_libraries(), _reached(model, texts):
            take_steps(trainer, work / "checkpoints")
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    if not np.all(np.isfinite(losses)):
        raise DistillirError("the loss is not finite", where="train-teacher", remedy="lower the learning rate")
    selected = _selected(best, dev, steps) if best and dev else {}
    model.eval()
    return model, {
        "steps": steps,
        "first_loss": losses[0],
        "loss": losses[-1],
        "seconds": round(time.monotonic() - started, 1),
        **selected,
    }


def _reached(model: Any, texts: dict[str, list[Any]]) -> AbstractContextManager[None]:
    """Freeze parameters that the loss does not reach, so that no process waits for their gradients."""
    from sentence_transformers.util import batch_to_device

    from distillir.base.unreached import unreached_frozen

    if world_size() == 1:
        return nullcontext()
    document = texts["document"][0]
    pair = texts["query"][0], document[0] if isinstance(document, list) else document
    return unreached_frozen(model, lambda: model(batch_to_device(model.preprocess([pair]), model.device))["scores"])


def _selected(best: "KeepBest", dev: DevLists, steps: int) -> dict[str, Any]:
    """Load the weights that are kept; returns the facts about them."""
    best.load()
    step = best.measures[-1][0]
    early = "" if step == steps else f"; stopped after {step} of {steps} steps, as it no longer rose"
    kept, value = best.kept
    say(f"Kept: step {kept}, nDCG@10 {value:.4f}{early}")
    return {
        "select": {
            "of": dev.name,
            "queries": len(dev.run),
            "candidates": round(len(dev.run.documents) / len(dev.run), 1),
            "step": kept,
            "ndcg_at_10": value,
            "measures": [list(each) for each in best.measures],
            "stopped_early": step != steps,
        }
    }


def _arguments(work: Path, settings: dict[str, Any], steps: int, batch: int, device: str, sampler: Any) -> Any:
    from sentence_transformers.cross_encoder import CrossEncoderTrainingArguments

    return CrossEncoderTrainingArguments(
        output_dir=str(work / "checkpoints"),
        per_device_train_batch_size=batch,
        max_steps=steps,
        learning_rate=settings["learning_rate"],
        warmup_steps=int(np.ceil(steps / 10)),
        weight_decay=0.01,
        bf16=settings["precision"] == "bf16",
        use_cpu=device == "cpu",
        seed=settings["seed"],
        batch_sampler=sampler,
        save_strategy="no",
        save_total_limit=2,
        logging_steps=max(1, min(50, steps // 10)),
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to="none",
        ddp_find_unused_parameters=False,
        ddp_backend="gloo" if device == "cpu" and world_size() > 1 else None,
    )
