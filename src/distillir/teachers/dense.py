"""A dense model as teacher: the similarity of its vectors."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from distillir.collections import Collection
from distillir.collections.table import Rows
from distillir.encoding.fingerprint import model_fingerprint
from distillir.encoding.models import load_sentence_transformer, pick_device, resolve_model
from distillir.encoding.precision import resolve_precision
from distillir.encoding.reading import reads_whole
from distillir.encoding.vectors import encode_rows, prompt_for
from distillir.errors import DistillirError
from distillir.retrieval.run import Scores
from distillir.teachers.counted import CountedTeacher, check_finite, flatten, unflatten

# Queries whose candidates' vectors stand in memory together.
QUERIES_PER_BLOCK = 4096
_PAIRS_PER_PRODUCT = 65_536


class DenseTeacher(CountedTeacher):
    """A SentenceTransformer: cosine or dot product, whichever its configuration names.

    What costs is encoding, so what is kept is the vectors (see `distillir.encoding.vectors`): they serve this teacher
    and dense retrieval alike, and a score is one product of two of them.

    Args:
        model: Folder, alias or hub name.
        max_length: Tokens per text at most (default: the model's own).
        precision: ``auto``, ``float32`` or ``bf16``, of the encoder; the product is float32.
        cache: Folder of vectors (default: ``vectors`` of the cache).
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        max_length: int | None = None,
        precision: str = "auto",
        cache: Path | None = None,
    ) -> None:
        self.model, self.max_length, self._cache = os.fspath(model), max_length, cache
        self.name = Path(self.model).name
        self._reader: Any = None
        self.precision = resolve_precision(precision, pick_device())

    def fingerprint(self, collection: Collection) -> str:
        """Hash of weights, similarity, ``max_length`` and precision (hex); the same for all collections."""
        identity = ["dense", model_fingerprint(self.model), self.max_length, self.precision]
        return xxhash.xxh3_128_hexdigest(json.dumps(identity).encode())

    def reads(self, query: str, document: str) -> bool:
        """See `Teacher.reads`."""
        if self._reader is None:
            self._reader = load_sentence_transformer(self.model, max_length=self.max_length, device="cpu")
        return reads_whole(self._reader, (prompt_for(self._reader, "document") or "") + document)

    def score(self, collection: Collection, queries: Rows, lists: Sequence[Rows]) -> list[Scores]:
        """Score candidate lists; see `Teacher.score`."""
        similarity = similarity_name(self.model)
        scores: list[Scores] = []
        options: dict[str, Any] = {
            "max_length": self.max_length,
            "precision": self.precision,
            "cache": self._cache,
        }
        for start in range(0, len(lists), QUERIES_PER_BLOCK):
            block = lists[start : start + QUERIES_PER_BLOCK]
            query_rows, document_rows, ends = flatten(queries[start : start + QUERIES_PER_BLOCK], block)
            if not len(query_rows):
                scores += unflatten(np.empty(0, dtype=np.float32), ends, len(block))
                continue
            distinct_queries, query_places = np.unique(query_rows, return_inverse=True)
            distinct_documents, document_places = np.unique(document_rows, return_inverse=True)
            left = encode_rows(self.model, collection.queries, distinct_queries, kind="query", **options)
            right = encode_rows(self.model, collection.corpus, distinct_documents, kind="document", **options)
            if similarity == "cosine":
                left, right = _unit(left), _unit(right)
            flat = np.empty(len(query_rows), dtype=np.float32)
            for first in range(0, len(flat), _PAIRS_PER_PRODUCT):
                part = slice(first, first + _PAIRS_PER_PRODUCT)
                flat[part] = np.einsum("nd,nd->n", left[query_places[part]], right[document_places[part]])
            check_finite(self.name, collection, query_rows, document_rows, flat)
            scores += unflatten(flat, ends, len(block))
        return scores


def similarity_name(model: str) -> str:
    """``cosine`` or ``dot``: what a model's configuration names (cosine where it names nothing).

    Raises:
        DistillirError: Another similarity; rankings by a distance are not supported.
    """
    from transformers.utils import cached_file

    from distillir.encoding.models import one_line_errors

    path = resolve_model(model)
    with one_line_errors(model):
        file = cached_file(path, "config_sentence_transformers.json", _raise_exceptions_for_missing_entries=False)
    name = json.loads(Path(file).read_text(encoding="utf-8")).get("similarity_fn_name") if file is not None else None
    if name not in (None, "cosine", "dot"):
        raise DistillirError(
            f"compares vectors by {name}", where=model, remedy="a dense teacher's similarity is cosine or dot"
        )
    return name or "cosine"


def _unit(vectors: Scores) -> Scores:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.float32(1e-12)), dtype=np.float32)
