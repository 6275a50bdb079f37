"""Plan: a sequence of stages, of which a recipe may pick some."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from distillir.base.errors import DistillirError
from distillir.plans.settings import TrainingSettings
from distillir.plans.stage import Stage

Selection = Sequence[int] | Literal["together"]

#: What stages may say for themselves, in ratio to the first.
SCALED = ("learning_rate", "epochs", "warmup")


@dataclass(frozen=True)
class Plan:
    """Stages under a name.

    Attributes:
        name: As recipes write it.
        description: One line for people.
        stages: In order.
        training: Published settings of the recipe's ``training`` that hold where the recipe is silent.
        students: Such settings by kind of student, where they are others.
        teachers: Such settings by kind of the teacher whose layers are followed, where they are others.
        lists_in_batch: By kind of student, lists whose documents join each other where ``in_batch`` lets them: steps
            are then cut into as many batches. Other kinds, and null: those of a whole step.
    """

    name: str
    description: str
    stages: tuple[Stage, ...]
    training: Mapping[str, Any] = field(default_factory=dict)
    students: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    teachers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lists_in_batch: Mapping[str, int] = field(default_factory=dict)

    def in_rounds(self, rounds: int, restart: bool) -> "Plan":
        """The same stages so many times over; each further time begins by mining anew with the student so far.

        Args:
            rounds: At least 1.
            restart: Whether each round trains from the student as it was before the first.
        """
        again = self.stages[0].model_copy(update={"mine": True, "restart": restart})
        return replace(self, stages=self.stages + (rounds - 1) * (again, *self.stages[1:]))

    def defaults(
        self, student: str = "dense", teachers: Iterable[str] = (), queries_per_step: int | None = None
    ) -> dict[str, Any]:
        """Training settings that hold where the recipe is silent: those of the plan, and the first stage's.

        Args:
            student: Kind of student.
            teachers: Kind of the teacher whose layers are followed; empty for none.
            queries_per_step: The recipe's; None: the plan's.
        """
        first = {name: value for name in SCALED if (value := getattr(self.stages[0], name)) is not None}
        found = {**self.training, **first, **self.students.get(student, {})}
        for teacher in teachers:
            found |= self.teachers.get(teacher, {})
        lists, queries = self.lists_in_batch.get(student), queries_per_step or found.get("queries_per_step")
        if lists is not None and queries is not None:
            # Of a step that does not divide into such batches the largest smaller ones; one list has no others' beside.
            sizes = [size for size in range(2, lists + 1) if queries % size == 0]
            found["gradient_accumulation"] = queries // max(sizes, default=queries)
        return found

    def settings(self, stage: Stage, training: TrainingSettings) -> TrainingSettings:
        """A stage's training settings: the recipe's, in the stage's ratio to the plan's first."""
        changed = {}
        for name in SCALED:
            own, first, given = getattr(stage, name), getattr(self.stages[0], name), getattr(training, name)
            if own is not None and given == "auto":
                continue  # settled before training, and asked again then
            if own is not None:
                changed[name] = own if not first else own * given / first
        if "warmup" in changed:
            changed["warmup"] = min(1.0, changed["warmup"])
        return training.model_copy(update=changed)

    def select(self, selection: Selection | None) -> tuple[Stage, ...]:
        """Some of the stages.

        Args:
            selection: Numbers from 1, in any order; ``together``: one stage in which each query is seen in the lists of
                all, as often in total; None for all in order.

        Raises:
            DistillirError: There is no such stage, or stages with different objectives are taken together.
        """
        if selection is None:
            return self.stages
        if isinstance(selection, str):
            return (self._together(),)
        wrong = [number for number in selection if not 1 <= number <= len(self.stages)]
        if wrong or not selection:
            said = f"no stage {wrong[0]}" if wrong else "no stage is chosen"
            raise DistillirError(
                f"{said} in the plan {self.name!r}",
                where="method.stages",
                remedy=f"choose numbers from 1 to {len(self.stages)}",
            )
        return tuple(self.stages[number - 1] for number in selection)

    def _together(self) -> Stage:
        if any(stage.objective != self.stages[0].objective for stage in self.stages):
            raise DistillirError("stages with different objectives cannot be taken together", where="method.stages")
        lists = [
            form for stage in self.stages for form in (stage.lists if isinstance(stage.lists, list) else [stage.lists])
        ]
        epochs = [stage.epochs for stage in self.stages]
        mean = None if None in epochs else sum(e for e in epochs if e is not None) / len(lists)
        return self.stages[0].model_copy(update={"lists": lists, "epochs": mean})
