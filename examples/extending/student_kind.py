"""A kind of student: a dense one whose vectors have 64 numbers, whatever the model has that it starts from."""

from typing import Any

import torch

from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.students.dense.kind import DenseKind

WIDTH = 64


class NarrowKind(DenseKind):
    """As dense in all but how it starts: a projection without bias, drawn once, is put behind the model."""

    name = "narrow"
    description = f"a dense student of {WIDTH} numbers a text"

    def start(self, name: str, *, device: str | None = None, options: ModelOptions = PLAIN) -> Any:
        """Load a dense model; one that was saved as this kind stays as it is."""
        from sentence_transformers.base.modules import Dense

        model = super().start(name, device=device, options=options)
        if model.get_embedding_dimension() != WIDTH:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                projection = Dense(
                    in_features=model.get_embedding_dimension(),
                    out_features=WIDTH,
                    bias=False,
                    activation_function=torch.nn.Identity(),
                )
                torch.nn.init.orthogonal_(projection.linear.weight)
            model.append(projection.to(model.device))
        return model


NARROW = NarrowKind()
