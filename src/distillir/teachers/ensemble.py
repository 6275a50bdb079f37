"""An ensemble as teacher: the weighted sum of its members' scores, normalised per query."""

import json
from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np
import xxhash

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.teachers.counted import CountedTeacher, added


def zscore(scores: Scores) -> Scores:
    """Scores of one list less their mean, over their (population) standard deviation; zeros for a constant list."""
    return _scaled(scores, lambda s: s.mean(), lambda s: s.std())


def minmax(scores: Scores) -> Scores:
    """Scores of one list brought to [0, 1]; zeros for a constant list."""
    return _scaled(scores, lambda s: s.min(), lambda s: s.max() - s.min())


def unchanged(scores: Scores) -> Scores:
    """The raw scores."""
    return np.asarray(scores, dtype=np.float32)


Wide = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def _scaled(scores: Scores, centre: Callable[[Wide], float], spread: Callable[[Wide], float]) -> Scores:
    # Where a member gave no answer, the sum has none.
    scaled, answered = np.full(len(scores), np.nan, dtype=np.float32), ~np.isnan(scores)
    wide = scores[answered].astype(np.float64)
    if not len(wide) or wide.min() == wide.max():
        scaled[answered] = 0.0
    else:
        scaled[answered] = (wide - centre(wide)) / spread(wide)
    return scaled


NORMALISATIONS: dict[str, Callable[[Scores], Scores]] = {"zscore": zscore, "minmax": minmax, "none": unchanged}


class EnsembleTeacher(CountedTeacher):
    """The sum over members of weight x normalised score, over each query's list of candidates.

    Members' raw scores are what is kept; the sum is made anew. With ``zscore`` and ``minmax`` a score therefore depends
    on the other candidates of its list.

    Args:
        members: At least one teacher.
        weights: One a member (default: 1 each).
        normalise: ``zscore``, ``minmax`` or ``none``.

    Raises:
        DistillirError: No member, as many weights as not, or an unknown normalisation.
    """

    def __init__(
        self,
        members: Sequence[CountedTeacher],
        weights: Sequence[float] | None = None,
        normalise: str = "zscore",
    ) -> None:
        if not members:
            raise DistillirError("an ensemble without members", where="teacher", remedy="name at least one")
        if weights is not None and len(weights) != len(members):
            raise DistillirError(
                f"{len(weights)} weights for {len(members)} members", where="teacher", remedy="give one weight a member"
            )
        if normalise not in NORMALISATIONS:
            raise DistillirError(
                f"unknown normalisation {normalise!r}", where="teacher", remedy=f"choose: {', '.join(NORMALISATIONS)}"
            )
        self.members, self.normalise = list(members), normalise
        self.weights = [1.0] * len(members) if weights is None else [float(weight) for weight in weights]
        self.name = "+".join(member.name for member in members)

    def fingerprint(self, collection: Collection) -> str:
        """Hash of the members' fingerprints, weights and normalisation (hex)."""
        members = [member.fingerprint(collection) for member in self.members]
        identity = json.dumps(["ensemble", members, self.weights, self.normalise])
        return xxhash.xxh3_128_hexdigest(identity.encode())

    def calls(self) -> dict[str, int]:
        """The members' counts together; see `CountedTeacher.calls`."""
        return reduce(added, (member.calls() for member in self.members))

    def reads(self, query: str, document: str) -> bool:
        """Tell whether all members read the document to its end; see `Teacher.reads`."""
        return all(member.reads(query, document) for member in self.members)

    def score(self, collection: Collection, queries: Rows, lists: Sequence[Rows]) -> list[Scores]:
        """Score candidate lists; see `Teacher.score`."""
        scale = NORMALISATIONS[self.normalise]
        total = [np.zeros(len(rows), dtype=np.float32) for rows in lists]
        for member, weight in zip(self.members, self.weights, strict=True):
            for summed, scores in zip(total, member.score(collection, queries, lists), strict=True):
                summed += np.float32(weight) * scale(scores)
        return total
