"""The pairs of a teaching set on disk, with the pairwise teacher's preferences."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from distillir.base.arrays import Rows, Scores
from distillir.base.environment import raise_if_refused
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_file

_AGAIN = "delete it: answers are kept in the score cache"
PAIRS, DARK_PAIRS = "pairs.parquet", "dark.parquet"
_SOURCE = b"distillir.source"
_SCHEMA = {
    "list": pa.int64(),
    "first": pa.int64(),
    "second": pa.int64(),
    "log_odds": pa.float32(),
    "swapped": pa.float32(),
}


@dataclass(frozen=True)
class Pairs:
    """Aligned arrays [P].

    Attributes:
        lists: Index of the list in its teaching set, ascending.
        first: Place of the first candidate in the list: the one that the pointwise teacher ranks higher.
        second: Place of the second.
        log_odds: log(P / (1 - P)) that the first beats the second, asked in this order.
        swapped: The same of the second against the first, asked in the other order; NaN where it was not asked.
    """

    lists: Rows
    first: Rows
    second: Rows
    log_odds: Scores
    swapped: Scores

    def __len__(self) -> int:
        return len(self.lists)

    def where(self, flags: npt.NDArray[np.bool_]) -> "Pairs":
        """Some of them."""
        return Pairs(
            self.lists[flags], self.first[flags], self.second[flags], self.log_odds[flags], self.swapped[flags]
        )

    @property
    def preferences(self) -> Scores:
        """P(first beats second) [P]: the answer, or the mean of both orders' where both were asked."""
        forward, backward = sigmoid(self.log_odds), 1 - sigmoid(self.swapped)
        return np.asarray(np.where(np.isnan(backward), forward, (forward + backward) / 2), dtype=np.float32)


def sigmoid(values: Scores) -> Scores:
    """1 / (1 + exp(-x)), in float64."""
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-values.astype(np.float64))))


def write_pairs(pairs: Pairs, path: Path, source: str, name: str = PAIRS) -> None:
    """Write ``path / name`` with the identity of what the pairs were made of."""
    columns = (pairs.lists, pairs.first, pairs.second, pairs.log_odds, pairs.swapped)
    schema = pa.schema(list(_SCHEMA.items()), metadata={_SOURCE: source.encode()})
    table = pa.table([pa.array(values) for values in columns], schema=schema)
    path.mkdir(parents=True, exist_ok=True)
    with atomic_file(path / name) as temporary:
        pq.write_table(table, str(temporary))


def open_pairs(path: Path, source: str | None = None, name: str = PAIRS) -> Pairs:
    """Read what `write_pairs` wrote.

    Args:
        path: The folder.
        source: What it must have been made of; None: anything.
        name: Of the file.

    Raises:
        DistillirError: It is missing, damaged, or of another source.
    """
    try:
        table = pq.read_table(str(path / name))
    except (OSError, pa.ArrowException) as error:
        raise_if_refused(error)
        raise DistillirError(
            f"cannot be read ({error})", where=path / name, remedy="delete it: answers are kept in the score cache"
        ) from None
    if source is not None and (table.schema.metadata or {}).get(_SOURCE) != source.encode():
        raise DistillirError(
            "was made of another teaching set or by other settings",
            where=path,
            remedy="delete it: answers are kept in the score cache",
        )
    missing = [name for name in _SCHEMA if name not in table.column_names]
    if missing:
        raise DistillirError(
            f"has no column {missing[0]}", where=path / name, remedy="delete it: answers are kept in the score cache"
        )
    return Pairs(*(table.column(name).to_numpy() for name in _SCHEMA))
