"""A run directory, read part by part, with the reasons why parts are missing."""

from dataclasses import dataclass, field
from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.base.files import read_lines
from distillir.collections.collection import Collection
from distillir.evaluation.held_out import HELD_OUT, teacher_qrels
from distillir.reporting.dark_examples import DarkReport, read_dark_examples
from distillir.reporting.layer_report import LayerReport, read_layers
from distillir.reporting.metrics import Metrics, read_metrics
from distillir.reporting.pair_preferences import PairReport, read_pairs
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
        dark: Of ``dark/``; None for a run without dark examples.
        pairs: Of ``pairs/``; None for a run without pairs.
        layers: Of ``layers.jsonl`` and ``layer_quality.json``; None for a run without layers.
        notes: Why a part is left out, a sentence each.
    """

    metrics: Metrics
    recipe: str | None = None
    log: TrainingLog | None = None
    scores: TeacherScores | None = None
    gains: QueryGains | None = None
    dark: DarkReport | None = None
    pairs: PairReport | None = None
    layers: LayerReport | None = None
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
    if run.metrics.dark is not None:
        if (path / "dark").is_dir():
            run.dark = read_dark_examples(path, run.metrics.dark, collection)
        else:
            run.notes.append("Dark examples: the run directory has no dark/.")
    if run.metrics.pairs and (path / "pairs").is_dir() and (path / "teaching").is_dir():
        run.pairs = read_pairs(path)
    elif run.metrics.pairs:
        run.notes.append("Pairs: the run directory has no pairs/ or no teaching/.")
    _read_layers(run, path)
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


def _read_layers(run: RunDirectory, path: Path) -> None:
    if not any((path / name).exists() for name in ("layers", "layers.jsonl", "layer_quality.json")):
        return
    found = read_layers(path)
    if not found.draws:
        run.notes.append("Layers that were compared: the run directory has no layers.jsonl, or no draw in it.")
    if not found.quality:
        run.notes.append("How well each layer ranks: the run directory has no layer_quality.json that can be read.")
    if found.unreadable:
        run.notes.append(f"Layers: {found.unreadable} of the lines of layers.jsonl are no draw and were passed over.")
    run.layers = found if found.draws or found.quality else None


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
