"""Candidates scored by a teacher: what it gave no answer about, and likely false negatives, left out."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from distillir.base.progress import say
from distillir.collections import Collection, Qrels
from distillir.retrieval.guard import false_negative_guard
from distillir.retrieval.run import Run, Scores
from distillir.teachers.answers.unanswered import say_unanswered, without_unanswered
from distillir.teachers.counted import CountedTeacher, calls_told
from distillir.teachers.diagnostics import Diagnostics, diagnose, say_diagnostics


def score_candidates(
    collection: Collection,
    run: Run,
    teacher: CountedTeacher,
    qrels: Qrels,
    guard: Mapping[str, float] | None = None,
) -> tuple[Run, list[Scores]]:
    """Ask a teacher about candidates; what it knows already by its cache is not asked.

    Args:
        collection: The corpus and the queries.
        run: The candidates.
        teacher: Who scores them.
        qrels: Judgements, for the guard.
        guard: ``share`` or ``margin`` of `distillir.retrieval.guard.false_negative_guard`; None: nothing is dropped.

    Returns:
        The candidates that are left, and per query the raw scores of these, float32.

    Raises:
        DistillirError: As the teacher and the guard, or nothing is left to learn from.
    """
    scores = teacher.score(collection, run.queries, run.lists)
    left, kept, silent = without_unanswered(run, scores)
    say_unanswered(run, left, silent, teacher.name)
    if guard is None:
        return left, kept
    before = len(left.documents)
    left, kept = false_negative_guard(left, kept, qrels, share=guard.get("share"), margin=guard.get("margin"))
    short = sum(len(rows) < 2 for rows in left.lists)
    lost = f"; {short} of {len(left)} queries have fewer than two left and teach nothing" if short else ""
    say(f"False-negative guard: {before - len(left.documents)} of {before} candidates dropped{lost}")
    return left, kept


def say_scores(
    name: str, scores: Sequence[Scores], relevant: Sequence[npt.NDArray[np.bool_]], calls: Mapping[str, int]
) -> Diagnostics:
    """Tell what a teacher made of candidates and what was paid for it.

    Args:
        name: The teacher's.
        scores: Per query, raw scores.
        relevant: Per query, which candidates are judged relevant.
        calls: What the teacher was asked (`CountedTeacher.calls`).

    Returns:
        The figures that were told.
    """
    found = diagnose(scores, relevant)
    say_diagnostics(found)
    free = "scores come from its index and vectors, no pair was paid for"
    say(f"Teacher {name}: {calls_told(calls) if sum(calls.values()) else free}")
    return found
