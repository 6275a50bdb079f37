"""``train-teacher``: fine-tune a cross-encoder from any encoder, resumable at any moment."""

import os
import shutil
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from distillir.allocator import keep_freed_memory
from distillir.collections import Collection
from distillir.errors import DistillirError
from distillir.files import atomic_directory, read_json, write_json
from distillir.lock import locked
from distillir.parallel import barrier, first_decides, rank, world_size
from distillir.progress import progress, say
from distillir.retrieval.run import Run
from distillir.teachers.load_cross_encoder import PAIRWISE_FILE
from distillir.teachers.pair_text import PairText
from distillir.teachers.training_pairs import TrainingPairs, training_pairs, training_triples

if TYPE_CHECKING:
    from distillir.encoding.model_options import ModelOptions

INFO = "train_teacher.json"


def train_cross_encoder(
    base_model: str | os.PathLike[str],
    collection: Collection,
    output: Path,
    *,
    split: str = "train",
    negatives_run: Run,
    negatives_per_positive: int = 2,
    negative_depth: int = 30,
    epochs: float = 1.0,
    learning_rate: float = 7e-5,
    batch_size: int = 16,
    max_length: int = 192,
    seed: int = 0,
    max_pairs: int | None = None,
    pairwise: bool = False,
    own_document: str = "leave_out",
    precision: str = "auto",
    checkpoint_seconds: float = 120.0,
    trust_remote_code: bool = False,
) -> dict[str, Any]:
    """Fine-tune a cross-encoder on judged positives and mined negatives with binary cross-entropy.

    Training is sentence-transformers' `CrossEncoderTrainer`; AdamW, linear schedule, a tenth of the steps warm-up.
    A rerun after a kill goes on from the last checkpoint, kept beside ``output`` until the end; a rerun after the end
    changes nothing.

    Args:
        base_model: The encoder to start from: folder, alias or hub name.
        collection: Texts and judgements.
        output: Folder that appears, whole, at the end.
        split: Whose judgements are learnt from.
        negatives_run: Rankings to draw negatives from; see `training_pairs`, like the next two.
        negatives_per_positive: Negatives beside each positive.
        negative_depth: Drawn from the first so many.
        epochs: Times each pair is seen; may be a fraction.
        learning_rate: Peak of the schedule.
        batch_size: Pairs a step, over all processes.
        max_length: Tokens of query and document (``pairwise``: of query and two documents) together.
        seed: Of the new head, draws, order and dropout.
        max_pairs: At most so many pairs.
        pairwise: Make one that reads two documents and says whether the first beats the second: it learns each
            positive against each of its negatives, half of them in either order, and ties among negatives.
        own_document: See `training_pairs`.
        precision: ``auto``, ``float32`` or ``bf16`` (autocast).
        checkpoint_seconds: Time between checkpoints.
        trust_remote_code: Whether code that comes with the base model may run.

    Returns:
        ``pairs``, ``positives``, ``steps``, ``first_loss``, ``loss`` (means of the first and last logging period) and
        ``seconds`` of this call's training.

    Raises:
        DistillirError: Nothing to train on, ``output`` holds something else or a teacher whose files were changed after
            its training, or the loss is not finite.
    """
    from distillir.encoding.device import pick_device
    from distillir.encoding.fingerprint import file_hashes
    from distillir.encoding.identity import default_prompt, model_identity
    from distillir.encoding.loading import quiet
    from distillir.encoding.model_options import ModelOptions
    from distillir.encoding.precision import resolve_precision

    if batch_size % world_size():
        raise DistillirError(
            f"{batch_size} pairs a step do not divide into {world_size()} processes", where="train-teacher"
        )
    pairs = training_pairs(
        collection,
        split,
        negatives_run,
        negatives_per_positive=negatives_per_positive,
        negative_depth=negative_depth,
        max_pairs=max_pairs,
        seed=seed,
        own_document=own_document,
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
        **({"prompt": prompt} if prompt else {}),
    }
    first_decides(lambda: output.parent.mkdir(parents=True, exist_ok=True))
    with locked(output, beside=True):
        done = first_decides(lambda: _finished(output, settings))
        if done is not None:
            say(f"{output} is there already, of the same pairs and settings")
            return done
        work = output.with_name(f".{output.name}.training")
        first_decides(lambda: _prepare(work, settings))
        model, metrics = _train(base_model, collection, pairs, work, settings, checkpoint_seconds, options)
        if rank() == 0:
            with atomic_directory(output) as folder, quiet():
                model.save_pretrained(str(folder))
                if pairwise:
                    write_json(folder / PAIRWISE_FILE, {"reads": "query, first document, second document"})
                files = file_hashes(folder)
                write_json(folder / INFO, {"settings": settings, "metrics": metrics, "files": files})
            shutil.rmtree(work)
        barrier()
        return metrics


def _finished(output: Path, settings: dict[str, Any]) -> dict[str, Any] | None:
    """The metrics of a finished training with these settings, or None where ``output`` is free."""
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return None
    if not (output / INFO).is_file():
        raise DistillirError(
            "is there already and was not made by train-teacher", where=output, remedy="choose another --output"
        )
    remedy = "it is damaged: delete the folder, or choose another --output"
    found = read_json(output / INFO, remedy)
    if not all(isinstance(found.get(name), dict) for name in ("settings", "metrics")):
        raise DistillirError("lacks settings or metrics", where=output / INFO, remedy=remedy)
    if found["settings"] != settings:
        changed = [name for name in settings if found["settings"].get(name) != settings[name]]
        raise DistillirError(
            f"holds a teacher of other settings ({', '.join(changed)})",
            where=output,
            remedy="delete the folder or choose another --output",
        )
    _check_files(output, found.get("files"), remedy)
    metrics: dict[str, Any] = found["metrics"]
    return metrics


