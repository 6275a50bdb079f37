"""A pointwise teacher as a pairwise one: the difference of its scores."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xxhash

from distillir.base.arrays import Rows, Scores
from distillir.collections import Collection
from distillir.encoding.identity import model_identity
from distillir.teachers.counted import CountedTeacher
from distillir.teachers.pairwise import PairwiseTeacher


class ScoreDifference(PairwiseTeacher):
    """log(P / (1 - P)) = (score of the first - score of the second) / temperature (Bradley and Terry 1952). Ours.

    For an expensive teacher of scores beside a cheap one of lists: it reads the documents of the pairs alone. It has no
    preference for a position. A teacher that normalises over a list (an ensemble) sees the two documents alone.

    Args:
        teacher: Any teacher whose scores of a document do not depend on the others.
        temperature: Above 0.
        identity: What the teacher and its settings are told by.
    """

    def __init__(self, teacher: CountedTeacher, temperature: float = 1.0, identity: str = "") -> None:
        self.teacher, self.temperature, self.identity = teacher, temperature, identity or teacher.name
        self.name = f"difference of {teacher.name}"

    def fingerprint(self) -> str:
        """Hash of the teacher's identity and the temperature (hex)."""
        return xxhash.xxh3_128_hexdigest(f"difference {self.identity} {self.temperature}".encode())

    def calls(self) -> dict[str, int]:
        """The teacher's; see `CountedTeacher.calls`."""
        return self.teacher.calls()

    def prefer(self, collection: Collection, queries: Rows, first: Rows, second: Rows) -> Scores:
        """Log-odds of aligned triples; see `PairwiseTeacher.prefer`."""
        rows = np.stack([first, second], axis=1)
        scores = self.teacher.score(collection, queries, list(rows)) if len(rows) else []
        found = np.array([(one - other) / self.temperature for one, other in scores], dtype=np.float32)
        return found


def make_difference(options: dict[str, Any]) -> ScoreDifference:
    """Make the pairwise teacher of a recipe's ``{teacher: ..., temperature: ...}``.

    Raises:
        DistillirError: As `distillir.teachers.load.load_teacher`.
    """
    from distillir.teachers.load import load_teacher

    spec = options["teacher"]
    inner = next(iter(spec.values())) if isinstance(spec, Mapping) else {}
    model = inner.get("model") if isinstance(inner, Mapping) else inner
    identity = [spec, options.get("temperature", 1.0), None if model is None else model_identity(model)]
    return ScoreDifference(load_teacher(spec), float(options.get("temperature", 1.0)), json.dumps(identity))
