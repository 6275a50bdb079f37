"""Leaderboard: mean and spread over seeds, and the significance of each cell's difference from the baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.comparison.cell import Cell
from distillir.comparison.file import ComparisonPlan
from distillir.evaluation.held_out import HELD_OUT
from distillir.evaluation.measures import Evaluation
from distillir.evaluation.measures import evaluate as measure
from distillir.evaluation.significance import bootstrap_interval, holm_correction, paired_t_test
from distillir.pipeline.also import other_run
from distillir.pipeline.evaluate import hardware, versions
from distillir.pipeline.other_collections import OtherCollection
from distillir.pipeline.queries import evaluation_qrels
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.search import first_stage
from distillir.reporting.metrics import read_metrics
from distillir.signals.registry import built_in


@dataclass(frozen=True)
class Against:
    """A cell's difference from the baseline on the first measure, of each query's mean over seeds.

    On another collection it is the difference from the student before training.

    Attributes:
        difference: Mean over queries.
        low: Lower end of its 95 % confidence interval (bootstrap over queries).
        high: Upper end of it.
        p_value: Of a two-sided paired t-test.
        corrected: The same corrected for the number of cells compared (Holm).
    """

    difference: float
    low: float
    high: float
    p_value: float
    corrected: float


@dataclass(frozen=True)
class CellElsewhere:
    """A cell on another collection.

    Attributes:
        means: Measure to mean over queries and seeds.
        spread: Standard deviation over seeds of the first measure's mean over queries; None with one seed.
        before: Value of the first measure before training.
        change: The difference from before training, corrected for the number of cells.
    """

    means: Mapping[str, float]
    spread: float | None
    before: float
    change: Against


@dataclass(frozen=True)
class Row:
    """One cell.

    Attributes:
        name: The cell's.
        seeds: Those that are done.
        means: Measure to mean over queries and seeds.
        spreads: Measure to standard deviation over seeds of the mean over queries; None with one seed.
        by_seed: Values of the first measure, one a seed.
        before: Value of the first measure before training.
        against: The difference from the baseline; None for the baseline itself.
        seconds: Of training and searching, mean over seeds; what is shared is not in it.
        calls: Teacher calls of this cell's own runs.
        size: Bytes that the student's index takes a document, uncompressed, mean over seeds; None where unknown.
        also: The cell on other collections, by their names.
    """

    name: str
    seeds: tuple[int, ...]
    means: Mapping[str, float]
    spreads: Mapping[str, float | None]
    by_seed: tuple[float, ...]
    before: float
    against: Against | None
    seconds: float
    calls: Mapping[str, int]
    size: float | None = None
    also: Mapping[str, CellElsewhere] = field(default_factory=dict)


@dataclass(frozen=True)
class Leaderboard:
    """A comparison's result.

    Attributes:
        collection: Its name.
        split: Of the queries.
        queries: How many.
        measures: The first is the one ranked and tested by.
        baseline: The cell others are compared with.
        rows: Best first.
        teacher: The teacher's measures, where all cells have the same one and its run is known.
        shared: Seconds and teacher calls of what all cells share.
        planned: Runs there will be.
        failed: Runs that failed, a sentence each.
        hardware: What it ran on.
        versions: Of what its figures depend on.
        also: Of each other collection by its name: ``split``, ``queries`` and ``documents``.
        first_stage: Measures of the candidates' own order, where all cells rank the same ones and search nothing.
    """

    collection: str
    split: str
    queries: int
    measures: tuple[str, ...]
    baseline: str
    rows: tuple[Row, ...]
    teacher: Mapping[str, float]
    shared: Mapping[str, Any]
    planned: int
    failed: tuple[str, ...]
    hardware: str
    versions: Mapping[str, str]
    also: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    first_stage: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Everything, for ``leaderboard.json``."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Leaderboard":
        """Make a leaderboard from the mapping of `to_dict`, read back from JSON."""
        rows = [
            Row(
                **{
                    **row,
                    "against": Against(**row["against"]) if row["against"] else None,
                    "also": {
                        name: CellElsewhere(**{**found, "change": Against(**found["change"])})
                        for name, found in row.get("also", {}).items()
                    },
                }
            )
            for row in value["rows"]
        ]
        return cls(**{**value, "rows": tuple(rows)})


def make_leaderboard(
    comparison: ComparisonPlan,
    done: Sequence[tuple[Cell, int, RunFolder]],
    shared: Sequence[RunFolder],
    failed: Sequence[str] = (),
    known: dict[Path, Evaluation] | None = None,
) -> Leaderboard:
    """Measure the runs that are done.

    Args:
        comparison: What is compared.
        done: Cell, seed and folder of each run that has ``runs/after.trec``.
        shared: Folders of what the cells share.
        failed: What is said of runs that failed.
        known: What was measured before, by the ranking's file, and where what is measured now is kept.
    """
    folder, known = done[0][2], {} if known is None else known
    qrels = evaluation_qrels(folder)
    measures = tuple(folder.recipe.evaluation.measures)
    evaluated: dict[str, list[Evaluation]] = {}
    for cell, _, run in done:
        evaluated.setdefault(cell.name, []).append(_evaluate(run, "after", measures, known))
    rows = [_row(cell, [r for c, _, r in done if c is cell], evaluated[cell.name], measures, done, known) for cell in
            comparison.cells if cell.name in evaluated]  # fmt: skip
    rows = _tested(
        rows, {name: _by_query(found, measures[0]) for name, found in evaluated.items()}, comparison.baseline
    )
    rows = _with_others(rows, done, measures, known)
    # One line for the teacher means something where there is one.
    teachers = [one for one in shared if one.teacher_run.is_file()]
    alone = teachers and all(one.recipe.teacher == teachers[0].recipe.teacher for one in teachers)
    teacher = _evaluate(teachers[0], "teacher", measures, known).means if alone else {}
    return Leaderboard(
        collection=folder.collection.name,
        split=folder.recipe.evaluation.split or HELD_OUT,
        queries=len(qrels.query_rows),
        measures=measures,
        baseline=comparison.baseline,
        rows=tuple(sorted(rows, key=lambda row: -row.means[measures[0]])),
        teacher=teacher,
        shared={
            "seconds": round(sum(sum(one.facts.read().get("seconds", {}).values()) for one in shared), 1),
            "calls": _calls(shared),
        },
        planned=len(comparison.runs),
        failed=tuple(failed),
        hardware=hardware(),
        versions=versions(),
        first_stage=_first_stage(shared, measures, known),
        also={
            other.name: {
                "split": other.split,
                "queries": len(other.rows),
                "documents": len(other.collection.corpus),
            }
            for other in folder.others
        },
    )


def _first_stage(
    shared: Sequence[RunFolder], measures: Sequence[str], known: dict[Path, Evaluation]
) -> Mapping[str, float]:
    """Measures of the mined candidates in their own order; empty where students search, or not all rank the same."""
    wanted = {(one.recipe.student.own_kind.searches, str(one.recipe.candidates)) for one in shared}
    path = shared[0].evaluation_candidates.resolve() if shared else None
    if path is None or len(wanted) != 1 or next(iter(wanted))[0] or not path.is_file():
        return {}
    if path not in known:
        known[path] = measure(first_stage(shared[0]), evaluation_qrels(shared[0]), list(measures))
    return known[path].means


def _row(
    cell: Cell,
    folders: Sequence[RunFolder],
    found: Sequence[Evaluation],
    measures: Sequence[str],
    done: Sequence[tuple[Cell, int, RunFolder]],
    known: dict[Path, Evaluation],
) -> Row:
    values = {name: np.array([one.means[name] for one in found]) for name in measures}
    return Row(
        name=cell.name,
        seeds=tuple(seed for other, seed, _ in done if other is cell),
        means={name: float(value.mean()) for name, value in values.items()},
        spreads={name: float(value.std(ddof=1)) if len(value) > 1 else None for name, value in values.items()},
        by_seed=tuple(float(value) for value in values[measures[0]]),
        before=_evaluate(folders[0], "before", measures, known).means[measures[0]],
        against=None,
        seconds=round(float(np.mean([_seconds(one) for one in folders])), 1),
        calls=_calls(folders),
        size=_size(folders),
    )


def _size(folders: Sequence[RunFolder]) -> float | None:
    """Bytes a document in the students' indices, mean over runs; None where a run does not have it."""
    told = [read_metrics(one.metrics).student for one in folders if one.metrics.is_file()]
    sizes = [one.bytes_per_document for one in told if one and one.unit]
    return float(np.mean(sizes)) if sizes else None


