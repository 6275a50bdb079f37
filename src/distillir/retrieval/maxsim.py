"""MaxSim: late interaction between queries' token vectors and documents'."""

from typing import Any

import numpy as np
import torch

from distillir.base.arrays import Rows, Scores
from distillir.base.progress import progress
from distillir.encoding.device import pick_device
from distillir.encoding.store import Vectors

#: Queries that are compared together.
QUERIES = 128


def maxsim(queries: list[Vectors], documents: list[Vectors]) -> Scores:
    """Scores [Q, T]: for each of a query's vectors its best match in a document, summed. On this process' device."""
    return _similarity(_tensors(queries), _tensors(documents))


def _tensors(vectors: list[Vectors]) -> list[torch.Tensor]:
    """Copies on this process' device: a memory-mapped array is not writable, and torch wants what it shares to be."""
    device = pick_device()
    return [torch.from_numpy(np.array(one)).to(device) for one in vectors]


def _similarity(queries: list[torch.Tensor], documents: list[torch.Tensor]) -> Scores:
    from sentence_transformers.util import maxsim as similarity

    with torch.inference_mode():
        scores: Scores = similarity(queries, documents).cpu().numpy()
        return scores


def best_by_maxsim(queries: list[Vectors], documents: Any, depth: int) -> list[tuple[Rows, Scores]]:
    """Every document against every query, a block at a time; ties are broken by document row, ascending."""
    best: list[tuple[Rows, Scores]] = [(np.empty(0, np.int64), np.empty(0, np.float32)) for _ in queries]
    with progress("MaxSim", documents.blocks * len(queries)) as advance:
        for start, block in documents:
            rows, texts = np.arange(start, start + len(block), dtype=np.int64), _tensors(block)
            for begin in range(0, len(queries), QUERIES):
                part = queries[begin : begin + QUERIES]
                for place, scores in enumerate(_similarity(_tensors(part), texts), begin):
                    known, values = best[place]
                    every, all_scores = np.concatenate([known, rows]), np.concatenate([values, scores])
                    order = np.lexsort((every, -all_scores))[:depth]
                    best[place] = every[order], all_scores[order]
                advance(len(part))
    return best
