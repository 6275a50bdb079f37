"""Candidates about which a language model gave no answer: NaN among a teacher's scores."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Scores
from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.collections.run import Run, from_lists


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


def say_unanswered(before: Run, after: Run, silent: int, teacher: str) -> None:
    """Print how much was left out, and what remains.

    Args:
        before: The candidates.
        after: What is left of them.
        silent: How many are gone.
        teacher: Its name.

    Raises:
        DistillirError: No list of two candidates is left: nothing can be learnt.
    """
    if not silent:
        return
    had, left = (sum(len(rows) > 1 for rows in run.lists) for run in (before, after))
    if had and not left:
        raise DistillirError(
            f"gave no answer about {silent} of {len(before.documents)} candidates: no list is left to learn from",
            where=f"teacher {teacher}",
            remedy="run again where a server was away; else use another model or template",
        )
    lost = f"; {had - left} of {had} lists have fewer than two left and teach nothing" if had > left else ""
    say(f"The teacher gave no answer about {silent} of {len(before.documents)} candidates, which are left out{lost}")


def answered_pairs(log_odds: Scores, teacher: str, what: str = "pairs") -> npt.NDArray[np.bool_]:
    """Mask [P] of the pairs that a pairwise teacher answered; prints the number of the others.

    Args:
        log_odds: Its answers [P], NaN for none.
        teacher: Its name.
        what: What messages call the pairs.

    Raises:
        DistillirError: It answered none.
    """
    answered = ~np.isnan(log_odds)
    silent = int((~answered).sum())
    if silent and not answered.any():
        raise DistillirError(
            f"gave no answer about any of {silent} {what}",
            where=f"teacher {teacher}",
            remedy="run again where a server was away; else use another model or template",
        )
    if silent:
        say(f"The pairwise teacher gave no answer about {silent} of {len(answered)} {what}, which are left out")
    return answered


def last_where_silent(scores: Scores) -> Scores:
    """The scores of a list with NaN replaced by a value below all others."""
    silent = np.isnan(scores)
    least = float(scores[~silent].min()) - 1 if not silent.all() else 0.0
    return np.asarray(np.where(silent, least, scores), dtype=np.float32)
