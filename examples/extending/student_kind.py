"""A kind of student: a dense one whose vectors are narrow, whatever the model has that it starts from."""

from typing import Any

import torch
from pydantic import Field

from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.specs.part import Options
from distillir.students.dense.kind import DenseKind


class NarrowOptions(Options):
    """What a recipe says beside the keys of every student."""

    width: int = Field(64, ge=1, description="numbers in a vector")


class NarrowKind(DenseKind):
    """As dense in all but how it starts: a projection without bias, drawn once, is put behind the model."""

    name = "narrow"
    description = "a dense student of few numbers a text"
    own_options = NarrowOptions

    def start(self, name: str, *, device: str | None = None, options: ModelOptions = PLAIN) -> Any:
        """Load a dense model; one that was saved as this kind stays as it is."""
        from sentence_transformers.base.modules import Dense

        model, width = super().start(name, device=device, options=options), self.given.width
        if model.get_embedding_dimension() != width:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                projection = Dense(
                    in_features=model.get_embedding_dimension(),
                    out_features=width,
                    bias=False,
                    activation_function=torch.nn.Identity(),
                )
                torch.nn.init.orthogonal_(projection.linear.weight)
            model.append(projection.to(model.device))
        return model


NARROW = NarrowKind()
