"""Student whose documents' vectors stay: queries are encoded and trained, documents are read from the index."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from distillir.students.chunks import Chunk
from distillir.students.dense.student import DenseStudent
from distillir.students.kept_documents.kept_student import KeptStudent
from distillir.students.kept_documents.vectors import DocumentVectors, VectorFeatures
from distillir.students.scale import COSINE_TEMPERATURE


class KeptDocumentsStudent(KeptStudent, DenseStudent):
    """A query encoder; scores are its similarity to vectors that stay, as the documents' model compares.

    Args:
        model: The query encoder, a SentenceTransformer.
        index: The document vectors.
    """

    def features(self, kept: DocumentVectors) -> VectorFeatures:
        """See `KeptStudent.features`."""
        return VectorFeatures(kept)

    def embed(
        self, model: Any, features: Mapping[str, Any], cut: Sequence[Chunk], *, task: str, recompute: bool = False
    ) -> Tensor:
        """Vectors [T, D], float32: of queries encoded, of documents as they are kept; see `Student.embed`.

        Documents that are learnt from by themselves come as tokens, and are read as queries.
        """
        if task == "document" and "vectors" in features:
            kept: Tensor = features["vectors"]
            return kept.float()
        return super().embed(model, features, cut, task="query", recompute=recompute)

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
        """Vectors, and pooled states [K, T, H] of queries' blocks; of documents their vectors again [1, T, D]."""
        if task == "document":
            kept = self.embed(model, features, cut, task=task)
            return kept, kept.unsqueeze(0)
        return super().embed_layers(
            model, features, cut, task=task, layers=layers, pooling=pooling, recompute=recompute
        )

    def layer_scores(self, queries: Tensor, documents: Tensor) -> Tensor:
        """Scores [K, Q, T] of each block's state of a query, projected as the last one is, against the kept vectors.

        Ours: LEAD compares the states of both sides, and here documents have none. Cosines are divided by the
        temperature of cosines, so that they have the scale of the products that LEAD compares.
        """
        from sentence_transformers.base.modules import Dense

        with torch.autocast(queries.device.type, enabled=False):
            states = queries.float()
            for module in self.model.modules():
                if isinstance(module, Dense):
                    states = module({"sentence_embedding": states})["sentence_embedding"]
            documents = documents[0].float()
            if not self.compares_cosines:
                return states @ documents.T
            normal = torch.nn.functional.normalize
            return normal(states, dim=-1) @ normal(documents, dim=-1).T / COSINE_TEMPERATURE
