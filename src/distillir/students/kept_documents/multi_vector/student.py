"""Student whose documents' token vectors stay: queries are encoded and trained, documents are read from the index."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from distillir.students.chunks import Chunk
from distillir.students.kept_documents.kept_student import KeptStudent
from distillir.students.kept_documents.multi_vector.features import KeptTokens, TokenFeatures
from distillir.students.multi_vector.student import MultiVectorStudent

#: Share of a batch's pairs up to which those that are wanted are compared query by query, and no others.
_FEW = 0.5


class KeptTokensStudent(KeptStudent, MultiVectorStudent):
    """A query encoder; scores are MaxSim with token vectors that stay, as the documents' model has it.

    Args:
        model: The query encoder, a MultiVectorEncoder.
        index: The documents' token vectors.
    """

    def features(self, kept: KeptTokens) -> TokenFeatures:
        """See `KeptStudent.features`."""
        return TokenFeatures(kept)

    @property
    def told_pairs(self) -> bool:
        """See `Student.told_pairs`: comparing is all that documents cost here."""
        return True

    def embed(
        self, model: Any, features: Mapping[str, Any], cut: Sequence[Chunk], *, task: str, recompute: bool = False
    ) -> list[Tensor]:
        """Token vectors [tokens, D] of each text, float32: of queries encoded, of documents as they are kept."""
        if task == "document":
            kept: Tensor = features["vectors"]
            return list(torch.split(kept.float(), features["sizes"].tolist()))
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
    ) -> tuple[list[Tensor], list[list[Tensor]]]:
        """Token vectors, and token states of queries' blocks; of documents their vectors again, once."""
        if task == "document":
            kept = self.embed(model, features, cut, task=task)
            return kept, [kept]
        return super().embed_layers(
            model, features, cut, task=task, layers=layers, pooling=pooling, recompute=recompute
        )

    def layer_scores(self, queries: list[list[Tensor]], documents: list[list[Tensor]]) -> Tensor:
        """MaxSim [K, Q, T] of each block's states of a query, projected as the last one is, with the kept vectors.

        Ours: LEAD compares the states of both sides, and here documents have none.
        """
        return torch.stack([self._maxsim(self._projected(layer), documents[0]) for layer in queries])

    def _projected(self, states: list[Tensor]) -> list[Tensor]:
        """Token states [tokens, H] of each query through what stands behind the transformer."""
        from sentence_transformers.base.modules import Dense, Normalize

        with torch.autocast(states[0].device.type, enabled=False):
            found = torch.cat(states)
            for module in list(self.model.children())[1:]:
                if isinstance(module, Dense | Normalize):
                    own = next((one.dtype for one in module.parameters()), found.dtype)
                    found = module({"token_embeddings": found.to(own)})["token_embeddings"]
        return list(torch.split(found.float(), [len(one) for one in states]))

    def scores(self, queries: list[Tensor], documents: list[Tensor], wanted: Tensor | None = None) -> Tensor:
        """Scores [Q, T] by MaxSim; 0 for pairs that are not ``wanted``, where these are the most."""
        if wanted is None or float(wanted.float().mean()) > _FEW:
            return self._maxsim(queries, documents)
        rows = []
        for query, own in zip(queries, wanted, strict=True):
            places = own.nonzero()[:, 0]
            row = torch.zeros(len(documents), device=query.device)
            if len(places):
                row = row.index_put((places,), self._maxsim([query], self.select(documents, places))[0])
            rows.append(row)
        return torch.stack(rows)
