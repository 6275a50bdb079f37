"""A signal of one's own: BM25 as a second teacher, whose order of each list is followed beside the first one's.

In a recipe, with this file in the current folder:

    method: {name: kl, signals: {"lexical_signal:LEXICAL": {weight: 0.3}}}

and on the command line ``distillir run recipe.yaml --allow-code``.
"""

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field
from torch.nn.functional import pad

from distillir.objectives.kl import kl_count, kl_terms
from distillir.objectives.lists import own_places
from distillir.signals.list_values import ListValues
from distillir.signals.place import Place
from distillir.signals.signal import CANDIDATES, SCORES, Signal, SignalKind
from distillir.signals.signal_training import Batch, Output, SignalTraining
from distillir.specs import Part
from distillir.teachers.load import load_teacher
from distillir.teaching.fingerprint import lists_fingerprint


class LexicalSpec(Part):
    """What a recipe says of it."""

    weight: float = Field(0.3, gt=0, description="of the divergence from BM25, beside the objective")
    temperature: float = Field(2.0, gt=0, description="of BM25's scores")
    student_temperature: float = Field(0.05, gt=0, description="of the student's scores")


class LexicalTraining(SignalTraining):
    """In training: BM25's scores of each list, and the student's divergence from them."""

    name = "lexical"

    def __init__(self, spec: LexicalSpec, scores: ListValues) -> None:
        self.spec, self.scores, self.attachment = spec, scores, scores

    def identity(self) -> dict[str, Any]:
        return {"BM25's scores": [self.spec.model_dump(), self.scores.fingerprint]}

    def collate(self, batch: Batch) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {"lexical": self.scores.matrix(batch)}

    def joined(self, label: Any, width: int) -> dict[str, Any]:
        return {"lexical": pad(label["lexical"], (0, width))}

    def counts(self, label: Any) -> dict[str, Any]:
        return {"lexical": kl_count(label["lexical"], own_places(label["counted"], label))}

    def terms(self, output: Output, inputs: Any, label: Any, counts: Any, step: int) -> dict[str, Any]:
        scores, mask, spec = output.of(label["index"]), own_places(label["mask"], label), self.spec
        apart = kl_terms(scores, label["lexical"], mask, spec.student_temperature, spec.temperature)
        return {"lexical": spec.weight * apart}


class Lexical(Signal[LexicalSpec]):
    """In a run: BM25 is asked once, and what it said lies in a file."""

    needs = frozenset({CANDIDATES, SCORES})

    def _file(self, place: Place) -> tuple[Path, str]:
        """The file, and what it must be of."""
        source = f"{lists_fingerprint(place.lists())} {place.collection.fingerprint}"
        return place.folder(self) / "scores.parquet", source

    def prepare(self, place: Place) -> None:
        def make() -> Any:
            lists = place.lists()
            found = load_teacher("bm25").score(place.collection, lists.queries, lists.lists)
            same = [int(lists.scores(i).argmax() == own.argmax()) for i, own in enumerate(found)]
            spread = [float(own.std()) for own in found]
            place.tell(self, {"lists whose best it agrees on": float(np.mean(same)), "values": {"spread": spread}})
            return lambda: ListValues("lexical", found).write(file, source)

        file, source = self._file(place)
        place.make_once(file, make, timed="lexical")
        self.check_files(place)

    def check_files(self, place: Place) -> None:
        file, source = self._file(place)
        if file.is_file():
            ListValues.read("lexical", file, source)

    def open(self, place: Place, objective: Any) -> LexicalTraining:
        return LexicalTraining(self.spec, ListValues.read("lexical", *self._file(place)))


LEXICAL = SignalKind("lexical", "BM25's order of each list beside the teacher's", LexicalSpec, Lexical)
