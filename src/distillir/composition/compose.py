"""Composition of a recipe: the stages that are trained, with their lists, objectives and settings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from distillir.composition.checks import check_kept_documents, check_stages
from distillir.composition.composed_stage import ComposedStage
from distillir.methods.naming import method_name
from distillir.methods.registry import get_method
from distillir.signals.compositions import join
from distillir.signals.registry import SIGNALS
from distillir.signals.signal import CANDIDATES, SCORES, Signal

if TYPE_CHECKING:
    from distillir.composition.recipe_parts import ComposedParts
    from distillir.methods.spec import MethodSpec
    from distillir.objectives.weighted_sum import WeightedSum


@dataclass(frozen=True)
class Composition:
    """A method as a recipe has it.

    Attributes:
        name: A recipe that compares something else than its method does is called by its objectives
            (``kl + info_nce``); another plan or choice of stages is named behind (``ckl, plan cl-drd``).
        plan: The plan's name.
        objective: What is compared where a stage does not say otherwise.
        stages: At least one.
        signals: What is learnt from beside plain scores, in the order of `distillir.signals.registry`.
    """

    name: str
    plan: str
    objective: "WeightedSum"
    stages: tuple[ComposedStage, ...]
    signals: tuple[Signal[Any], ...] = ()

    @property
    def needs(self) -> frozenset[str]:
        """The data that it learns from; see `distillir.signals.signal.Signal.needs`."""
        return frozenset().union(*(stage.needs for stage in self.stages))

    @property
    def needs_lists(self) -> bool:
        """Tell whether it learns from candidates of queries, and not from texts alone."""
        return CANDIDATES in self.needs

    @property
    def needs_scores(self) -> bool:
        """Tell whether an objective needs a teacher's scores or their order, and not judgements alone."""
        return SCORES in self.needs

    def wants(self, name: str) -> bool:
        """Tell whether a signal is wanted."""
        return any(signal.name == name for signal in self.signals)


def compose(recipe: "ComposedParts") -> Composition:
    """Compose a recipe's method, objective and training settings.

    Raises:
        DistillirError: An unknown name, or parts that do not go together.
    """
    from distillir.composition.composed_objective import list_objective, written_objective  # loads torch

    spec = recipe.method
    method, plan = get_method(spec.name), spec.find_plan()
    own_objective = method.objective_for(recipe.student.own_kind)
    given = next((o for o in (recipe.objective, spec.objective) if o is not None), own_objective)
    signals = wanted_signals(spec)
    join(signals)
    for signal in signals:
        signal.check(recipe)
    objective = list_objective(given, recipe, signals)
    stages = []
    for stage in plan.select(spec.stages):
        compared = objective
        if stage.objective is not None:
            compared = list_objective(stage.objective, recipe, signals)
        stages.append(
            ComposedStage(
                stage.samplers(recipe.training),
                compared,
                plan.settings(stage, recipe.training),
                stage.mine,
                stage.restart,
                signals,
            )
        )
    check_stages(stages, recipe)
    check_kept_documents(recipe, signals)
    for composed in stages:
        composed.facts()  # a signal may refuse what a stage compares
    own = objective.names == list_objective(own_objective, recipe, signals).names
    name = method_name(spec, plan, written_objective(given), own, signals)
    return Composition(name, plan.name, objective, tuple(stages), signals)


def wanted_signals(spec: "MethodSpec") -> tuple[Signal[Any], ...]:
    """The signals that a recipe's method wants: those with a key of their own, then those of ``signals``.

    Raises:
        DistillirError: An unknown name or option, or code that may not run.
    """
    fields, known = type(spec).model_fields, SIGNALS.names()
    given = {name: getattr(spec, name) for name in known if name in fields and getattr(spec, name) is not None}
    where = dict.fromkeys(given, "method")
    where |= {name: "method" if SIGNALS.is_own(name) else "method.signals" for name in spec.signals}
    given |= spec.signals
    found = []
    for name in sorted(given, key=lambda name: known.index(name) if name in known else len(known)):
        kind = SIGNALS.get(name, where[name])
        signal = kind.of({} if given[name] is True else given[name], f"{where[name]}.{name}")
        if kind.wanted(signal.spec):
            found.append(signal)
    return tuple(found)
