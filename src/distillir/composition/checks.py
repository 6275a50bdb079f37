"""Parts of a recipe that do not go together, refused before anything is loaded."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError
from distillir.plans.graded_lists import GradedLists
from distillir.signals.signal import CANDIDATES

if TYPE_CHECKING:
    from distillir.composition.composed_stage import ComposedStage
    from distillir.composition.recipe_parts import ComposedParts
    from distillir.signals.signal import Signal


def _check_texts_alone(recipe: "ComposedParts") -> None:
    """Refuse what means lists of candidates in a recipe of which no part learns from any."""
    kind, training, remedy = recipe.student.own_kind, recipe.training, "take it out, or name an objective"
    found = {
        "teaching": (recipe.teaching is not None, "a teaching set is brought"),
        "candidates.guard": (recipe.candidates.guard is not None, "candidates are guarded"),
        "queries.round_trip": (recipe.queries.round_trip is not None, "the teacher's ranks keep or drop made queries"),
        "training.select": (training.select == "dev", "the best student is to be chosen by ranked candidates"),
        "training.batches": (training.batches == "overlapping", "steps are to share candidates"),
        "training.in_batch": (bool(training.in_batch), "documents are to join lists"),
        "student.kind": (not kind.searches, f"{kind.name} students rank candidates"),
    }
    for where, (given, what) in found.items():
        if given:
            raise DistillirError(
                f"{what}, and no part of the recipe learns from candidates", where=where, remedy=remedy
            )


def _asks_student(recipe: "ComposedParts") -> bool:
    """Tell whether the student is a source of candidates."""
    from distillir.retrieval.sources import read_sources

    found = read_sources(recipe.candidates.from_)
    own = recipe.student.own_kind.source
    return any(kind == own and options.get("model") is None for kind, options in found)


def check_stages(stages: Sequence["ComposedStage"], recipe: "ComposedParts") -> None:
    """Refuse a plan that needs longer lists than are mined, and one that mines where nothing can be scored."""
    kind = recipe.student.own_kind
    if not all(stage.learnt for stage in stages):
        raise DistillirError(
            "nothing is learnt from: the method compares no lists, and the recipe names no signal",
            where="method",
            remedy="name a signal in method.signals, or an objective",
        )
    if all(CANDIDATES not in stage.needs for stage in stages):
        _check_texts_alone(recipe)
    for number, stage in enumerate(stages, 1):
        where = f"method.plan, stage {number}" if len(stages) > 1 else "method.plan"
        longest = max((sampler.size for sampler in stage.samplers if isinstance(sampler, GradedLists)), default=0)
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
                        remedy="set it to false (the default method sets it), or choose another objective",
                    )
            if kind.no_in_batch is not None:
                raise DistillirError(kind.no_in_batch, where="training.in_batch", remedy="set it to false")
        for name in stage.objective.names:
            if name in kind.no_objectives:
                raise DistillirError(
                    f"{name} is not for {kind.name} students: {kind.no_objectives[name]}",
                    where="objective",
                    remedy="choose another objective",
                )
        if stage.mine and recipe.teacher is None:
            raise DistillirError(
                "mines anew, and the recipe has no teacher to score what it finds",
                where=where,
                remedy="name a teacher (in place of teaching)",
            )
        if stage.mine and kind.source is None:
            raise DistillirError(
                f"mines anew with the student, and {kind.name} students find nothing: they rank what others find",
                where=where,
                remedy="take mine and rounds out",
            )
        if stage.mine and not _asks_student(recipe):
            raise DistillirError(
                "mines anew with the student, and candidates.from does not ask it",
                where=where,
                remedy=f"put {kind.source} (without a model) into candidates.from",
            )
        if stage.mine and number == 1:
            raise DistillirError(
                "mines anew before anything was learned", where=where, remedy="take mine out of the first stage"
            )


def check_kept_documents(recipe: "ComposedParts", signals: "Sequence[Signal[Any]]") -> None:
    """Refuse what would need a model of documents, where their vectors were made elsewhere.

    Args:
        recipe: The recipe.
        signals: Those that it wants.

    Raises:
        DistillirError: Signals would bring texts of their own, or other collections are measured on.
    """
    kept = recipe.student.documents
    if kept is None or kept.encoder is not None:
        return
    bringing = [signal for signal in signals if signal.documents_beside()]
    if bringing:
        raise DistillirError(
            f"{bringing[0].name} brings texts of its own, and no model is known that encodes documents as the kept "
            "vectors were",
            where="student.documents",
            remedy=f"name their model (student.documents: {{dense: model}}), or leave method.{bringing[0].name} out",
        )
    if recipe.evaluation.also:
        raise DistillirError(
            "other collections have no kept vectors, and no model is known that encodes documents as these were",
            where="evaluation.also",
            remedy="name their model (student.documents: {dense: model}), or leave it out",
        )
