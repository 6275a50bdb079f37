"""Vectors in a training: each text of a batch beside the vector that the student's shall follow."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from distillir.base.arrays import Rows, evenly_spaced
from distillir.base.processes import first_decides
from distillir.collections import Collection
from distillir.encoding.fingerprint import model_fingerprint
from distillir.encoding.store import Vectors
from distillir.encoding.vectors import encode_texts
from distillir.objectives.vector_match import vector_match_count, vector_match_terms
from distillir.signals.signal_training import Batch, Begun, Output, SignalTraining
from distillir.signals.vectors.projection import FITTED_TO, fitted, load_projection, new_projection
from distillir.signals.vectors.spec import PROJECTION, VectorSpec
from distillir.signals.vectors.teacher_vectors import Targets
from distillir.signals.vectors.texts import by_side, table_of
from distillir.students.loaded import student_of
from distillir.teaching.text_lists import NO_QUERY, TextLists


class VectorTraining(SignalTraining):
    """Vectors that the student's follow: a part of the loss for queries, and one for documents.

    A text counts as often as training examples of the step hold it, however the step is cut into batches and processes:
    so the mean is the same for each cut. Lists that a gate keeps back do not count, nor do texts that signals bring.
    Of lists there is a mean over queries and one over documents; of texts alone one over all of them (as LEAF has it).

    Args:
        spec: How they are compared.
        targets: The vectors by side.
        source: Identity of these (hex).
        unit_length: Whether they are compared by cosine, so that projected ones count at length 1.
        before: Folder of the map that the stage before has left; None for the first.

    Attributes:
        module: The linear map across widths, once the training has begun; None where these are equal.
        together: Whether the texts of both sides have one mean.
    """

    name = "vectors"
    along = PROJECTION

    def __init__(
        self,
        spec: VectorSpec,
        targets: Mapping[str, Targets],
        source: str = "",
        *,
        unit_length: bool = True,
        before: Path | None = None,
    ) -> None:
        self.spec, self.targets, self.source = spec, targets, source
        self.unit_length, self.together = unit_length, False
        self.module: nn.Module | None = load_projection(before) if before is not None and before.is_dir() else None

    def identity(self) -> dict[str, Any]:
        """See `SignalTraining.identity`."""
        begun = None if self.module is None else model_fingerprint(self.module)
        return {"vectors": [self.spec.model_dump(mode="json"), self.source, begun]}

    def begin(self, training: Begun) -> None:
        """Make the linear map, where the student's vectors are of another width and no stage has left one."""
        self.together = isinstance(training.lists, TextLists)
        student = student_of(training.model)
        if not self.together and student.documents_alone_as == "query":
            # Documents of lists are the kept vectors themselves: there is nothing to bring nearer.
            self.targets = {side: target for side, target in self.targets.items() if side != "documents"}
        width = next(iter(self.targets.values())).width
        own = student_width(training.model, training.collection, next(iter(self.targets)))
        if self.module is None and own != width:
            weight = None
            if self.spec.projection == "fitted":
                weight = first_decides(lambda: self._fitted(training))
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(training.seed)  # the same in all processes
                self.module = new_projection(own, width, weight)

    def _fitted(self, training: Begun) -> Vectors:
        """The weights of the map that is nearest for the student as it is."""
        own, wanted = {}, {}
        queries, documents = training.lists.queries, training.candidates
        asked = np.unique(queries[queries != NO_QUERY])
        read = documents[documents < len(training.collection.corpus)]  # without texts that signals bring
        for side, rows in by_side(self.spec, asked, read).items():
            some = evenly_spaced(rows, FITTED_TO)
            texts = table_of(training.collection, side).texts(some.tolist())
            own[side] = encode_texts(training.model, texts, kind=_read_as(training.model, side), precision="float32")
            wanted[side] = self.targets[side].of(some)
        return fitted(own, wanted, unit_length=student_of(training.model).compares_cosines)

    def collate(self, batch: Batch) -> tuple[dict[str, Any], dict[str, Any]]:
        """Vectors float32 [T, D] of each side, and how often each text counts [T]."""
        label: dict[str, Any] = {}
        listed = [example for example in batch.examples if example.open]
        for side, target in self.targets.items():
            rows = batch.queries if side == "queries" else batch.documents
            counted = [example.documents for example in listed]
            if side == "queries":
                counted = [np.array([example.query]) for example in listed if example.query != NO_QUERY]
            label[f"vectors_{side}"] = torch.from_numpy(target.of(rows))
            label[f"vectors_{side}_times"] = torch.from_numpy(_times(rows, counted))
        return {}, label

    def counts(self, label: Mapping[str, Any]) -> dict[str, Tensor]:
        """Texts that count."""
        found = {part: vector_match_count(label[part], label[f"{part}_times"]) for part in self._parts}
        return dict.fromkeys(found, torch.stack(list(found.values())).sum()) if self.together else found

    def terms(
        self,
        output: Output,
        inputs: Mapping[str, Any],
        label: Mapping[str, Any],
        counts: Mapping[str, Tensor],
        step: int,
    ) -> dict[str, Tensor]:
        """``vectors_queries`` and ``vectors_documents``."""
        found = {}
        for part in self._parts:
            wanted = label[part]
            own = output.queries
            if part == "vectors_documents":
                start = label.get("start", 0)  # behind documents of processes before this one
                own = output.documents[start : start + len(wanted)]
            apart = vector_match_terms(self.compared(own, output), wanted, label[f"{part}_times"], self.spec.loss)
            found[part] = self.spec.weight * apart
        return found

    def compared(self, vectors: Tensor, output: Output) -> Tensor:
        """The student's vectors [T, D] as they are compared: by direction where it is cosines that compare texts.

        Projected as LEAF's are: at length 1 after the map where the teacher's have it.
        """
        with torch.autocast(vectors.device.type, enabled=False):
            vectors = vectors.float()
            if output.student.compares_cosines:
                vectors = torch.nn.functional.normalize(vectors, dim=1)
            if self.module is None:
                return vectors
            vectors = self.module.linear(vectors)  # type: ignore[operator]
            return torch.nn.functional.normalize(vectors, dim=1) if self.unit_length else vectors

    def save(self, folder: Path) -> None:
        """The linear map, as a module of sentence-transformers."""
        assert self.module is not None
        self.module.save(str(folder))  # type: ignore[operator]

    @property
    def _parts(self) -> list[str]:
        return [f"vectors_{side}" for side in self.targets]


def student_width(model: Any, collection: Collection, side: str) -> int:
    """Numbers of a student's vector of a side, by encoding a text of it."""
    texts = table_of(collection, side).texts([0])
    return int(encode_texts(model, texts, kind=_read_as(model, side), precision="float32").shape[1])


def _read_as(model: Any, side: str) -> Literal["query", "document"]:
    return student_of(model).documents_alone_as if side == "documents" else "query"


def _times(rows: Rows, lists: list[Rows]) -> Any:
    """Number of times [T] that each of some distinct rows stands in lists, float32."""
    found, counts = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *lists]), return_counts=True)
    times = np.zeros(len(rows), dtype=np.float32)
    _, here, there = np.intersect1d(rows, found, assume_unique=True, return_indices=True)
    times[here] = counts[there]
    return times
