"""Late-interaction retrieval: MaxSim over a whole small corpus, or over the candidates of a first stage."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from distillir.base.arrays import Rows, Scores
from distillir.base.progress import progress
from distillir.collections import Collection
from distillir.collections.run import Run, from_lists
from distillir.encoding.device import pick_device
from distillir.encoding.model_options import ModelOptions
from distillir.encoding.store import Vectors
from distillir.encoding.token_vectors import TokenVectors
from distillir.retrieval.found_nothing import tell_found_nothing
from distillir.retrieval.sources import load_retriever

#: Corpora up to this many documents are searched exhaustively where no first stage is named.
EXHAUSTIVE = 20_000
_QUERIES = 128


class MultiVectorRetriever:
    """Retrieval by a multi-vector model; token vectors are kept in the cache.

    Args:
        model: A folder or name that MultiVectorEncoder loads.
        max_length: Tokens per text at most (default: the model's own).
        first: Source of the candidates that are compared: as in a recipe's ``candidates.from``, or ``index`` for an
            index of the token vectors (`distillir.retrieval.late_index`). None compares all of a corpus of at most
            `EXHAUSTIVE` documents, and BM25's best of a larger one.
        first_depth: How many candidates of the first stage.
        precision: Of the encoder.
        probes: With ``index``: partitions looked into for each of a query's vectors.
        prompts: What stands before texts; see `distillir.encoding.model_options.check_prompts`.
        trust_remote_code: Whether code that comes with the model may run.
    """

    def __init__(
        self,
        model: str,
        max_length: int | None = None,
        first: Any = None,
        first_depth: int = 1000,
        precision: str = "auto",
        probes: int = 16,
        prompts: Mapping[str, Any] | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        self.model, self.first, self.first_depth, self.probes = model, first, first_depth, probes
        options = ModelOptions.of(prompts, trust_remote_code)
        self.encoding: dict[str, Any] = {"max_length": max_length, "precision": precision, "options": options}
        self.name = Path(model).name

    def search(self, collection: Collection, query_rows: Rows, depth: int) -> Run:
        """Rank at most ``depth`` documents for query rows [Q], by the model's own similarity.

        Raises:
            DistillirError: The model cannot be loaded, or the first stage fails.
        """
        from distillir.encoding.token_vectors import encode_tokens

        first = self.first
        if first is None and len(collection.corpus) > EXHAUSTIVE:
            first = "bm25"
        documents = encode_tokens(self.model, collection.corpus, kind="document", **self.encoding)
        queries = encode_tokens(self.model, collection.queries, query_rows, kind="query", **self.encoding).of(
            query_rows
        )
        if first is None:
            found = best_by_maxsim(queries, documents, depth)
        else:
            candidates = self._candidates(first, collection, query_rows, queries, documents)
            found = []
            with progress("MaxSim", len(query_rows)) as advance:
                for vectors, rows in zip(queries, candidates, strict=True):
                    scores = maxsim([vectors], documents.of(rows))[0] if len(rows) else np.empty(0, np.float32)
                    order = np.lexsort((rows, -scores))[:depth]
                    found.append((rows[order], scores[order]))
                    advance(1)
        return from_lists(query_rows, [rows for rows, _ in found], [scores for _, scores in found], self.name)

    def _candidates(
        self, first: Any, collection: Collection, query_rows: Rows, queries: list[Vectors], documents: TokenVectors
    ) -> Iterable[Rows]:
        if first != "index":
            source = load_retriever(first)
            found = source.search(collection, query_rows, self.first_depth)
            tell_found_nothing(source, found, collection, query_rows, f"queries, as first stage of {self.name}")
            return found.select(query_rows.tolist()).lists
        from distillir.base.files import cache_root
        from distillir.retrieval.late_index import LateIndex

        if not documents.rows:
            return [np.empty(0, dtype=np.int64) for _ in queries]
        index = LateIndex(documents, cache_root() / "late-index" / documents.folder.name)
        return (index.search(vectors, self.first_depth, self.probes) for vectors in queries)


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
            for begin in range(0, len(queries), _QUERIES):
                part = queries[begin : begin + _QUERIES]
                for place, scores in enumerate(_similarity(_tensors(part), texts), begin):
                    known, values = best[place]
                    every, all_scores = np.concatenate([known, rows]), np.concatenate([values, scores])
                    order = np.lexsort((every, -all_scores))[:depth]
                    best[place] = every[order], all_scores[order]
                advance(len(part))
    return best
