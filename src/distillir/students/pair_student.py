"""The student, in training, that reads query and document together."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from distillir.base.errors import DistillirError
from distillir.students.chunks import Chunk, chunks
from distillir.students.student import Student


class PairStudent(Student):
    """Nothing is encoded: a text stays its tokens until a pair is scored, and only wanted pairs are.

    Pairs are read sorted by length, some at a time; where activations are not to be kept, each chunk is read again in
    the backward pass.
    """

    _recompute: bool = False

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
        self._recompute = recompute
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
        if not pairs:
            return every
        lengths = torch.tensor([len(query) + len(document) for query, document in pairs])
        order = lengths.argsort(stable=True)
        found = []
        for start, end, _ in chunks(lengths[order].tolist(), self.budget):
            part = [pairs[place] for place in order[start:end].tolist()]
            again = self._recompute and torch.is_grad_enabled()
            found.append(checkpoint(self.pair_scores, part, use_reentrant=False) if again else self.pair_scores(part))
        order = order.to(rows.device)
        return every.index_put((rows[order], columns[order]), torch.cat(found))

    @abstractmethod
    def pair_scores(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Scores [P], float32 and with a gradient, of the token ids of queries and documents."""
