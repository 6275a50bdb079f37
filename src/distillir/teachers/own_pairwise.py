"""A pairwise teacher from outside the package: its answers are checked, and its code is part of what it is."""

import numpy as np

from distillir.base.arrays import Rows, Scores, as_scores
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.encoding.fingerprint import file_hash
from distillir.specs.outside import code_file
from distillir.specs.outside_calls import outside_call, wrong_answer
from distillir.teachers.pairwise import PairwiseTeacher


class OwnPairwiseTeacher(PairwiseTeacher):
    """A pairwise teacher of the user's own, or of an installed package, behind checks.

    Args:
        kind: Its name in recipes.
        teacher: The teacher.

    Raises:
        DistillirError: It is none.
    """

    def __init__(self, kind: str, teacher: object) -> None:
        if not isinstance(teacher, PairwiseTeacher):
            remedy = "give a distillir.teachers.pairwise.PairwiseTeacher"
            raise wrong_answer(kind, "make", f"a {type(teacher).__name__}", remedy)
        self.kind, self.teacher, self.distance = kind, teacher, teacher.distance
        self.name = str(getattr(teacher, "name", kind))

    def fingerprint(self) -> str:
        """The teacher's own, and the hash of the file that its code stands in."""
        with outside_call(self.kind, "fingerprint"):
            own = self.teacher.fingerprint()
        file = code_file(self.kind)
        return f"{own}" if file is None else f"{own} {file_hash(file)}"

    def calls(self) -> dict[str, int]:
        """Counts of what it was asked; see `PairwiseTeacher.calls`."""
        with outside_call(self.kind, "calls"):
            return self.teacher.calls()

    def prefer(self, collection: Collection, queries: Rows, first: Rows, second: Rows) -> Scores:
        """Log-odds [P]; see `PairwiseTeacher.prefer`.

        Raises:
            DistillirError: It fails, or gives anything else than one number a pair. NaN stands for no answer.
        """
        with outside_call(self.kind, "prefer"):
            found = as_scores(self.teacher.prefer(collection, queries, first, second))
        if found.shape != (len(queries),):
            told = f"an array of shape {found.shape} for {len(queries)} pairs"
            raise wrong_answer(self.kind, "prefer", told, "give a float32 array, one number a pair")
        wrong = np.flatnonzero(np.isinf(found))
        if len(wrong):
            query = collection.queries.id(int(queries[wrong[0]]))
            documents = collection.corpus.ids([int(first[wrong[0]]), int(second[wrong[0]])])
            raise DistillirError(
                f"answered {found[wrong[0]]} about query {query!r} and documents {documents}",
                where=self.kind,
                remedy="give finite log-odds, or NaN for no answer",
            )
        return found
