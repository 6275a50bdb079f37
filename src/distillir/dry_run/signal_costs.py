"""Facts on lists and the teacher that a dry run gives to signals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from distillir.base.arrays import Rows
from distillir.dry_run.lists import DryLists
from distillir.dry_run.teacher import TeacherCosts
from distillir.recipe import Recipe
from distillir.teaching.text_lists import TextLists


@dataclass(frozen=True)
class SignalCosts:
    """A `distillir.signals.place.Costs` of a plan.

    Attributes:
        recipe: What the run would be made of.
        lists: Its lists.
        teacher: What its teachers take; None where no teacher is timed.
        texts: What is learnt from where nothing needs candidates; None where something does.
    """

    recipe: Recipe
    lists: DryLists
    teacher: TeacherCosts | None = None
    texts: TextLists | None = None

    @property
    def queries(self) -> int:
        """Lists that there will be."""
        return self.lists.total

    @property
    def pairs(self) -> int:
        """Candidates of all lists."""
        return self.lists.pairs

    @property
    def rows(self) -> list[Rows]:
        """Candidates of the lists that steps are timed on."""
        return self.lists.rows

    def new_texts(self, texts: int) -> float | None:
        """See `distillir.signals.place.Costs.new_texts`."""
        return None if self.teacher is None else self.teacher.new_texts(self.recipe.teacher, texts)

    def layers(self, teacher: Any) -> float:
        """See `distillir.signals.place.Costs.layers`."""
        return 0.0 if self.teacher is None else self.teacher.layers(teacher, self.lists)

    def vectors(self, teacher: Any, sides: Sequence[str]) -> float:
        """See `distillir.signals.place.Costs.vectors`."""
        if self.teacher is None:
            return 0.0
        lists, texts = self.lists, self.texts
        asked, read = (lists.every, lists.distinct()) if texts is None else (texts.asked, texts.read)
        rows = {"queries": asked, "documents": read}
        return self.teacher.vectors(teacher, {side: rows[side] for side in sides})
