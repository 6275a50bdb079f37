"""Layer KL as a drop-in loss."""

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor, nn

from distillir.base.errors import DistillirError
from distillir.encoding.blocks import block_outputs, blocks_of, pool_states
from distillir.losses.citations import cite
from distillir.objectives.layer_kl import layer_kl
from distillir.signals.layers.draw import LayerDraw
from distillir.signals.layers.spec import LayerSpec


class LayerKLLoss(nn.Module):
    """`distillir.objectives.layer_kl` as a ``loss=`` for sentence-transformers' `SentenceTransformerTrainer`.

    The data set has a text column for the query, then one for each of N candidates, the relevant one first, and a label
    column (``label``) with the scores of a frozen teacher's layers for them [depth, N], the last layer last
    (`distillir.teachers.load_layered` makes them). Layers of the student are compared by products of states; add the
    loss to one of the outputs, such as `KLLoss`.

    Args:
        model: The student, a SentenceTransformer.
        count: Layers compared at once.
        choice: ``random`` or ``last``; see `distillir.signals.layers.spec.LayerSpec`.
        redraw: Batches between draws. A resumed training draws from the start again: a trainer does not save it.
        temperature: Of the teacher's layers.
        layer_temperature: Of the weights of the layers.
        pooling: ``cls`` or (ours) ``mean``.
        seed: Of the draws.
    """

    def __init__(
        self,
        model: Any,
        *,
        count: int = 5,
        choice: Literal["random", "last"] = "random",
        redraw: int = 10,
        temperature: float = 1.0,
        layer_temperature: float = 10.0,
        pooling: Literal["cls", "mean"] = "cls",
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.model, self.pooling, self.seed = model, pooling, seed
        self.spec = LayerSpec(
            count=count, choice=choice, redraw=redraw, temperature=temperature, layer_temperature=layer_temperature
        )
        self._batches = 0

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """The loss of a batch of tokenised columns and layers' scores [B, depth, N].

        Raises:
            DistillirError: Labels that do not fit the columns.
        """
        blocks, columns = blocks_of(self.model[0].auto_model, "student"), list(sentence_features)
        if len(columns) < 3 or labels.dim() != 3 or labels.shape[2] != len(columns) - 1:
            raise DistillirError(
                f"LayerKLLoss got labels of shape {tuple(labels.shape)} for {len(columns)} text columns",
                remedy="give a query column, at least two candidate columns, and in a column named label a list of "
                "the candidates' scores for each layer of the teacher",
            )
        draw = LayerDraw(self.spec, labels.shape[1], len(blocks), self.seed)
        teacher, student = draw.at(self._batches)
        self._batches += self.training
        states = []
        for features in columns:
            with block_outputs(blocks) as layers:
                self.model(features)
            states.append(
                torch.stack([pool_states(layers[n], features["attention_mask"], self.pooling) for n in student])
            )
        query, *candidates = states
        own = torch.stack([(query * candidate).sum(dim=2) for candidate in candidates], dim=2)
        first = torch.zeros(len(labels), dtype=torch.long, device=labels.device)
        taught = labels.detach().float().transpose(0, 1)[teacher]
        spec = self.spec
        return layer_kl(own, taught, first, temperature=spec.temperature, layer_temperature=spec.layer_temperature)

    def get_config_dict(self) -> dict[str, object]:
        """The settings, for model cards."""
        named = {name: getattr(self.spec, name) for name in ("count", "choice", "redraw", "temperature")}
        return {**named, "layer_temperature": self.spec.layer_temperature, "pooling": self.pooling}

    @property
    def citation(self) -> str:
        """BibTeX of what the loss is from, for model cards."""
        return cite(["layer_kl"])