def _tested(rows: Sequence[Row], values: Mapping[str, npt.NDArray[np.float64]], baseline: str) -> list[Row]:
    """Add the difference from the baseline to rows; unchanged while the baseline has not run."""
    others = [row for row in rows if row.name != baseline]
    if baseline not in values or not others:
        return list(rows)
    differences = [values[row.name] - values[baseline] for row in others]
    p_values = [paired_t_test(difference) for difference in differences]
    tested = {}
    for row, difference, p, corrected in zip(others, differences, p_values, holm_correction(p_values), strict=True):
        low, high = bootstrap_interval(difference)
        tested[row.name] = replace(row, against=Against(float(difference.mean()), low, high, p, corrected))
    return [tested.get(row.name, row) for row in rows]


def _with_others(
    rows: Sequence[Row],
    done: Sequence[tuple[Cell, int, RunFolder]],
    measures: Sequence[str],
    known: dict[Path, Evaluation],
) -> list[Row]:
    """Add results on other collections to rows; each is compared with the student that it started from."""
    others = done[0][2].others
    found: dict[str, dict[str, CellElsewhere]] = {row.name: {} for row in rows}
    for other in others:
        differences, of_cells = [], []
        for row in rows:
            folders = [run for cell, _, run in done if cell.name == row.name]
            before = _evaluate_other(folders[0], other, "before", measures, known)
            after = [_evaluate_other(run, other, "after", measures, known) for run in folders]
            differences.append(_by_query(after, measures[0]) - before.values[measures[0]])
            of_cells.append((before, after))
        p_values = [paired_t_test(difference) for difference in differences]
        corrected = holm_correction(p_values)
        for place, (row, (before, after)) in enumerate(zip(rows, of_cells, strict=True)):
            headline = np.array([one.means[measures[0]] for one in after])
            interval = bootstrap_interval(differences[place])
            found[row.name][other.name] = CellElsewhere(
                means={name: float(np.mean([one.means[name] for one in after])) for name in measures},
                spread=float(headline.std(ddof=1)) if len(after) > 1 else None,
                before=before.means[measures[0]],
                change=Against(float(differences[place].mean()), *interval, p_values[place], corrected[place]),
            )
    return [replace(row, also=found[row.name]) for row in rows]


