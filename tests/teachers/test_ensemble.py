from collections.abc import Sequence

import numpy as np
import pytest

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.teachers.bm25 import BM25Teacher
from distillir.teachers.counted import CountedTeacher
from distillir.teachers.encoders.dense import DenseTeacher
from distillir.teachers.ensemble import EnsembleTeacher, minmax, zscore


class Fixed(CountedTeacher):
    """A teacher whose scores are written down."""

    def __init__(self, scores: list[list[float]], name: str = "fixed") -> None:
        self.scores, self.name = scores, name

    def fingerprint(self, collection: Collection) -> str:
        return f"{self.name}{self.scores}"

    def calls(self) -> dict[str, int]:
        return {"asked": 3, "cached": 1}

    def score(self, collection: Collection, queries: Rows, lists: Sequence[Rows]) -> list[Scores]:
        return [np.array(s, dtype=np.float32) for s in self.scores]


ROWS = [np.array([0, 1, 2]), np.array([3, 4]), np.array([], dtype=np.int64)]
A = Fixed([[1.0, 2.0, 3.0], [5.0, 5.0], []])
B = Fixed([[0.0, 10.0, 2.0], [1.0, -1.0], []], "other")


def test_closed_forms(tiny: Collection) -> None:
    summed = EnsembleTeacher([A, B], [1.0, 0.5]).score(tiny, np.arange(3), ROWS)
    z = np.sqrt(1.5)
    b = np.array([-4.0, 6.0, -2.0]) / np.sqrt(56 / 3)
    np.testing.assert_allclose(summed[0], np.array([-z, 0, z]) + 0.5 * b, rtol=1e-6)
    np.testing.assert_allclose(summed[1], [0.5, -0.5], rtol=1e-6)  # the constant list of A says nothing
    assert len(summed[2]) == 0
    raw = EnsembleTeacher([A, B], normalise="none").score(tiny, np.arange(3), ROWS)
    assert raw[0].tolist() == [1.0, 12.0, 5.0]
    scaled = EnsembleTeacher([A, B], normalise="minmax").score(tiny, np.arange(3), ROWS)
    np.testing.assert_allclose(scaled[0], [0.0, 1.5, 1.2], rtol=1e-6)


@pytest.mark.parametrize("scale", [zscore, minmax])
def test_normalisation_undoes_shift_and_scale(scale: type) -> None:
    scores = np.random.default_rng(0).normal(size=40).astype(np.float32)
    np.testing.assert_allclose(scale(scores), scale(scores * 30 + 100), atol=1e-4)
    assert scale(np.full(5, 3.3, dtype=np.float32)).tolist() == [0.0] * 5


def test_fingerprint_and_counts(tiny: Collection) -> None:
    one = EnsembleTeacher([A, B])
    assert one.calls() == {"asked": 6, "cached": 2}
    assert one.fingerprint(tiny) == EnsembleTeacher([A, B], [1, 1]).fingerprint(tiny)
    others = [EnsembleTeacher([A, B], [1, 2]), EnsembleTeacher([A, B], normalise="none"), EnsembleTeacher([A])]
    assert len({teacher.fingerprint(tiny) for teacher in [one, *others]}) == 4


def test_what_cannot_be(tiny: Collection) -> None:
    with pytest.raises(DistillirError, match="without members"):
        EnsembleTeacher([])
    with pytest.raises(DistillirError, match="3 weights for 2 members"):
        EnsembleTeacher([A, B], [1, 2, 3])


def test_bm25_and_dense_together(tiny: Collection, minilm_path: str) -> None:
    members: list[CountedTeacher] = [BM25Teacher(), DenseTeacher(minilm_path, precision="float32")]
    queries, lists = np.arange(5), [np.arange(20) + i for i in range(5)]
    parts = [member.score(tiny, queries, lists) for member in members]
    total = EnsembleTeacher(members, [2.0, 1.0]).score(tiny, queries, lists)
    for i in range(5):
        bm25, dense = (part[i].astype(np.float64) for part in parts)
        expected = 2 * (bm25 - bm25.mean()) / (bm25.std() or 1) + (dense - dense.mean()) / dense.std()
        np.testing.assert_allclose(total[i], expected, atol=1e-4)
