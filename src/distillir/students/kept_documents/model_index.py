"""Vectors of a model as the index that is kept, from the store that searches use."""

from pathlib import Path
from typing import Any

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.hashes import hash_of_json
from distillir.collections.table import TextTable
from distillir.encoding.model_options import ModelOptions
from distillir.encoding.model_spec import ModelSpec
from distillir.encoding.narrow import Stored
from distillir.students.kept_documents.index import KeptIndex


class ModelIndex(KeptIndex):
    """Vectors of a model, encoded once by the store that searches and teachers use.

    Args:
        spec: The model.
        stored: Form of documents on disk.

    Attributes:
        kind: Of the model, as sources name it.
    """

    kind = "dense"

    def __init__(self, spec: ModelSpec, stored: Stored = "float32") -> None:
        self.model, self.spec, self.stored = spec.model, spec, stored
        self.name = Path(spec.model).name
        self.options = ModelOptions.of(spec.prompts, spec.trust_remote_code)
        self.encoding: dict[str, Any] = {
            "max_length": spec.max_length,
            "precision": spec.precision,
            "options": self.options,
        }
        self.similarity = self._similarity()

    def _similarity(self) -> str:
        from distillir.encoding.model_files import similarity_name

        return similarity_name(self.model)

    @property
    def fingerprint(self) -> str:
        """Weights, prompts of both sides, length and precision."""
        from distillir.encoding.device import pick_device
        from distillir.encoding.identity import model_identity
        from distillir.encoding.precision import resolve_precision

        precision = resolve_precision(self.spec.precision, pick_device())
        form = [] if self.stored == "float32" else [self.stored]
        return hash_of_json([model_identity(self.model, self.options), self.spec.max_length, precision, *form])

    @property
    def width(self) -> int:
        """See `KeptIndex.width`; the model is loaded."""
        model = self.load()
        return int(model.truncate_dim or model.get_embedding_dimension())

    def vectors(self, table: TextTable) -> Any:
        """See `KeptIndex.vectors`; `DocumentVectors`, and texts that have none yet are encoded."""
        from distillir.collections.joined import JoinedTable
        from distillir.encoding.vectors import encode_into_store
        from distillir.students.kept_documents.vectors import DocumentVectors

        parts: list[TextTable] = [table]
        while isinstance(parts[0], JoinedTable):  # each part has a store of its own: what was encoded before stays so
            parts = [parts[0].first, parts[0].second, *parts[1:]]
        form: dict[str, Any] = {"kind": "document", "stored": self.stored, **self.encoding}
        every = [np.arange(len(part), dtype=np.int64) for part in parts]
        stores = [encode_into_store(self.model, part, rows, **form) for part, rows in zip(parts, every, strict=True)]
        return DocumentVectors([store.vectors for store in stores])

    def query_vectors(self, queries: TextTable, rows: Rows) -> Any:
        """Vectors [len(rows), D] float32 of queries by the documents' own query encoder; all processes together."""
        from distillir.encoding.vectors import encode_rows

        return encode_rows(self.model, queries, rows, kind="query", **self.encoding)

    def load(self) -> Any:
        """The documents' model, on the CPU, as it encodes."""
        from distillir.encoding.kinds import ENCODERS

        load = ENCODERS[self.kind].load
        return load(self.model, max_length=self.spec.max_length, device="cpu", options=self.options)