def _evaluate_other(
    folder: RunFolder, other: OtherCollection, when: str, measures: Sequence[str], known: dict[Path, Evaluation]
) -> Evaluation:
    from distillir.pipeline.rankings import read_ranking

    path = other_run(folder, other, when).resolve()
    if path not in known:
        known[path] = measure(read_ranking(folder, path, other.collection), other.qrels, list(measures))
    return known[path]


def _by_query(found: Sequence[Evaluation], name: str) -> npt.NDArray[np.float64]:
    """Each query's value [Q], mean over seeds."""
    mean: npt.NDArray[np.float64] = np.mean([one.values[name] for one in found], axis=0)
    return mean


def _evaluate(folder: RunFolder, which: str, measures: Sequence[str], known: dict[Path, Evaluation]) -> Evaluation:
    from distillir.pipeline.rankings import read_ranking

    path = {"before": folder.before_run, "after": folder.after_run, "teacher": folder.teacher_run}[which].resolve()
    if path not in known:
        qrels = evaluation_qrels(folder)
        known[path] = measure(read_ranking(folder, path), qrels, list(measures))
    return known[path]


def _calls(folders: Sequence[RunFolder]) -> dict[str, int]:
    """Calls of some runs to teachers of lists, pairs and layers, added up."""
    total = {"asked": 0, "cached": 0}
    for folder in folders:
        for kind in ("teacher_calls", *(name for own in built_in() for name in own.calls)):
            for name, count in folder.facts.read().get(kind, {}).items():
                total[name] = total.get(name, 0) + int(count)
    return total


def _seconds(folder: RunFolder) -> float:
    """Seconds of one run without what the first run that needs it makes for all."""
    seconds, shared = folder.facts.read().get("seconds", {}), {kind.folder for kind in built_in() if kind.shares}
    return float(sum(spent for stage, spent in seconds.items() if stage not in shared))
