"""What a recipe compares: its objective, with what pairs, frozen layers and dark examples add to it."""

from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError
from distillir.methods.registry import get
from distillir.objectives.weighted_sum import WeightedSum, parse_objective
from distillir.teachers.encoders.kinds import DENSE
from distillir.teachers.registry import FORM as POINTWISE

if TYPE_CHECKING:
    from distillir.recipe import Recipe
    from distillir.signals.dark_examples.spec import DarkSpec
    from distillir.signals.preferences.spec import PairSpec


def list_objective(given: Any, recipe: "Recipe") -> WeightedSum:
    """An objective as a recipe writes it, with what pairs and frozen layers add to it."""
    return _with_response(_with_pairs(parse_objective(given), recipe), recipe)


def _with_pairs(objective: WeightedSum, recipe: "Recipe") -> WeightedSum:
    """The objective, with `pair_kl` where the recipe has pairs and does not name it itself.

    Raises:
        DistillirError: Preferences are compared, and nobody is asked for them.
    """
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
    # The published weight is that beside the published KL.
    part = spec.part(recipe.student.own_kind, get(recipe.method.name).pairs and "kl" in objective.names)
    return WeightedSum([*objective.parts, *parse_objective(part).parts])


def _with_response(objective: WeightedSum, recipe: "Recipe") -> WeightedSum:
    """The objective of a method that has layers (LEAD), with KL(t || s) of the outputs where the teacher is frozen."""
    layers = recipe.method.layers
    if layers is None or layers.joint or not get(recipe.method.name).layers:
        return objective
    if not layers.response or "kl" in objective.names:
        return objective
    # Other lists' documents have no score of a frozen teacher: its KL, like its layers, is of the query's own list.
    options: dict[str, Any] = {"own_list": True}
    if recipe.student.own_kind.cosine_scale:
        options["student_temperature"] = layers.cosine_temperature
    if recipe.teacher is not None and POINTWISE.read(recipe.teacher, "teacher").kind is DENSE:
        options["teacher_temperature"] = layers.cosine_temperature
    part = parse_objective({"kl": {"weight": layers.response, **options}})
    return WeightedSum([*objective.parts, *part.parts])


def dark_objective(dark: "DarkSpec", objective: WeightedSum, pairs: "PairSpec | None") -> WeightedSum:
    """What is compared on dark lists: of the lists' objective what learns from the teacher, unless it is named.

    And what learns from preferences, where pairs of dark examples are asked about.
    """
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
