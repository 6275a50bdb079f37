"""Cross-encoder students: query and document read together, one raw logit a pair."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from distillir.encoding.blocks import block_outputs
from distillir.students.chunks import Chunk
from distillir.students.pair_student import PairStudent
from distillir.teachers.cross_encoders.layered import head_scores
from distillir.teachers.cross_encoders.pair_scores import first_token_only


class CrossEncoderStudent(PairStudent):
    """A CrossEncoder with one label; scores are raw logits, those of ``CrossEncoder.predict`` with Identity.

    Texts are tokens of one text each; a pair is put together of them as the tokenizer itself would, and of a pair that
    is too long the longer text is cut.
    """

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.form = pair_form(model.tokenizer)
        self._layers: tuple[int, ...] = ()
        self._by_layer: Tensor | None = None

    def embed(
        self, model: Any, features: Mapping[str, Any], cut: Sequence[Chunk], *, task: str, recompute: bool = False
    ) -> list[Tensor]:
        """Token ids of each text's own words; see `PairStudent.embed`."""
        self._layers = ()
        first, last = self.form.around
        found = super().embed(model, features, cut, task=task, recompute=recompute)
        return [ids[first : len(ids) - last] for ids in found]

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
    ) -> tuple[Any, Any]:
        """Token ids, and the same for states: layers are read with the pairs; see `Student.embed_layers`."""
        found = self.embed(model, features, cut, task=task, recompute=recompute)
        self._layers = tuple(layers)
        return found, found

    def select_layers(self, states: list[Tensor], rows: Tensor) -> list[Tensor]:
        """Token ids of some texts."""
        return self.select(states, rows)

    def scores(self, queries: list[Tensor], documents: list[Tensor], wanted: Tensor | None = None) -> Tensor:
        """See `PairStudent.scores`."""
        if not self._layers:
            return super().scores(queries, documents, wanted)
        found = self.read(self._with_layers, queries, documents, wanted)
        self._by_layer = found[..., 1:].movedim(-1, 0)
        return found[..., 0]

    def layer_scores(self, queries: Any, documents: Any) -> Tensor:
        """Scores [K, Q, T] by the head on each block's first token (LEAD), of the pairs that `scores` read last."""
        assert self._by_layer is not None
        return self._by_layer

    def tokens(self, query: Tensor, document: Tensor) -> int:
        """See `PairStudent.tokens`."""
        whole = len(query) + len(document) + self.form.special
        most = self._most
        return whole if most is None else min(whole, most)

    def pair_scores(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """See `PairStudent.pair_scores`."""
        with first_token_only(self.model):
            return self._logits(pairs)

    def _with_layers(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Scores [P, 1 + K] of pairs: the model's, and those of some of its blocks."""
        inner = self.model.transformers_model
        # Of the last block, too, the head reads the first token alone.
        with first_token_only(self.model), block_outputs(self.blocks) as states:
            last = self._logits(pairs)
        return torch.stack([last, *(head_scores(inner, states[n], "student").float() for n in self._layers)], dim=1)

    def _logits(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Raw logits [P], float32."""
        logits: Tensor = self.model(self.features(pairs))["scores"]
        return logits.reshape(len(pairs)).float()

    @property
    def _most(self) -> int | None:
        """Tokens of a pair at most."""
        limits = [limit for limit in (self.model.max_seq_length, self.max_length) if limit is not None]
        return min(limits, default=None)

    def features(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> dict[str, Any]:
        """Tensors [P, L] of pairs, right-padded, as the model's own preprocessing makes them."""
        tokenizer, most = self.model.tokenizer, self._most
        left = getattr(tokenizer, "truncation_side", "right") == "left"
        ids, types = [], []
        for query, document in pairs:
            room = None if most is None else most - self.form.special
            first, second = shares(len(query), len(document), room)
            kept = [
                text[len(text) - size :] if left else text[:size] for text, size in ((query, first), (document, second))
            ]
            ids.append(self.form.joined(*kept))
            types.append(self.form.types(first, second))
        pad = torch.nn.utils.rnn.pad_sequence
        device = ids[0].device
        found: dict[str, Any] = {
            "input_ids": pad(ids, batch_first=True, padding_value=tokenizer.pad_token_id or 0),
            "attention_mask": pad([torch.ones_like(each) for each in ids], batch_first=True),
            "modality": "text",
        }
        if self.form.typed:
            found["token_type_ids"] = pad(types, batch_first=True).to(device)
        return found


@dataclass(frozen=True)
class PairForm:
    """Ids that a tokenizer puts around and between the two texts of a pair.

    Attributes:
        before: Ids before the first text.
        between: Ids between the two.
        after: Ids behind the second.
        sides: Token types of these three and, second and fourth, of the texts.
        typed: Whether the model reads token types.
        around: Number of ids before and behind a text that stands alone.
    """

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]
    sides: tuple[tuple[int, ...], int, tuple[int, ...], int, tuple[int, ...]]
    typed: bool
    around: tuple[int, int]

    @property
    def special(self) -> int:
        """Number of tokens of a pair that are of neither text."""
        return len(self.before) + len(self.between) + len(self.after)

    def joined(self, query: Tensor, document: Tensor) -> Tensor:
        """Ids of a pair."""
        make: Callable[[tuple[int, ...]], Tensor] = query.new_tensor
        return torch.cat([make(self.before), query, make(self.between), document, make(self.after)])

    def types(self, query: int, document: int) -> Tensor:
        """Token types of a pair of so many tokens."""
        before, first, between, second, after = self.sides
        return torch.tensor([*before, *[first] * query, *between, *[second] * document, *after], dtype=torch.long)


def pair_form(tokenizer: Any) -> PairForm:
    """The form of a pair, found by having a fast tokenizer make one."""
    pair, alone = tokenizer("a", "a"), tokenizer("a")
    whose, ids = pair.sequence_ids(0), pair["input_ids"]
    types = pair.get("token_type_ids") or [0] * len(ids)
    first, second = whose.index(0), whose.index(1)
    first_end, second_end = (len(whose) - whose[::-1].index(side) for side in (0, 1))
    parts = (slice(0, first), slice(first_end, second), slice(second_end, None))
    before, between, after = (tuple(ids[part]) for part in parts)
    own = alone.sequence_ids(0)
    return PairForm(
        before,
        between,
        after,
        (tuple(types[parts[0]]), types[first], tuple(types[parts[1]]), types[second], tuple(types[parts[2]])),
        "token_type_ids" in pair,
        (own.index(0), own[::-1].index(0)),
    )


def shares(first: int, second: int, room: int | None) -> tuple[int, int]:
    """Tokens that are kept of two texts, as fast tokenizers cut a pair (``longest_first``): the longer one is cut.

    Both are cut to halves where each has more than that. Exact where one of the texts at least is shorter than what is
    read of a text alone; of an odd room it is not known otherwise which half has one token more.

    Args:
        first: Tokens of the query.
        second: Tokens of the document.
        room: Tokens of both at most; None: any number.
    """
    if room is None or first + second <= room:
        return first, second
    short, long = min(first, second), max(first, second)
    long = short if short > room else max(short, room - short)
    if short + long > room:
        short = max(room, 0) // 2
        long = short + max(room, 0) % 2
    return (long, short) if first > second else (short, long)
