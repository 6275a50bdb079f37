"""Layers of models that encode query and document apart: products of [CLS] states, MaxSim of token states."""

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xxhash

from distillir.base.arrays import LayerScores, Rows
from distillir.collections import Collection
from distillir.collections.table import TextTable
from distillir.encoding.active_words import active_words_only
from distillir.encoding.batches import default_batch_tokens
from distillir.encoding.blocks import block_outputs, blocks_of, pool_states
from distillir.encoding.device import pick_device
from distillir.encoding.identity import model_identity
from distillir.encoding.model_files import model_depth
from distillir.encoding.model_options import ModelOptions
from distillir.encoding.models import load_multi_vector, load_sentence_transformer, load_sparse
from distillir.encoding.precision import resolve_precision
from distillir.encoding.segments import outputs
from distillir.encoding.vectors import Kind
from distillir.teachers.layered import LayeredTeacher

Pooling = Literal["cls", "mean"]


class LayeredEncoder(LayeredTeacher):
    """Base of these models: the texts of some queries at a time, their states, and products of states.

    Args:
        model: Folder, alias or hub name.
        max_length: Tokens per text at most (default: the model's own).
        precision: ``auto``, ``float32`` or ``bf16``.
        pooling: How a text's states become one, for dense and sparse models.
        cache: See `LayeredTeacher`.
        prompts: As in `distillir.teachers.encoders.encoder.EncoderTeacher`, like the next.
        trust_remote_code: See there.
    """

    kind: str
    queries_at_once: int

    def __init__(
        self,
        model: str,
        *,
        max_length: int | None = None,
        precision: str = "auto",
        pooling: Pooling = "cls",
        cache: Path | None = None,
        prompts: Mapping[str, Any] | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        super().__init__(Path(model).name, cache)
        self.options = ModelOptions.of(prompts, trust_remote_code)
        self.model, self.max_length, self.pooling = model, max_length, pooling
        self.precision = resolve_precision(precision, pick_device())

    @cached_property
    def depth(self) -> int:
        """See `LayeredTeacher.depth`."""
        return model_depth(self.model, trust_remote_code=self.options.trust_remote_code)

    def fingerprint(self) -> str:
        """See `LayeredTeacher.fingerprint`."""
        own = model_identity(self.model, self.options)
        identity = ["layers", self.kind, own, self.max_length, self.precision, self.pooling]
        return xxhash.xxh3_128_hexdigest(json.dumps(identity).encode())

    @cached_property
    def _loaded(self) -> Any:
        load = {"multi-vector": load_multi_vector, "sparse": load_sparse}.get(self.kind, load_sentence_transformer)
        return load(self.model, max_length=self.max_length, options=self.options)

    def scores(self, collection: Collection, queries: Rows, documents: Rows) -> Iterator[tuple[Rows, LayerScores]]:
        """See `LayeredTeacher.scores`."""
        starts = np.flatnonzero(np.diff(queries, prepend=-1))
        bounds = [*starts[:: self.queries_at_once].tolist(), len(queries)]
        for start, end in pairwise(bounds):
            part = slice(start, end)
            asked, query_places = np.unique(queries[part], return_inverse=True)
            read, document_places = np.unique(documents[part], return_inverse=True)
            own, others = (
                self.states(collection.queries, asked, "query"),
                self.states(collection.corpus, read, "document"),
            )
            yield np.arange(start, end), self.products(own, others, query_places, document_places)

    def states(self, table: TextTable, rows: Rows, kind: Kind) -> list[Any]:
        """Outputs of each text's blocks, float32 on the CPU."""
        found: list[Any] = [None] * len(rows)
        model = self._loaded
        blocks = blocks_of(model[0].auto_model, self.model)
        texts = table.texts(rows)
        with block_outputs(blocks) as layers:
            batches = outputs(model, texts, kind, self.precision, default_batch_tokens(model.device))
            for places, features in batches:
                for place, state in zip(places.tolist(), self.pooled(layers, features), strict=True):
                    found[place] = state
                layers.clear()
        return found

    def pooled(self, layers: list[Any], features: dict[str, Any]) -> Iterator[Any]:
        """Yield one tensor a text, made of the blocks' outputs [B, L, D]."""
        raise NotImplementedError

    def products(self, queries: list[Any], documents: list[Any], first: Rows, second: Rows) -> LayerScores:
        """Scores [N, depth] of aligned places."""
        raise NotImplementedError


class LayeredDense(LayeredEncoder):
    """s_l(q, d) = h_l(q) . h_l(d), h_l the [CLS] state of block l, as it is (LEAD); the mean of tokens is ours."""

    kind = "dense"
    queries_at_once = 128

    def pooled(self, layers: list[Any], features: dict[str, Any]) -> Iterator[Any]:
        """States [depth, D] of each text."""
        import torch

        yield from torch.stack(
            [pool_states(states, features["attention_mask"], self.pooling) for states in layers], 1
        ).cpu()

    def products(self, queries: list[Any], documents: list[Any], first: Rows, second: Rows) -> LayerScores:
        """See `LayeredEncoder.products`."""
        import torch

        one, other = torch.stack(queries), torch.stack(documents)
        parts = [
            (one[first[start : start + 4096]] * other[second[start : start + 4096]]).sum(dim=2)
            for start in range(0, len(first), 4096)
        ]
        return np.asarray(torch.cat(parts).numpy(), dtype=np.float32)


class LayeredSparse(LayeredDense):
    """A sparse model, whose blocks come before its words: compared by [CLS] states as in `LayeredDense`."""

    kind = "sparse"

    def states(self, table: TextTable, rows: Rows, kind: Kind) -> list[Any]:
        """See `LayeredEncoder.states`; the masked-LM head's logits, which no layer needs, are not kept."""
        with active_words_only(self._loaded):
            return super().states(table, rows, kind)


class LayeredMultiVector(LayeredEncoder):
    """s_l(q, d) = sum over the query's tokens of the best product with one of the document's, states as they are."""

    kind = "multi-vector"
    queries_at_once = 4  # the states of all blocks and tokens of their documents are held at once

    def pooled(self, layers: list[Any], features: dict[str, Any]) -> Iterator[Any]:
        """States [depth, tokens that count, D] of each text."""
        import torch

        masks = features["attention_mask"].bool()
        for row, mask in enumerate(masks):
            yield torch.stack([states[row][mask] for states in layers]).float().cpu()

    def products(self, queries: list[Any], documents: list[Any], first: Rows, second: Rows) -> LayerScores:
        """See `LayeredEncoder.products`."""
        found = [
            (queries[one] @ documents[other].transpose(1, 2)).amax(dim=2).sum(dim=1).numpy()
            for one, other in zip(first.tolist(), second.tolist(), strict=True)
        ]
        return np.asarray(found, dtype=np.float32)
