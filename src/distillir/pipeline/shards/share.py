"""The share of a stage that one process takes: ``3/64`` is the third of 64."""

import re
from dataclasses import dataclass

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError

_FORM = re.compile(r"(\d{1,9})/(\d{1,9})")


@dataclass(frozen=True)
class Share:
    """One of several even shares of the work.

    Attributes:
        number: Which, from 1.
        of: How many there are.
    """

    number: int
    of: int

    def __str__(self) -> str:
        """Form in which the command line takes it."""
        return f"{self.number}/{self.of}"

    @property
    def span(self) -> tuple[float, float]:
        """Begin and end of the share, the whole being from 0 to 1."""
        return (self.number - 1) / self.of, self.number / self.of

    def rows(self, rows: Rows, block: int = 1) -> Rows:
        """The share's rows: neighbours, as many as any other share has, or one more or fewer.

        Args:
            rows: Those of all shares.
            block: Shares of two blocks or more begin at multiples of it, so that some are a block longer.
        """
        if block > 1 and len(rows) >= 2 * block * self.of:
            begin, end = (round(len(rows) * at / block) * block for at in self.span)
            return rows[begin : len(rows) if self.number == self.of else end]
        return np.array_split(rows, self.of)[self.number - 1]


def read_share(text: str) -> Share:
    """The share that ``--shard`` names.

    Raises:
        DistillirError: It is no such thing, or no share of so many.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise DistillirError(
            f"is {text!r}, no share of so many", where="--shard", remedy="write 3/64 for the third of 64 shards"
        )
    number, of = int(found[1]), int(found[2])
    if of < 1 or not 1 <= number <= of:
        last = f"shards are numbered 1 to {of}" if of else "there is at least one shard"
        raise DistillirError(
            f"is {text.strip()}, and {last}", where="--shard", remedy=f"choose 1/{of or 1} to {of or 1}/{of or 1}"
        )
    return Share(number, of)
