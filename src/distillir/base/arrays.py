"""Types of the arrays that rooms hand to each other."""

import numpy as np
import numpy.typing as npt

#: Positions in a table, of queries or of documents; int64, -1 where something has none.
Rows = npt.NDArray[np.int64]

#: Scores of documents for a query, raw as whoever gives them; float32, more is better.
Scores = npt.NDArray[np.float32]

#: One yes or no a document.
Flags = npt.NDArray[np.bool_]

#: Scores of a list by each layer of a teacher [layers, documents], the last layer last; float32.
LayerScores = npt.NDArray[np.float32]


def as_scores(values: npt.ArrayLike) -> Scores:
    """Numbers from elsewhere as scores, of the same shape; what float32 cannot hold is infinite, and checked as such.

    numpy warns of it at the terminal, where it says neither whose score it is nor what becomes of it.

    Raises:
        ValueError: Something is no number (and `TypeError`, as numpy has it).
    """
    with np.errstate(over="ignore"):
        return np.asarray(values, dtype=np.float32)


def evenly_spaced(rows: Rows, most: int) -> Rows:
    """Some of the rows, evenly spaced [K]: all, or ``most`` of them."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]
