"""Dense students: one vector a text."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from distillir.students.chunks import Chunk, each_chunk
from distillir.students.student import Student


class DenseStudent(Student):
    """A SentenceTransformer; scores are cosines or dot products, whichever it names."""

    def embed(
        self, model: Any, features: Mapping[str, Any], cut: Sequence[Chunk], *, task: str, recompute: bool = False
    ) -> Tensor:
        """Vectors [T, D], float32; see `Student.embed`."""

        def encode(part: dict[str, Any]) -> Tensor:
            vectors: Tensor = model(part, task=task)["sentence_embedding"]
            return vectors.float()

        return torch.cat(each_chunk(encode, features, cut, recompute))

    def scores(self, queries: Tensor, documents: Tensor) -> Tensor:
        """Scores [Q, T] of query vectors [Q, D] and document vectors [T, D]."""
        with torch.autocast(queries.device.type, enabled=False):
            queries, documents = queries.float(), documents.float()
            if str(self.model.similarity_fn_name) == "cosine":
                queries = torch.nn.functional.normalize(queries, dim=-1)
                documents = torch.nn.functional.normalize(documents, dim=-1)
            return queries @ documents.T

    def select(self, embedded: Tensor, rows: Tensor) -> Tensor:
        """Vectors of some texts."""
        return embedded[rows]
