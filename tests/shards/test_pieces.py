"""Pieces that shards encode: all rows once, in blocks that are cut as one process cuts them."""

import numpy as np
import pytest

from distillir.collections import Collection
from distillir.pipeline.shards import encodings
from distillir.pipeline.shards.encodings import Encoding


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_calls_that_share_rows_give_each_row_once(kind: str, tiny: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "ROWS_PER_BLOCK", 4)
    monkeypatch.setattr(encodings, "ROWS_PER_SEGMENT", 4)
    calls = [np.arange(12), np.array([3, 9, 9, 13, 12, 2]), np.arange(12), np.arange(8, 20)]
    found = [piece for group in Encoding(kind, "model", tiny.corpus, calls, "document", {}).pieces() for piece in group]
    # Dense blocks are cut first, and known rows left out of them: so one process cuts them. Others the other way round.
    last = [[14, 15], [16, 17, 18, 19]] if kind == "dense" else [[14, 15, 16], [17, 18, 19]]
    assert [piece.tolist() for piece in found] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13], *last]
