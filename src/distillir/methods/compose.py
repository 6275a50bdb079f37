"""A recipe to what is trained: stages with their lists, objectives and settings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError
from distillir.methods.checks import check_dark, check_layers, check_stages
from distillir.methods.naming import method_name
from distillir.methods.registry import get
from distillir.plans.list_form import ListForm
from distillir.plans.settings import TrainingSettings

if TYPE_CHECKING:
    from distillir.objectives.weighted_sum import WeightedSum
    from distillir.recipe import Recipe
    from distillir.signals.dark_examples.spec import DarkSpec
    from distillir.signals.layers.spec import LayerSpec
    from distillir.signals.preferences.spec import PairSpec


@dataclass(frozen=True)
class ComposedStage:
    """A stage, ready to be trained.

    Attributes:
        forms: How its lists are cut.
        objective: What is compared.
        training: Its settings.
        mine: Whether the student so far mines and the teacher scores anew before it.
        restart: Whether it starts from the student as it was before the first stage.
        dark: What is compared on dark lists, and the weight of that; None without dark examples.
    """

    forms: tuple[ListForm, ...]
    objective: "WeightedSum"
    training: TrainingSettings
    mine: bool
    restart: bool = False
    dark: "tuple[WeightedSum, float] | None" = None

    def facts(self) -> dict[str, Any]:
        """What a report says of it."""
        return {
            "lists": [{"form": type(form).__name__, **vars(form)} for form in self.forms],
            "objective": self.objective.spec,
            "learning_rate": self.training.learning_rate,
            "epochs": self.training.epochs,
            "mine": self.mine,
            **({"restart": True} if self.restart else {}),
            **({} if self.dark is None else {"dark": {"objective": self.dark[0].spec, "weight": self.dark[1]}}),
        }


@dataclass(frozen=True)
class Composition:
    """A method as a recipe has it.

    Attributes:
        name: A recipe that compares something else than its method does is called by its objectives
            (``kl + info_nce``); another plan or choice of stages is named behind (``ckl, plan cl-drd``).
        plan: The plan's name.
        objective: What is compared where a stage does not say otherwise.
        stages: At least one.
        dark: The dark examples wanted; None for none.
        pairs: The pairs wanted; None for none.
        layers: The layers wanted; None for none.
    """

    name: str
    plan: str
    objective: "WeightedSum"
    stages: tuple[ComposedStage, ...]
    dark: "DarkSpec | None" = None
    pairs: "PairSpec | None" = None
    layers: "LayerSpec | None" = None

    @property
    def needs_scores(self) -> bool:
        """Whether something is compared with a teacher's scores or their order, and not with judgements alone."""
        beside = self.dark is not None or self.pairs is not None
        return beside or any(stage.objective.needs & {"teacher", "labels"} for stage in self.stages)


def compose(recipe: "Recipe") -> Composition:
    """What a recipe's method, objective and training settings stand for.

    Raises:
        DistillirError: An unknown name, or parts that do not go together.
    """
    from distillir.methods.composed_objective import dark_objective, list_objective  # loads torch
    from distillir.objectives.weighted_sum import parse_objective

    spec = recipe.method
    method, plan = get(spec.name), spec.find_plan()
    own_objective = method.objective_for(recipe.student.kind)
    given = next((o for o in (recipe.objective, spec.objective) if o is not None), own_objective)
    check_layers(recipe)
    objective = list_objective(given, recipe)
    dark = spec.find_dark()
    stages = []
    for stage in plan.select(spec.stages):
        compared = objective
        if stage.objective is not None:
            compared = list_objective(stage.objective, recipe)
        stages.append(
            ComposedStage(
                stage.forms(recipe.training),
                compared,
                plan.settings(stage, recipe.training),
                stage.mine,
                stage.restart,
                None if dark is None else (dark_objective(dark, compared, spec.pairs), dark.weight),
            )
        )
    check_stages(stages, recipe)
    if dark is None and spec.pairs is not None and spec.pairs.dark:
        raise DistillirError(
            "pairs of dark examples are wanted, and the method has none",
            where="method.pairs.dark",
            remedy="set method.dark to true, or leave it out",
        )
    if dark is not None:
        check_dark(dark, recipe)
    own = objective.names == list_objective(own_objective, recipe).names
    name = method_name(spec, plan, parse_objective(given), own)
    return Composition(name, plan.name, objective, tuple(stages), dark, spec.pairs, spec.layers)
