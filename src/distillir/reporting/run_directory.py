"""A run directory, read part by part, with the reasons why parts are missing."""

from dataclasses import dataclass, field
from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.base.files import read_lines
from distillir.collections.collection import Collection
from distillir.evaluation.held_out import HELD_OUT, teacher_qrels
from distillir.reporting.metrics import Metrics, read_metrics
from distillir.reporting.query_gains import QueryGains, query_gains
from distillir.reporting.teacher_scores import TeacherScores, read_teacher_scores
from distillir.reporting.training_log import TrainingLog, read_training_log
from distillir.retrieval.trec import read_run


@dataclass
class RunDirectory:
    """The contents of a run directory; only the metrics must be there.

    Attributes:
        metrics: ``metrics.json``.
        recipe: ``recipe.yaml`` as it stands.
        log: ``log.jsonl``.
        scores: Of ``teaching/``.
        gains: Of ``runs/before.trec`` and ``runs/after.trec``.
        notes: Why a part is left out, a sentence each.
    """

    metrics: Metrics
    recipe: str | None = None
    log: TrainingLog | None = None
    scores: TeacherScores | None = None
    gains: QueryGains | None = None
    notes: list[str] = field(default_factory=list)


def read_run_directory(path: Path, collection: Collection | None = None) -> RunDirectory:
    """Read everything that a report shows of a run directory.

    Args:
        path: The folder that ``distillir run --output`` wrote.
        collection: What the run was made of; without it single queries cannot be told.

    Raises:
        DistillirError: There is no such folder, or a file in it is malformed.
    """
    if not path.is_dir():
        raise DistillirError("no such run directory", where=path, remedy="give the folder that `distillir run` wrote")
    run = RunDirectory(read_metrics(path / "metrics.json"))
    if (path / "recipe.yaml").is_file():
        run.recipe = "\n".join(line for _, line in read_lines(path / "recipe.yaml"))
    else:
        run.notes.append("Recipe: the run directory has no recipe.yaml.")
    _read_log(run, path / "log.jsonl")
    _read_scores(run, path / "teaching")
    _read_gains(run, path / "runs", collection)
    if not run.metrics.seconds:
        run.notes.append("Time: metrics.json has no seconds.")
    return run


def _read_log(run: RunDirectory, path: Path) -> None:
    if not path.is_file():
        run.notes.append("Training curves: the run directory has no log.jsonl.")
        return
    run.log = read_training_log(path)
    if not run.log.curves.get("loss"):
        run.notes.append("Loss curve: log.jsonl holds no loss.")
    if lines := run.log.unreadable:
        named = ", ".join(str(n) for n in lines[:5]) + (" …" if len(lines) > 5 else "")
        run.notes.append(f"Training log: passed over {len(lines)} of its lines that are no log entry (line {named}).")


def _read_scores(run: RunDirectory, path: Path) -> None:
    if not path.is_dir():
        run.notes.append("Teacher's scores: the run directory has no teaching set (teaching/).")
        return
    run.scores = read_teacher_scores(path)
    if run.scores is None:
        run.notes.append("Teacher's scores: the teaching set has none.")


def _read_gains(run: RunDirectory, path: Path, collection: Collection | None) -> None:
    missing = [name for name in ("before.trec", "after.trec") if not (path / name).is_file()]
    if missing:
        run.notes.append(f"Single queries: the run directory has no runs/{' and no runs/'.join(missing)}.")
    elif collection is None:
        run.notes.append("Single queries: the collection was not given, so there are no judgements and no texts.")
    elif not run.metrics.measures:
        run.notes.append("Single queries: metrics.json names no measure.")
    else:
        names = [n for n in ("before", "after", "teacher") if (path / f"{n}.trec").is_file()]
        runs = {name: read_run(path / f"{name}.trec", collection) for name in names}
        held_out = run.metrics.split == HELD_OUT
        qrels = teacher_qrels(runs["teacher"]) if held_out else collection.qrels(run.metrics.split)
        run.gains = query_gains(collection, qrels, runs, run.metrics.measures[0])
