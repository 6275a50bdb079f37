"""Measures of a run: nDCG, MRR, recall and others, by ir-measures."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows
from distillir.base.environment import raise_if_refused
from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.collections import Qrels
from distillir.collections.run import Run

DEFAULT_MEASURES = ("nDCG@10", "MRR@10", "recall@100", "MAP@100")
# What people write, beside the names of ir-measures themselves (nDCG, RR, R, AP, P, Success, ...).
_NAMES = {
    "ndcg": "nDCG",
    "mrr": "RR",
    "recall": "R",
    "map": "AP",
    "precision": "P",
    "hit": "Success",
    "success": "Success",
}
_QUERIES_PER_BLOCK = 1024
#: Judgements and a run that every measure has a value for; gdeval wants ids that are numbers.
_ONE_QUERY = {"0": {"0": 2, "1": 0, "2": 1}}, {"0": {"1": 3.0, "0": 2.0, "2": 1.0, "3": 0.0}}


@dataclass(frozen=True)
class Evaluation:
    """Measures of one run.

    Attributes:
        queries: Every judged query row [Q], ascending.
        values: Per measure, by the name it was asked for, its value per query [Q], float64.
        missing: How many judged queries the run has no document for; they count as 0.
    """

    queries: Rows
    values: Mapping[str, npt.NDArray[np.float64]]
    missing: int

    @property
    def means(self) -> dict[str, float]:
        """The mean of each measure over all judged queries."""
        return {name: float(values.mean()) for name, values in self.values.items()}


def evaluate(run: Run, qrels: Qrels, measures: Sequence[str] = DEFAULT_MEASURES) -> Evaluation:
    """Measure a run against judgements.

    The order judged is the run's own, also among documents of equal score (trec_eval reorders those by id, so that
    its figures may differ a little where scores tie). All judged queries count: those that the run has nothing for
    are 0, and the user is told how many. Grades below 0 count as 0, and queries of the run without judgements are
    passed over.

    Args:
        run: The rankings.
        qrels: The judgements.
        measures: Names such as ``nDCG@10``, ``MRR@10``, ``recall@100``, ``MAP``, or any of ir-measures.

    Returns:
        Values per query and their means.

    Raises:
        DistillirError: No judgement at all, or an unknown measure.
    """
    import ir_measures

    parsed = {name: _parse(name) for name in dict.fromkeys(measures)}
    queries = qrels.query_rows
    if not len(queries):
        raise DistillirError("no query has a judgement", remedy="choose a split that has qrels")
    values = {name: np.zeros(len(queries)) for name in parsed}
    aligned = run.select(queries)
    missing = int((np.diff(aligned.offsets) == 0).sum())
    if missing:
        say(f"{run.name}: {missing} of {len(queries)} judged queries have no document in the run; they count as 0")
    distinct = set(parsed.values())
    # ir-measures wants dictionaries of strings: made for one block of queries after the other.
    for start in range(0, len(queries), _QUERIES_PER_BLOCK):
        places = range(start, min(start + _QUERIES_PER_BLOCK, len(queries)))
        judged = {str(place): _judged(qrels, int(queries[place])) for place in places}
        ranked = {str(place): _ranked(aligned, place) for place in places}
        try:
            metrics = list(ir_measures.iter_calc(distinct, judged, ranked))
        except Exception as error:  # Accuracy, for example, divides by the documents that are not relevant
            raise_if_refused(error)
            raise DistillirError(
                f"one of {', '.join(parsed)} cannot be computed for this run ({type(error).__name__}: {error})",
                where="evaluation.measures",
                remedy="leave it out",
            ) from error
        for metric in metrics:
            for name, measure in parsed.items():
                if measure == metric.measure:
                    values[name][int(metric.query_id)] = metric.value
    return Evaluation(queries, values, missing)


def check_measures(measures: Sequence[str]) -> None:
    """Refuse names that no measure has, and no name at all.

    Raises:
        DistillirError: An unknown measure, or none.
    """
    if not measures:
        raise DistillirError("no measure is named", where="measures", remedy='give one or more, for example "nDCG@10"')
    for name in measures:
        _parse(name)


@cache
def _parse(name: str) -> Any:
    import ir_measures

    found = re.match(r"[A-Za-z]+", name)
    stem = found.group() if found else ""
    text = _NAMES.get(stem.lower(), stem) + name[len(stem) :]
    # Whatever ir-measures raises, assertions among it: what it does not take is no measure.
    with suppress(Exception):
        measure = ir_measures.parse_measure(text)
        if all(_is_possible(value) for value in measure.params.values()):
            # Some providers refuse a parameter only when they compute: on one query then, before anything is paid for.
            computed = [metric.value for metric in ir_measures.iter_calc([measure], *_ONE_QUERY)]
            if len(computed) == 1 and np.isfinite(computed[0]):
                return measure
    raise DistillirError(
        f"unknown measure {name!r}", remedy="write nDCG@10, MRR@10, recall@100, MAP, or a measure of ir-measures"
    )


def _is_possible(value: Any) -> bool:
    """Tell whether trec_eval takes a whole number as cutoff or grade; on others it would end the process."""
    return not isinstance(value, int) or isinstance(value, bool) or 1 <= value < 2**31


def _judged(qrels: Qrels, query: int) -> dict[str, int]:
    documents, grades = qrels.of(query)
    return {str(d): max(0, int(g)) for d, g in zip(documents, grades, strict=True)}


def _ranked(run: Run, place: int) -> dict[str, float]:
    """Documents with negated ranks as scores, all distinct, so that every provider of ir-measures keeps the order."""
    return {str(document): float(-rank) for rank, document in enumerate(run.of(place)[0])}
