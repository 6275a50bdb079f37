"""Teacher scores of a teaching set, for the report: by relevance, and how decided they are on each list."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from distillir.base.environment import raise_if_refused
from distillir.base.errors import DistillirError

Numbers = npt.NDArray[np.float64]
MOST_LISTS = 2_000  # enough for a histogram; a large teaching set need not be read whole


@dataclass(frozen=True)
class TeacherScores:
    """The teacher's scores in a teaching set, or in an even sample of its lists.

    Attributes:
        relevant: Scores of candidates judged relevant.
        other: Scores of all other candidates.
        spread: Standard deviation of each list of two or more.
        evenness: Entropy of each such list's softmax (temperature 1) as a share of the largest possible, log n:
            0 where one candidate takes all, 1 where all are alike.
        lists: How many lists the teaching set has.
        read: How many of them were read.
    """

    relevant: Numbers
    other: Numbers
    spread: Numbers
    evenness: Numbers
    lists: int
    read: int


def read_teacher_scores(path: Path, most: int = MOST_LISTS) -> TeacherScores | None:
    """Read the scores of a teaching set.

    Args:
        path: The folder ``teaching``, as `datasets.load_from_disk` opens it.
        most: Read at most this many lists, evenly spread over the set.

    Returns:
        The scores; None where the set has none (a teacher that gives other signals).

    Raises:
        DistillirError: The folder cannot be opened.
    """
    import datasets

    try:
        table = datasets.load_from_disk(str(path))
    except Exception as error:
        raise_if_refused(error)
        raise DistillirError(
            f"cannot be opened as a teaching set ({error})",
            where=path,
            remedy="it is damaged: delete it, and make it anew with distillir score",
        ) from None
    if "scores" not in getattr(table, "column_names", []) or not len(table):
        return None
    rows = np.unique(np.linspace(0, len(table) - 1, min(most, len(table))).astype(np.int64))
    columns = [c for c in ("scores", "relevant") if c in table.column_names]
    part = table.select_columns(columns).select(rows).with_format("arrow")[:]
    scores = [np.asarray(s if s is not None else [], dtype=np.float64) for s in part.column("scores").to_pylist()]
    if "relevant" in columns:
        labels = [np.asarray(r or [], dtype=bool) for r in part.column("relevant").to_pylist()]
    else:
        labels = [np.zeros(0, dtype=bool)] * len(scores)
    labels = [r if len(r) == len(s) else np.zeros(len(s), dtype=bool) for r, s in zip(labels, scores, strict=True)]
    flat = np.concatenate(scores)
    flags = np.concatenate(labels)
    finite = np.isfinite(flat)
    whole = [s for s in scores if len(s) > 1 and np.isfinite(s).all()]
    return TeacherScores(
        flat[finite & flags],
        flat[finite & ~flags],
        np.array([s.std() for s in whole]),
        np.array([_evenness(s) for s in whole]),
        len(table),
        len(rows),
    )


def _evenness(scores: Numbers) -> float:
    weights = np.exp(scores - scores.max())
    shares = weights / weights.sum()
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum() / np.log(len(scores)))
