"""What several tests of teachers use."""

import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np

from distillir.base.arrays import Rows
from distillir.collections import Collection


@lru_cache
def untrained_cross_encoder(encoder: str) -> str:
    """Folder of a cross-encoder: all-MiniLM-L6-v2 with a new head, enlarged so that scores lie apart."""
    import torch
    from sentence_transformers import CrossEncoder

    torch.manual_seed(0)
    model = CrossEncoder(encoder, num_labels=1, max_length=128, device="cpu")
    with torch.no_grad():
        model.model.classifier.weight.mul_(20)
    folder = Path(tempfile.mkdtemp()) / "untrained"
    model.save_pretrained(str(folder))
    return str(folder)


def some_lists(collection: Collection, queries: int = 6, depth: int = 7) -> tuple[Rows, list[Rows]]:
    """Query rows and ragged candidate lists, the second of them empty."""
    draw = np.random.default_rng(0)
    lists = [draw.permutation(len(collection.corpus))[: depth - i % 3].astype(np.int64) for i in range(queries)]
    lists[1] = np.empty(0, dtype=np.int64)
    return np.arange(queries, dtype=np.int64), lists
