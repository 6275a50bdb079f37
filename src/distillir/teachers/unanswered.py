"""Candidates about which a language model gave no answer: NaN among a teacher's scores."""

from collections.abc import Sequence

import numpy as np

from distillir.retrieval.run import Run, Scores, from_lists


def without_unanswered(run: Run, scores: Sequence[Scores]) -> tuple[Run, list[Scores], int]:
    """Leave unanswered candidates out of the lists.

    Args:
        run: The candidates.
        scores: The teacher's, aligned with the lists.

    Returns:
        The rest of both, and how many were left out.
    """
    known = [~np.isnan(values) for values in scores]
    silent = sum(int((~flags).sum()) for flags in known)
    if not silent:
        return run, list(scores), 0
    parts = [run.of(index) for index in range(len(run))]
    rows = [documents[flags] for (documents, _), flags in zip(parts, known, strict=True)]
    mined = [values[flags] for (_, values), flags in zip(parts, known, strict=True)]
    kept = from_lists(run.queries, rows, mined, run.name)
    return kept, [values[flags] for values, flags in zip(scores, known, strict=True)], silent


def last_where_silent(scores: Scores) -> Scores:
    """A list's scores, with what is below them all in place of NaN."""
    silent = np.isnan(scores)
    least = float(scores[~silent].min()) - 1 if not silent.all() else 0.0
    return np.asarray(np.where(silent, least, scores), dtype=np.float32)
