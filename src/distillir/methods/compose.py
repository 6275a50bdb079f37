"""A recipe to what is trained: stages with their lists, objectives and settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from distillir.errors import DistillirError
from distillir.methods.registry import get
from distillir.plans.graded_lists import GradedLists
from distillir.plans.list_form import ListForm
from distillir.training.settings import TrainingSettings

if TYPE_CHECKING:
    from distillir.dark.spec import DarkSpec
    from distillir.layers.spec import LayerSpec
    from distillir.methods.spec import MethodSpec
    from distillir.objectives.weighted_sum import WeightedSum
    from distillir.pairs.spec import PairSpec
    from distillir.plans.plan import Plan
    from distillir.recipe import Recipe


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
    from distillir.objectives.weighted_sum import parse_objective

    spec = recipe.method
    method, plan = get(spec.name), spec.find_plan()
    own_objective = method.objective_for(recipe.student.kind)
    given = next((o for o in (recipe.objective, spec.objective) if o is not None), own_objective)
    _check_layers(recipe)
    objective = _parsed(given, recipe)
    dark = spec.find_dark()
    stages = []
    for stage in plan.select(spec.stages):
        compared = objective
        if stage.objective is not None:
            compared = _parsed(stage.objective, recipe)
        stages.append(
            ComposedStage(
                stage.forms(recipe.training),
                compared,
                plan.settings(stage, recipe.training),
                stage.mine,
                stage.restart,
                None if dark is None else (_dark_objective(dark, compared, spec.pairs), dark.weight),
            )
        )
    _check_lists(stages, recipe)
    if dark is None and spec.pairs is not None and spec.pairs.dark:
        raise DistillirError(
            "pairs of dark examples are wanted, and the method has none",
            where="method.pairs.dark",
            remedy="set method.dark to true, or leave it out",
        )
    if dark is not None:
        _check_dark(dark, recipe)
    own = objective.names == _parsed(own_objective, recipe).names
    name = _name(spec, plan, parse_objective(given), own)
    return Composition(name, plan.name, objective, tuple(stages), dark, spec.pairs, spec.layers)


def _parsed(given: Any, recipe: "Recipe") -> "WeightedSum":
    """An objective as a recipe writes it, with what pairs and frozen layers add to it."""
    from distillir.objectives.weighted_sum import parse_objective

    return _with_response(_with_pairs(parse_objective(given), recipe), recipe)


def _with_pairs(objective: "WeightedSum", recipe: "Recipe") -> "WeightedSum":
    """The objective, with `pair_kl` where the recipe has pairs and does not name it itself.

    Raises:
        DistillirError: Preferences are compared, and nobody is asked for them.
    """
    from distillir.objectives.weighted_sum import WeightedSum, parse_objective

    spec, needed = recipe.method.pairs, "pairs" in objective.needs or get(recipe.method.name).pairs
    if spec is None and needed:
        raise DistillirError(
            f"{'pair_kl' if 'pairs' in objective.needs else recipe.method.name} compares a pairwise teacher's "
            "preferences, and the recipe names none",
            where="method.pairs",
            remedy="write method: {name: pairdistill, pairs: {teacher: {cross-encoder: folder}}}; "
            "distillir train-teacher --pairwise makes one",
        )
    if spec is None or "pairs" in objective.needs:
        return objective
    return WeightedSum([*objective.parts, *parse_objective(spec.part(recipe.student.kind)).parts])


def _with_response(objective: "WeightedSum", recipe: "Recipe") -> "WeightedSum":
    """The objective of a method that has layers (LEAD), with KL(t || s) of the outputs where the teacher is frozen."""
    from distillir.objectives.weighted_sum import WeightedSum, parse_objective

    layers = recipe.method.layers
    if layers is None or layers.joint or not get(recipe.method.name).layers:
        return objective
    if not layers.response or "kl" in objective.names:
        return objective
    # Other lists' documents have no score of a frozen teacher: its KL, like its layers, is of the query's own list.
    options: dict[str, Any] = {"own_list": True}
    if recipe.student.kind == "dense":
        options["student_temperature"] = layers.cosine_temperature
    if isinstance(recipe.teacher, dict) and "dense" in recipe.teacher:
        options["teacher_temperature"] = layers.cosine_temperature
    part = parse_objective({"kl": {"weight": layers.response, **options}})
    return WeightedSum([*objective.parts, *part.parts])


def _check_layers(recipe: "Recipe") -> None:
    """Refuse layers that nobody has, and a joint teacher that cannot score what it is to compare."""
    from distillir.teachers.load_layered import KINDS

    layers = recipe.method.layers
    if layers is None:
        return
    if recipe.student.towers != "shared":
        raise DistillirError(
            f"layers are compared of one encoder, and the student's towers are {recipe.student.towers}",
            where="method.layers",
            remedy="set student.towers to shared, or leave layers out",
        )
    if layers.teacher is None:
        raise DistillirError(
            "layers are wanted, and "
            + (
                f"the recipe's teacher ({recipe.teacher!r}) has none"
                if recipe.teacher is not None
                else "the recipe names no teacher that has some"
            ),
            where="method.layers.teacher",
            remedy=f"name a model as {', '.join(f'{{{kind}: model}}' for kind in KINDS)}",
        )


def _dark_objective(dark: "DarkSpec", objective: "WeightedSum", pairs: "PairSpec | None") -> "WeightedSum":
    """What is compared on dark lists: of the lists' objective what learns from the teacher, unless it is named.

    And what learns from preferences, where pairs of dark examples are asked about.
    """
    from distillir.objectives.weighted_sum import WeightedSum, parse_objective

    chosen = objective if dark.objective is None else parse_objective(dark.objective)
    parts = [part for part in chosen.parts if part[0].needs & {"teacher", "labels"}]
    if not parts:
        raise DistillirError(
            f"{' + '.join(chosen.names)} learns from judgements alone, and the teacher alone judges dark examples",
            where="method.dark",
            remedy="set method.dark.objective to one that learns from the teacher, such as kl",
        )
    if pairs is not None and pairs.dark:
        parts += [part for part in objective.parts if "pairs" in part[0].needs]
    return WeightedSum(parts)


def _check_dark(dark: "DarkSpec", recipe: "Recipe") -> None:
    """Refuse dark examples that nobody can score or that are never made."""
    if recipe.teacher is None:
        raise DistillirError(
            "dark examples are scored by the teacher, and the recipe has none",
            where="method.dark",
            remedy="name a teacher (in place of teaching)",
        )
    made = {"reinforced": dark.reinforced, "noisy": dark.noisy}
    if not any(made[kind] for kind in dark.kinds):
        raise DistillirError(
            f"of {' and '.join(dark.kinds)} none is made",
            where="method.dark",
            remedy="set method.dark.reinforced or method.dark.noisy above 0",
        )


def _name(spec: "MethodSpec", plan: "Plan", objective: "WeightedSum", own: bool) -> str:
    method = get(spec.name)
    name = method.name if own else " + ".join(objective.names)
    expected = method.plan if own else "plain"
    dark = spec.find_dark() is not None
    if not own and dark:
        name += " + dark examples"
    elif own and dark != method.dark:
        name += " + dark examples" if dark else " without dark examples"
    if not method.pairs and spec.pairs is not None:
        name += " + pairs"
    if spec.layers is not None and method.layers and not spec.layers.joint:
        name += ", frozen teacher"
    elif spec.layers is not None and not method.layers:
        name += " + layers" + (" of a joint teacher" if spec.layers.joint else "")
    if plan.name != expected:
        name += f", plan {plan.name}"
    if spec.rounds > 1:
        name += f", {spec.rounds} rounds" + (" from the start" if spec.restart else "")
    if spec.stages == "together":
        name += ", all stages at once"
    elif spec.stages is not None:
        word = "stage" if len(spec.stages) == 1 else "stages"
        name += f", {word} {', '.join(map(str, spec.stages))}"
    return name


def _asks_student(recipe: "Recipe") -> bool:
    """Whether the student is a source of candidates."""
    from distillir.retrieval.sources import read_sources

    found = read_sources(recipe.candidates.from_)
    return any(kind == recipe.student.kind and options.get("model") is None for kind, options in found)


def _check_lists(stages: Sequence[ComposedStage], recipe: "Recipe") -> None:
    """Refuse a plan that needs longer lists than are mined, and one that mines where nothing can be scored."""
    for number, stage in enumerate(stages, 1):
        where = f"method.plan, stage {number}" if len(stages) > 1 else "method.plan"
        longest = max((form.size for form in stage.forms if isinstance(form, GradedLists)), default=0)
        if recipe.teaching is None and longest > recipe.candidates.depth:
            raise DistillirError(
                f"takes lists of {longest}, and candidates.depth is {recipe.candidates.depth}",
                where=where,
                remedy=f"set candidates.depth to {longest} or more, or smaller groups",
            )
        if stage.training.in_batch:
            for objective, _, _ in stage.objective.parts:
                if not objective.in_batch:
                    raise DistillirError(
                        f"{objective.name} compares margins of scores, and the teacher has not scored other queries'"
                        " documents",
                        where="training.in_batch",
                        remedy="leave it out, or choose another objective",
                    )
        if stage.mine and recipe.teacher is None:
            raise DistillirError(
                "mines anew, and the recipe has no teacher to score what it finds",
                where=where,
                remedy="name a teacher (in place of teaching)",
            )
        if stage.mine and not _asks_student(recipe):
            raise DistillirError(
                "mines anew with the student, and candidates.from does not ask it",
                where=where,
                remedy=f"put {recipe.student.kind} (without a model) into candidates.from",
            )
        if stage.mine and number == 1:
            raise DistillirError(
                "mines anew before anything was learned", where=where, remedy="take mine out of the first stage"
            )
