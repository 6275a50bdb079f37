"""Layers of a cross-encoder: its own head on the first token's state of each block."""

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from distillir.base.arrays import LayerScores, Rows
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.encoding.batches import default_batch_tokens, token_batches
from distillir.encoding.blocks import block_outputs, blocks_of
from distillir.encoding.device import pick_device
from distillir.encoding.identity import default_prompt, model_identity
from distillir.encoding.model_files import model_depth, read_model_json
from distillir.encoding.model_options import ModelOptions
from distillir.encoding.precision import autocast, resolve_precision
from distillir.teachers.cross_encoders.load import load_cross_encoder, pair_prompt
from distillir.teachers.layered import LayeredTeacher

PAIRS_PER_BLOCK = 16_384


class LayeredCrossEncoder(LayeredTeacher):
    """The same head, pooler included, applied to the output of every block (LEAD); raw logits.

    Args:
        model: Folder or hub name of a classifier of the BERT, RoBERTa, ELECTRA or DistilBERT families.
        max_length: Tokens of query and document together at most (default: the model's own).
        precision: ``auto``, ``float32`` or ``bf16``.
        cache: See `LayeredTeacher`.
        prompts: As in `distillir.teachers.cross_encoders.cross_encoder.CrossEncoderTeacher`, like the next.
        trust_remote_code: See there.
    """

    def __init__(
        self,
        model: str,
        *,
        max_length: int | None = None,
        precision: str = "auto",
        cache: Path | None = None,
        prompts: Mapping[str, Any] | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        super().__init__(Path(model).name, cache)
        self.options = ModelOptions.of(prompts, trust_remote_code)
        self.model, self.max_length = model, max_length
        self.precision = resolve_precision(precision, pick_device())

    @cached_property
    def depth(self) -> int:
        """See `LayeredTeacher.depth`."""
        return model_depth(self.model, trust_remote_code=self.options.trust_remote_code)

    def fingerprint(self) -> str:
        """See `LayeredTeacher.fingerprint`."""
        own = model_identity(self.model, self.options)
        identity = ["layers", "cross-encoder", own, self.max_length, self.precision]
        if default_prompt(self.model) is not None:  # earlier versions left it out
            identity.append("with the prompt")
        return xxhash.xxh3_128_hexdigest(json.dumps(identity).encode())

    @cached_property
    def _loaded(self) -> Any:
        return load_cross_encoder(self.model, max_length=self.max_length, options=self.options)

    def scores(self, collection: Collection, queries: Rows, documents: Rows) -> Iterator[tuple[Rows, LayerScores]]:
        """See `LayeredTeacher.scores`."""
        import torch
        from sentence_transformers.util import batch_to_device

        model = self._loaded
        inner = model.transformers_model
        blocks = blocks_of(inner, self.model)
        for start in range(0, len(queries), PAIRS_PER_BLOCK):
            part = slice(start, start + PAIRS_PER_BLOCK)
            texts = collection.queries.texts(queries[part]), collection.corpus.texts(documents[part])
            pairs = list(zip(*texts, strict=True))
            budget, prompt = default_batch_tokens(model.device), pair_prompt(model)
            for places, features in token_batches(model, pairs, batch_tokens=budget, prompt=prompt):
                with (
                    torch.inference_mode(),
                    autocast(self.precision, model.device),
                    block_outputs(blocks) as layers,
                ):
                    model(batch_to_device(features, model.device))
                    found = torch.stack([head_scores(inner, states, self.model) for states in layers], dim=1)
                yield places + start, np.asarray(found.float().cpu().numpy(), dtype=np.float32)


#: Families of models whose head can be put on any block.
FAMILIES = ("bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert")


def check_head(name: str) -> None:
    """Refuse a cross-encoder of another family, by its configuration.

    Raises:
        DistillirError: It is of another family, or gives several labels.
    """
    config = read_model_json(name, "config.json")
    family, labels = str(config.get("model_type")), config.get("id2label") or {"0": ""}
    if family not in FAMILIES:
        raise other_family(family, name)
    if len(labels) != 1:
        raise DistillirError(
            f"gives {len(labels)} labels where a teacher gives one score",
            where=name,
            remedy="choose a cross-encoder with num_labels 1",
        )


def other_family(family: str, where: str) -> DistillirError:
    """Make the error for a family of models whose head reads more than a state of the first token."""
    return DistillirError(
        f"the head of {family} cannot be put on its layers",
        where=where,
        remedy="use a model of the BERT, RoBERTa, ELECTRA or DistilBERT families",
    )


def head_scores(model: Any, states: Any, where: str) -> Any:
    """Logits [B] of a classifier's head on states [B, L, D].

    Raises:
        DistillirError: A head of another form.
    """
    family = model.config.model_type
    if family == "bert":
        logits = model.classifier(model.bert.pooler(states))
    elif family in ("roberta", "xlm-roberta", "camembert", "electra"):
        logits = model.classifier(states)
    elif family == "distilbert":
        logits = model.classifier(model.pre_classifier(states[:, 0]).relu())
    else:
        raise other_family(family, where)
    return logits.squeeze(1)
