"""A teacher from outside the package: its answers are checked, and its code is part of what it is."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from distillir.base.arrays import Rows, Scores, as_scores
from distillir.collections import Collection
from distillir.encoding.fingerprint import file_hash
from distillir.specs.outside import code_file
from distillir.specs.outside_calls import outside_call, wrong_answer
from distillir.teachers.counted import check_finite, flatten
from distillir.teachers.teacher import Teacher


class OwnTeacher(Teacher):
    """A teacher of the user's own, or of an installed package, behind checks.

    Args:
        kind: Its name in recipes.
        teacher: The teacher.

    Raises:
        DistillirError: It is none.
    """

    def __init__(self, kind: str, teacher: object) -> None:
        if not isinstance(teacher, Teacher):
            raise wrong_answer(kind, "make", f"a {type(teacher).__name__}", "give a distillir.teachers.teacher.Teacher")
        self.kind, self.teacher, self.signals = kind, teacher, teacher.signals
        self.name = str(getattr(teacher, "name", kind))

    def fingerprint(self, collection: Collection) -> str:
        """The teacher's own, and the hash of the file that its code stands in."""
        with outside_call(self.kind, "fingerprint"):
            own = self.teacher.fingerprint(collection)
        if not isinstance(own, str):
            raise wrong_answer(self.kind, "fingerprint", f"a {type(own).__name__}", "give a text")
        file = code_file(self.kind)
        return own if file is None else f"{own} {file_hash(file)}"

    def reads(self, query: str, document: str) -> bool:
        """Tell whether it reads the document to its end; see `Teacher.reads`."""
        with outside_call(self.kind, "reads"):
            return self.teacher.reads(query, document)

    def calls(self) -> dict[str, int]:
        """Counts of what it was asked; see `Teacher.calls`."""
        with outside_call(self.kind, "calls"):
            return self.teacher.calls()

    def score(self, collection: Collection, queries: Rows, lists: Sequence[Rows]) -> list[Scores]:
        """Score candidate lists; see `Teacher.score`.

        Raises:
            DistillirError: It fails, or gives anything else than one finite number a candidate.
        """
        remedy = "give a list with a float32 array for each query, one number a candidate"
        with outside_call(self.kind, "score"):
            given: Any = self.teacher.score(collection, queries, lists)
        if not isinstance(given, list | tuple | np.ndarray):
            raise wrong_answer(self.kind, "score", f"a {type(given).__name__}", remedy)
        if len(given) != len(lists):
            raise wrong_answer(self.kind, "score", f"{len(given)} arrays for {len(lists)} queries", remedy)
        found = []
        for place, (values, rows) in enumerate(zip(given, lists, strict=True)):
            with outside_call(self.kind, "score"):
                scores = as_scores(values)
            if scores.shape != (len(rows),):
                query = collection.queries.id(int(queries[place]))
                told = f"an array of shape {scores.shape} for the {len(rows)} candidates of query {query!r}"
                raise wrong_answer(self.kind, "score", told, remedy)
            found.append(scores)
        if found:
            asked, documents, _ = flatten(queries, lists)
            check_finite(self.kind, collection, asked, documents, np.concatenate(found))
        return found
