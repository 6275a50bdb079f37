"""Result of a search: the best recipe, the worth of each key, and the significance of the gain."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from distillir.base.files import atomic_file, write_json
from distillir.base.yaml_file import dump_yaml
from distillir.evaluation.significance import Values, bootstrap_interval, paired_t_test
from distillir.recipe import Recipe
from distillir.training.selection import MEASURE
from distillir.tuning.key import Key
from distillir.tuning.space import Space
from distillir.tuning.study import FAILED, Tried
from distillir.tuning.trial import FINISHED, PRUNED, STOPPED, step_values

RECIPE, RESULT, TRIALS = "recipe.yaml", "result.json", "trials"
#: Below this, after correction for the number of trials, a gain is told as one.
LEVEL = 0.05
#: Rounding of values that are kept, and a mean that is told as 1.000.
TIE, SATURATED = 1e-6, 0.9995


@dataclass(frozen=True)
class KeyPart:
    """A choice of a key, or a third of its range.

    Attributes:
        values: What it is.
        trials: Trials with a value there, pruned ones included.
        pruned: Those that were pruned.
        best: The best finished one's measure; None where none finished.
    """

    values: str
    trials: int
    pruned: int
    best: float | None


@dataclass(frozen=True)
class Gain:
    """The best trial against the given recipe, query by query.

    Attributes:
        difference: Mean over queries.
        low: Lower end of its 95 % interval (bootstrap over queries).
        high: Upper end of it.
        p_value: Of a paired t-test.
        corrected: That times the number of trials that were compared, at most 1 (Bonferroni).
    """

    difference: float
    low: float
    high: float
    p_value: float
    corrected: float

    @property
    def noise(self) -> bool:
        """Tell whether the gain could be chance."""
        return self.corrected >= LEVEL or self.difference <= 0


@dataclass(frozen=True)
class SearchResult:
    """The result of a search so far.

    Attributes:
        queries: What trials are measured by, and how many.
        before: The student's measure before training; None where it is gone.
        first: The given recipe's measure.
        best: Of the best trial.
        number: That trial's; the given recipe's own where nothing was better.
        changes: Keys of the recipe that differ from the given one, with values.
        at_edge: Those of them that lie at an end of what was searched.
        gain: Against the given recipe; None where it was best itself, or queries' values are gone.
        trials: How many ended how.
        seconds: Of all trials.
        keys: Parts of each key's range.
        importance_by: How the importances were computed.
        importances: Share of the spread that each key explains; empty where too few trials finished.
        tried: All trials, the best first.
    """

    queries: tuple[str, int]
    before: float | None
    first: float
    best: float
    number: int
    changes: dict[str, str]
    at_edge: list[str]
    gain: Gain | None
    trials: dict[str, int]
    seconds: float
    keys: dict[str, list[KeyPart]]
    importance_by: str
    importances: dict[str, float]
    tried: list[dict[str, Any]] = field(default_factory=list)


def trial_file(folder: Path, number: int) -> Path:
    """Path of a trial's files in the folder of a search, by the trial's number and without endings."""
    return folder / TRIALS / f"{number:03}"


def make_result(
    folder: Path,
    space: Space,
    tried: Sequence[Tried],
    importances: tuple[str, dict[str, float]],
    queries: tuple[str, int],
) -> SearchResult | None:
    """Sum up the trials; None where the given recipe has not finished yet."""
    finished = [trial for trial in tried if trial.ended == FINISHED]
    own = next((trial for trial in finished if trial.own), None)
    if own is None:
        return None
    best = max(finished, key=lambda trial: (trial.value, trial.own, -trial.number))
    assert own.value is not None and best.value is not None
    counts = {ended: sum(trial.ended == ended for trial in tried) for ended in (FINISHED, PRUNED, STOPPED, FAILED)}
    ordered = sorted(tried, key=lambda trial: (trial.ended != FINISHED, -(trial.value or 0.0)))
    return SearchResult(
        queries,
        _mean(_values(folder, own, 0)),
        own.value,
        best.value,
        best.number,
        space.changes(best.params),
        [key.path for key in space.keys if not best.own and key.at_edge(best.params[key.name])],
        None if best.own else _gain(folder, own, best, len(finished) - 1),
        counts,
        round(sum(trial.seconds for trial in tried), 1),
        {key.name: _parts(key, tried) for key in space.keys},
        *importances,
        [{**asdict(one), "params": recipe_values(space, one.params), "drawn": one.params} for one in ordered],
    )


def recipe_values(space: Space, params: dict[str, Any]) -> dict[str, str]:
    """Drawn values as they stand in a recipe."""
    return {key.name: key.told(params[key.name]) for key in space.keys if key.name in params}


def _gain(folder: Path, own: Tried, best: Tried, others: int) -> Gain | None:
    first, last = (_values(folder, trial, trial.best_step) for trial in (own, best))
    if first is None or last is None:
        return None
    differences = last - first
    low, high = bootstrap_interval(differences)
    p_value = paired_t_test(differences)
    return Gain(float(differences.mean()), low, high, p_value, min(1.0, p_value * others))


def _values(folder: Path, trial: Tried, step: int) -> Values | None:
    """Measures of each query that a trial has kept at a step."""
    found = step_values(trial_file(folder, trial.files).with_suffix(".json")).get(str(step))
    return None if found is None else np.asarray(found, dtype=np.float64)


def _mean(values: Values | None) -> float | None:
    return None if values is None else float(values.mean())


def _parts(key: Key, tried: Sequence[Tried]) -> list[KeyPart]:
    found = []
    for place, values in enumerate(key.parts()):
        there = [
            trial
            for trial in tried
            if trial.ended in (FINISHED, PRUNED, STOPPED) and key.part(trial.params[key.name]) == place
        ]
        best = [trial.value for trial in there if trial.ended == FINISHED and trial.value is not None]
        pruned = sum(trial.ended == PRUNED for trial in there)
        found.append(KeyPart(values, len(there), pruned, max(best) if best else None))
    return found


def write_result(folder: Path, result: SearchResult, given: Recipe, space: Space, tried: Sequence[Tried]) -> None:
    """Write ``recipe.yaml``, the best recipe, and ``result.json``.

    Args:
        folder: Of the search.
        result: What was found.
        given: The recipe as the user gave it.
        space: What was searched.
        tried: Every trial.
    """
    params = next(trial.params for trial in tried if trial.number == result.number)
    found = space.recipe(params).resolved()
    found["evaluation"] = given.resolved()["evaluation"]
    before, lines = space.own, []
    for key in space.keys:
        if params[key.name] != key.own:
            lines.append(f"#   {key.path}: {key.told(params[key.name])} (given: {key.told(before[key.name])})")
    if not lines:
        lines = ["#   nothing: no trial was better than the given recipe"]
    if given.training.select != "dev":
        lines.append(f"#   training.select: dev (given: {given.training.select}), as all trials were trained")
    name, count = result.queries
    head = [
        f"# Found by distillir tune: {MEASURE} {result.best:.4f} on {count} {words(name)} and a pool of documents,",
        f"# the given recipe {result.first:.4f}; {sum(result.trials.values())} trials, this one was number "
        f"{result.number}.",
        *([f"# {gain_line(result)}"] if result.gain is not None else []),
        "# What differs from the given recipe:",
        *lines,
        "# Every other setting is written out as it was; values that were auto are settled.",
    ]
    with atomic_file(folder / RECIPE) as temporary:
        text = dump_yaml(found)
        temporary.write_text("\n".join(head) + "\n" + text, encoding="utf-8")
    write_json(folder / RESULT, asdict(result))


def words(name: str) -> str:
    """A phrase for the queries behind a measure's name."""
    return name if "queries" in name else f"queries of {name}"


def gain_line(result: SearchResult) -> str:
    """One line on the gain and its significance."""
    gain, before = result.gain, result.before
    if before is not None and result.best <= before + TIE:
        why = ": these queries cannot show a gain" if before >= SATURATED else "; look at the teacher's scores first"
        return f"No trial was better than the student before training ({before:.4f}){why}"
    if gain is None and len(result.tried) < 2:
        return "Only the given recipe was tried: give more --minutes (--dry-run tells how many trials fit)"
    if gain is None:
        return "No trial was better than the given recipe"
    figures = (
        f"{gain.difference:+.4f} (95 % interval {gain.low:+.4f} to {gain.high:+.4f}; "
        f"p {gain.corrected:.3f}, corrected for {max(result.trials[FINISHED] - 1, 1)} trials)"
    )
    if gain.noise:
        return (
            f"Within noise: the best is above the given recipe by {figures}: it may be no better; "
            "more queries (training.select_queries) tell more"
        )
    return f"Above the given recipe by {figures}"
