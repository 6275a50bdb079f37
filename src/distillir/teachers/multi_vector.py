"""A multi-vector model (late interaction) as teacher: MaxSim of its token vectors."""

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
from distillir.encoding.models import load_multi_vector, pick_device
from distillir.encoding.precision import resolve_precision
from distillir.encoding.reading import reads_whole
from distillir.encoding.vectors import prompt_for
from distillir.retrieval.run import Scores
from distillir.teachers.counted import CountedTeacher, check_finite, flatten


class MultiVectorTeacher(CountedTeacher):
    """A MultiVectorEncoder (ColBERT). What costs is encoding, so what is kept is the token vectors.

    Args:
        model: Folder or hub name.
        max_length: Tokens per text at most (default: the model's own).
        precision: ``auto``, ``float32`` or ``bf16``, of the encoder; MaxSim is float32.
        cache: Folder of token vectors (default: ``token-vectors`` of the cache).
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
        self.precision = resolve_precision(precision, pick_device())
        self._reader: Any = None

    def fingerprint(self, collection: Collection) -> str:
        """Hash of weights, ``max_length`` and precision (hex); the same for all collections."""
        identity = ["multi-vector", model_fingerprint(self.model), self.max_length, self.precision]
        return xxhash.xxh3_128_hexdigest(json.dumps(identity).encode())

    def reads(self, query: str, document: str) -> bool:
        """See `Teacher.reads`."""
        if self._reader is None:
            self._reader = load_multi_vector(self.model, max_length=self.max_length, device="cpu")
        return reads_whole(self._reader, (prompt_for(self._reader, "document") or "") + document)

    def score(self, collection: Collection, queries: Rows, lists: Sequence[Rows]) -> list[Scores]:
        """Score candidate lists; see `Teacher.score`."""
        from distillir.encoding.token_vectors import encode_tokens
        from distillir.retrieval.multi_vector import maxsim

        options: dict[str, Any] = {"max_length": self.max_length, "precision": self.precision, "cache": self._cache}
        query_rows, document_rows, _ = flatten(queries, lists)
        asked = encode_tokens(self.model, collection.queries, query_rows, kind="query", **options)
        documents = encode_tokens(self.model, collection.corpus, document_rows, kind="document", **options)
        scores = [
            maxsim(asked.of(np.array([query])), documents.of(rows))[0] if len(rows) else np.empty(0, np.float32)
            for query, rows in zip(queries, lists, strict=True)
        ]
        flat = np.concatenate(scores) if scores else np.empty(0, dtype=np.float32)
        check_finite(self.name, collection, query_rows, document_rows, flat)
        return scores
