"""Student whose documents' weights of words stay: queries are encoded and trained, documents read from the index."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from distillir.students.chunks import Chunk
from distillir.students.kept_documents.kept_student import KeptStudent
from distillir.students.kept_documents.sparse.features import KeptWords, WordFeatures
from distillir.students.sparse.student import SparseStudent, flops


class KeptWordsStudent(KeptStudent, SparseStudent):
    """A query encoder; scores are dot products with weights of words that stay.

    Args:
        model: The query encoder, a SparseEncoder.
        index: The documents' weights of words.
    """

    def features(self, kept: KeptWords) -> WordFeatures:
        """See `KeptStudent.features`."""
        return WordFeatures(kept)

    def embed(
        self, model: Any, features: Mapping[str, Any], cut: Sequence[Chunk], *, task: str, recompute: bool = False
    ) -> Any:
        """Vectors [T, V] of queries; of documents their words beside the weights of these [words, 2] each, float32.

        Numbers of words are whole up to 2 ** 24 in float32: so that processes can exchange them with the weights.
        """
        if task == "document":
            kept = torch.stack([features["words"].float(), features["weights"].float()], dim=1)
            return list(torch.split(kept, features["sizes"].tolist()))
        return super().embed(model, features, cut, task="query", recompute=recompute)

    def select(self, embedded: Any, rows: Tensor) -> Any:
        """Vectors of some queries, or words and weights of some documents."""
        if isinstance(embedded, Tensor):
            return embedded[rows]
        return [embedded[row] for row in rows.tolist()]

    def scores(self, queries: Tensor, documents: Any, wanted: Tensor | None = None) -> Tensor:
        """Scores [Q, T]: for each document the sum over its words of weight times the query's, and no other word."""
        with torch.autocast(queries.device.type, enabled=False):
            words, weights = torch.cat(documents).unbind(dim=1)
            sizes = torch.tensor([len(own) for own in documents], device=queries.device)
            # Rows of the queries' weights by word are gathered, weighed and added up without standing side by side.
            found = torch.nn.functional.embedding_bag(
                words.long(),
                queries.float().T.contiguous(),
                sizes.cumsum(0) - sizes,
                mode="sum",
                per_sample_weights=weights.contiguous(),
            )
            return found.T

    @property
    def penalty_names(self) -> tuple[str, ...]:
        """See `Student.penalty_names`; documents are not trained."""
        return ("flops queries",)

    def penalties(self, queries: Tensor, documents: Any) -> dict[str, Tensor]:
        """The FLOPS regulariser of the queries' vectors; see `distillir.students.sparse.student.flops`."""
        return {"flops queries": flops(queries)}