def _check_files(output: Path, kept: Any, damaged: str) -> None:
    """Refuse a teacher whose weights, tokenizer or settings are not those that its training wrote.

    Records of earlier versions have no hashes of the files, and are believed.
    """
    from distillir.encoding.fingerprint import file_hashes

    if kept is None:
        return
    if not isinstance(kept, dict):
        raise DistillirError("its files are no mapping", where=output / INFO, remedy=damaged)
    found = file_hashes(output, INFO)
    changed = [name for name in sorted({*kept, *found}) if kept.get(name) != found.get(name)]
    if changed:
        raise DistillirError(
            f"holds a teacher whose files were changed after its training ({', '.join(changed)})",
            where=output,
            remedy="put them back as they were, delete the folder, or choose another --output",
        )


def _prepare(work: Path, settings: dict[str, Any]) -> None:
    """Keep the checkpoints of a training with the same settings; hours of another one are not thrown away unasked."""
    file = work / "settings.json"
    if file.is_file():
        found = read_json(file, "it is damaged: delete its folder, or choose another --output")
        changed = [name for name in {**found, **settings} if found.get(name) != settings.get(name)]
        if changed:
            raise DistillirError(
                f"holds an unfinished training of other settings ({', '.join(changed)})",
                where=work,
                remedy="delete it, or choose another --output",
            )
    elif work.exists():
        shutil.rmtree(work)  # killed before it had begun
    if not work.exists():
        work.mkdir(parents=True)
        write_json(file, settings)


def _train(
    base_model: str | os.PathLike[str],
    collection: Collection,
    pairs: TrainingPairs,
    work: Path,
    settings: dict[str, Any],
    checkpoint_seconds: float,
    options: "ModelOptions",
) -> tuple[Any, dict[str, Any]]:
    from datasets import Dataset
    from sentence_transformers.cross_encoder import CrossEncoderTrainer
    from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss
    from transformers.trainer_utils import set_seed

    from distillir.encoding.loading import quiet
    from distillir.teachers.length_batches import LengthBatches
    from distillir.teachers.load_cross_encoder import open_cross_encoder
    from distillir.training.callbacks import Bar, ClockedCheckpoints, last_checkpoint, silence

    set_seed(settings["seed"])
    model = open_cross_encoder(base_model, max_length=settings["max_length"], options=options, num_labels=1)
    keep_freed_memory(model.device)
    texts = _texts(collection, pairs, model, settings)
    # Characters beyond what max_length keeps (some five a token) make no batch slower.
    characters = [len(q) + len(d) for q, d in zip(texts["query"], texts["document"], strict=True)]
    lengths = np.minimum(np.array(characters, dtype=np.int64), 5 * settings["max_length"])
    steps = max(1, int(np.ceil(len(lengths) / settings["batch_size"]) * settings["epochs"]))
    started = time.monotonic()
    with progress("Train teacher", steps) as advance:
        trainer = CrossEncoderTrainer(
            model=model,
            args=_arguments(work, settings, steps, model.device.type, partial(LengthBatches, lengths)),
            train_dataset=Dataset.from_dict(texts),
            loss=BinaryCrossEntropyLoss(model),
            callbacks=[Bar(advance), ClockedCheckpoints(checkpoint_seconds)],
        )
        silence(trainer)
        resumed = last_checkpoint(work / "checkpoints")
        with quiet():
            trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    if not np.all(np.isfinite(losses)):
        raise DistillirError("the loss is not finite", where="train-teacher", remedy="lower the learning rate")
    model.eval()
    return model, {
        "pairs": len(lengths),
        "positives": int(pairs.labels.sum()),
        "steps": steps,
        "first_loss": losses[0],
        "loss": losses[-1],
        "seconds": round(time.monotonic() - started, 1),
    }


def _texts(collection: Collection, pairs: TrainingPairs, model: Any, settings: dict[str, Any]) -> dict[str, list[Any]]:
    """Columns of the data set: what is read beside each other, and the label.

    A prompt that the base model always takes, and takes when it scores, is taken here too.
    """
    prompt = settings.get("prompt", "")
    if not settings.get("pairwise"):
        return {
            "query": [prompt + text for text in collection.queries.texts(pairs.queries)],
            "document": collection.corpus.texts(pairs.documents),
            "label": pairs.labels.tolist(),
        }
    triples, text = training_triples(pairs, settings["seed"]), PairText(model.tokenizer, settings["max_length"])
    documents = text.joined(collection.corpus.texts(triples.first), collection.corpus.texts(triples.second))
    return {
        "query": [prompt + each for each in text.queries(collection.queries.texts(triples.queries))],
        "document": documents,
        "label": triples.labels.tolist(),
    }


def _arguments(work: Path, settings: dict[str, Any], steps: int, device: str, sampler: Any) -> Any:
    from sentence_transformers.cross_encoder import CrossEncoderTrainingArguments

    return CrossEncoderTrainingArguments(
        output_dir=str(work / "checkpoints"),
        per_device_train_batch_size=settings["batch_size"] // world_size(),
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
        ddp_backend="gloo" if device == "cpu" and world_size() > 1 else None,
    )
