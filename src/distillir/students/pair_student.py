"""The student, in training, that reads query and document together."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from distillir.students.chunks import Chunk, chunks
from distillir.students.student import Student


class PairStudent(Student):
    """Nothing is encoded: a text stays its tokens until a pair is scored, and only wanted pairs are.

    Each distinct pair is read once, sorted by length, some at a time; where activations are not to be kept, each chunk
    is read again in the backward pass.
    """

    #: Tokens of a pair at most while it is trained (``training.max_length``); None: the model's own.
    max_length: int | None = None
    _recompute: bool = False

    @property
    def by_pair(self) -> bool:
        """See `Student.by_pair`."""
        return True

    def embed(
        self, model: Any, features: Mapping[str, Any], cut: Sequence[Chunk], *, task: str, recompute: bool = False
    ) -> list[Tensor]:
        """Token ids of each text, special ones included, without padding.

        Where the model is wrapped for several processes, a token or two go through the wrapper: pairs are read by the
        model itself, and the wrapper averages their gradients once it has seen a forward pass.
        """
        if model is not self.model and torch.is_grad_enabled():
            model(
                {
                    name: value[:1, :2] if isinstance(value, Tensor) and value.dim() == 2 else value
                    for name, value in features.items()
                }
            )
        self._recompute = recompute
        return [ids[mask.bool()] for ids, mask in zip(features["input_ids"], features["attention_mask"], strict=True)]

    def select(self, embedded: list[Tensor], rows: Tensor) -> list[Tensor]:
        """Token ids of some texts."""
        return [embedded[row] for row in rows.tolist()]

    def scores(self, queries: list[Tensor], documents: list[Tensor], wanted: Tensor | None = None) -> Tensor:
        """See `Student.scores`; 0 where no score is wanted."""
        return self.read(self.pair_scores, queries, documents, wanted)

    def read(
        self,
        score: Callable[[Sequence[tuple[Tensor, Tensor]]], Tensor],
        queries: list[Tensor],
        documents: list[Tensor],
        wanted: Tensor | None = None,
    ) -> Tensor:
        """Values [Q, T, ...] that ``score`` gives [P, ...] of the wanted pairs, each distinct one once; 0 elsewhere.

        Where gradients are wanted and no pair is (a gate keeps every list back), one is read and counts nothing, so
        that every process has gradients.
        """
        if wanted is None:
            wanted = torch.ones((len(queries), len(documents)), dtype=torch.bool, device=documents[0].device)
        rows, columns = wanted.nonzero(as_tuple=True)
        pairs = [(queries[row], documents[column]) for row, column in zip(rows.tolist(), columns.tolist(), strict=True)]
        if not pairs and torch.is_grad_enabled():
            nothing = 0.0 * score([(queries[0], documents[0])])[0]
            return torch.zeros((*wanted.shape, *nothing.shape), device=wanted.device) + nothing
        if not pairs:
            return torch.zeros(wanted.shape, device=wanted.device)
        # A query of several lists is one tensor.
        once: dict[tuple[int, int], int] = {}
        place = [once.setdefault((id(query), id(document)), len(once)) for query, document in pairs]
        distinct = dict(zip(place, pairs, strict=True))
        lengths = torch.tensor([self.tokens(*distinct[number]) for number in range(len(distinct))])
        order = lengths.argsort(stable=True)
        found = []
        for start, end, _ in chunks(lengths[order].tolist(), self.budget):
            part = [distinct[number] for number in order[start:end].tolist()]
            again = self._recompute and torch.is_grad_enabled()
            found.append(checkpoint(score, part, use_reentrant=False) if again else score(part))
        values = torch.cat(found)[order.argsort()[torch.tensor(place)].to(wanted.device)]
        every = torch.zeros((*wanted.shape, *values.shape[1:]), device=wanted.device)
        return every.index_put((rows, columns), values)

    def tokens(self, query: Tensor, document: Tensor) -> int:
        """Number of tokens of a pair, by which pairs are sorted and chunks cut."""
        return len(query) + len(document)

    @abstractmethod
    def pair_scores(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Scores [P], float32 and with a gradient, of the token ids of queries and documents."""
