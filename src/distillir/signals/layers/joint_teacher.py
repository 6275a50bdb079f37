"""A teacher that is trained along with the student: its outputs and its layers' scores, with gradients (LEAD)."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from distillir.batches.features import features_of, whole
from distillir.batches.gather import gathered, gathered_layers
from distillir.encoding.blocks import block_outputs, blocks_of
from distillir.signals.layers.spec import LayerSpec
from distillir.students.chunks import each_chunk
from distillir.students.loaded import student_of
from distillir.students.student import Student
from distillir.teachers.cross_encoders.layered import head_scores


class JointTeacher(nn.Module):
    """Scores of a batch's lists by a model and by some of its layers.

    Args:
        model: A SentenceTransformer, MultiVectorEncoder or CrossEncoder. It is called ``encoder`` here, since
            sentence-transformers' trainer puts the student in place of anything called ``model`` in a loss.
        spec: What is compared.
        recompute: Compute activations again in the backward pass in place of keeping them (``grad_cache``).

    Attributes:
        own_list: Whether it scores the query's own list alone.
        temperature: Divides its outputs.
    """

    own_list: bool

    def __init__(self, model: Any, spec: LayerSpec, *, recompute: bool = False) -> None:
        super().__init__()
        self.encoder, self.spec, self.recompute = model, spec, recompute
        self.temperature = output_temperature(model, spec)
        self.train()

    @property
    @abstractmethod
    def blocks(self) -> nn.ModuleList:
        """Its transformer blocks."""

    @abstractmethod
    def encode(self, inputs: Mapping[str, Any], layers: Sequence[int]) -> Any:
        """Encode a collated batch for `scores`; ``layers`` are numbers of blocks [K], from 0."""

    def gathered(self, encoded: Any) -> Any:
        """The same with the documents of all processes."""
        return encoded

    @abstractmethod
    def scores(self, encoded: Any, label: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Scores [B, N] of the label's lists and those by its layers [K, B, N], float32; places not read hold any."""


class JointEncoder(JointTeacher):
    """A dense or multi-vector teacher; it scores as a student of its kind does."""

    own_list = False

    @property
    def _student(self) -> Student:
        return student_of(self.encoder)

    @property
    def blocks(self) -> nn.ModuleList:
        """See `JointTeacher.blocks`."""
        return self._student.blocks

    def encode(self, inputs: Mapping[str, Any], layers: Sequence[int]) -> Any:
        """Queries and documents, and their states, in the order of the student's."""
        found = []
        for task in ("query", "document"):
            features, cut = features_of(inputs, f"teacher_{task}"), inputs[f"teacher_{task}_chunks"]
            cut = [whole(features["input_ids"])] if task == "query" else cut
            recompute = self.recompute and task == "document"
            options: dict[str, Any] = {"layers": layers, "pooling": self.spec.pooling, "recompute": recompute}
            embedded, states = self._student.embed_layers(self.encoder, features, cut, task=task, **options)
            rows = inputs["label"][f"teacher_{task}"]
            if task == "query":
                rows = rows[inputs["label"]["query"]]
            found += [self._student.select(embedded, rows), self._student.select_layers(states, rows)]
        return found

    def gathered(self, encoded: Any) -> Any:
        """See `JointTeacher.gathered`."""
        *queries, documents, states = encoded
        return [*queries, gathered(documents), gathered_layers(states)]

    def scores(self, encoded: Any, label: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """See `JointTeacher.scores`."""
        queries, own, documents, others = encoded
        outputs = self._student.scores(queries, documents).gather(1, label["index"])
        by_layer = self._student.layer_scores(own, others)
        return outputs, by_layer.gather(2, label["index"].expand(len(by_layer), -1, -1))


class JointCrossEncoder(JointTeacher):
    """A cross-encoder; its head scores every block's [CLS] state, the query's own list alone."""

    own_list = True

    @property
    def blocks(self) -> nn.ModuleList:
        """See `JointTeacher.blocks`."""
        return blocks_of(self.encoder.transformers_model, "teacher")

    def encode(self, inputs: Mapping[str, Any], layers: Sequence[int]) -> Any:
        """Logits [pairs] and those of layers [K, pairs]."""
        inner, blocks = self.encoder.transformers_model, self.blocks

        def encode(part: dict[str, Any]) -> Tensor:
            with block_outputs(blocks) as states:
                self.encoder(part)
            chosen = [states[number] for number in (*layers, -1)]
            return torch.stack([head_scores(inner, state, "teacher").float() for state in chosen])

        features = features_of(inputs, "teacher_pair")
        parts = each_chunk(encode, features, inputs["teacher_pair_chunks"], self.recompute)
        return torch.cat(parts, dim=1)

    def scores(self, encoded: Any, label: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """See `JointTeacher.scores`."""
        index = label["teacher_pair"]
        found = encoded[:, index]
        width = label["index"].shape[1] - index.shape[1]
        found = torch.nn.functional.pad(found, (0, width))
        return found[-1], found[:-1]


def joint_teacher(model: Any, spec: LayerSpec, *, recompute: bool = False) -> JointTeacher:
    """The joint teacher of a model's kind."""
    kind = JointCrossEncoder if "cross-encoder" in spec.teacher else JointEncoder
    return kind(model, spec, recompute=recompute)


def output_temperature(model: Any, spec: LayerSpec) -> float:
    """The temperature of a model's scores in a softmax: for cosines, or 1 where they have its scale already."""
    dense = hasattr(model, "similarity_fn_name") and student_of(model).compares_cosines
    return spec.cosine_temperature if dense else 1.0
