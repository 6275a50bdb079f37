"""Dense students: one vector a text."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from distillir.encoding.blocks import block_outputs, pool_states
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

    def embed_layers(
        self,
        model: Any,
        features: Mapping[str, Any],
        cut: Sequence[Chunk],
        *,
        task: str,
        layers: Sequence[int],
        pooling: str,
        recompute: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Vectors [T, D] and pooled states [K, T, H] of some blocks; see `Student.embed_layers`."""
        blocks = self.blocks

        def encode(part: dict[str, Any]) -> tuple[Tensor, Tensor]:
            with block_outputs(blocks) as states:
                vectors = model(part, task=task)["sentence_embedding"]
            return vectors.float(), torch.stack(
                [pool_states(states[n], part["attention_mask"], pooling) for n in layers]
            )

        parts = each_chunk(encode, features, cut, recompute)
        return torch.cat([vectors for vectors, _ in parts]), torch.cat([states for _, states in parts], dim=1)

    def layer_scores(self, queries: Tensor, documents: Tensor) -> Tensor:
        """Products [K, Q, T] of states [K, Q, H] and [K, T, H], as they are (LEAD normalises nothing)."""
        with torch.autocast(queries.device.type, enabled=False):
            return queries.float() @ documents.float().transpose(1, 2)

    def select_layers(self, states: Tensor, rows: Tensor) -> Tensor:
        """States of some texts."""
        return states[:, rows]

    @property
    def compares_cosines(self) -> bool:
        """See `Student.compares_cosines`."""
        return str(self.model.similarity_fn_name) == "cosine"

    def scores(self, queries: Tensor, documents: Tensor, wanted: Tensor | None = None) -> Tensor:
        """Scores [Q, T] of query vectors [Q, D] and document vectors [T, D]."""
        with torch.autocast(queries.device.type, enabled=False):
            queries, documents = queries.float(), documents.float()
            if self.compares_cosines:
                queries = torch.nn.functional.normalize(queries, dim=-1)
                documents = torch.nn.functional.normalize(documents, dim=-1)
            return queries @ documents.T

    def select(self, embedded: Tensor, rows: Tensor) -> Tensor:
        """Vectors of some texts."""
        return embedded[rows]
