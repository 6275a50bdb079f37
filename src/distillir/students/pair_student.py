"""What training needs of a student that reads query and document together."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from distillir.base.errors import DistillirError
from distillir.students.chunks import Chunk
from distillir.students.student import Student


class PairStudent(Student):
    """Nothing is encoded: a text stays its tokens until a pair is scored, and only wanted pairs are."""

    @property
    def by_pair(self) -> bool:
        """See `Student.by_pair`."""
        return True

    def embed(
        self, model: Any, features: Mapping[str, Any], cut: Sequence[Chunk], *, task: str, recompute: bool = False
    ) -> list[Tensor]:
        """Token ids of each text, special ones included, without padding.

        Raises:
            DistillirError: The model is wrapped for several processes: gradients of pairs would not be averaged.
        """
        if model is not self.model:
            raise DistillirError("students that read pairs are trained in one process", where="torchrun")
        return [ids[mask.bool()] for ids, mask in zip(features["input_ids"], features["attention_mask"], strict=True)]

    def select(self, embedded: list[Tensor], rows: Tensor) -> list[Tensor]:
        """Token ids of some texts."""
        return [embedded[row] for row in rows.tolist()]

    def scores(self, queries: list[Tensor], documents: list[Tensor], wanted: Tensor | None = None) -> Tensor:
        """See `Student.scores`; 0 where no score is wanted."""
        if wanted is None:
            wanted = torch.ones((len(queries), len(documents)), dtype=torch.bool, device=documents[0].device)
        rows, columns = wanted.nonzero(as_tuple=True)
        pairs = [(queries[row], documents[column]) for row, column in zip(rows.tolist(), columns.tolist(), strict=True)]
        every = torch.zeros(wanted.shape, device=wanted.device)
        return every.index_put((rows, columns), self.pair_scores(pairs)) if pairs else every

    @abstractmethod
    def pair_scores(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Scores [P], float32 and with a gradient, of the token ids of queries and documents."""
