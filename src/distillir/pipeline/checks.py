"""What a method asks of the queries and of their lists: refused before work is spent on it."""

import numpy as np

from distillir.errors import DistillirError
from distillir.methods.compose import Composition, compose
from distillir.pipeline.queries import training_qrels, training_queries
from distillir.pipeline.run_folder import RunFolder
from distillir.progress import say
from distillir.teaching.teaching_set import TeachingSet

#: Above so many times the suggested temperature a teacher's lists are told to be flat. On squadshifts-wiki 1.1
#: times costs nothing or 0.007 nDCG@10, twice 0.02 to 0.05, four times 0.12 (benchmarks/results/lead.md).
FLAT = 1.5
#: Above this temperature a softmax of cosines, which lie in [-1, 1], cannot follow a teacher.
FLAT_COSINES = 0.5


def check_queries(folder: RunFolder) -> None:
    """Refuse, before anything is mined, a method that its training queries can never serve.

    Raises:
        DistillirError: A stage is shorter than one step, or judged positives are compared and no query has one.
    """
    method, queries, qrels = compose(folder.recipe), training_queries(folder), training_qrels(folder)
    _check_steps(method, len(queries))
    judged = bool(np.isin(qrels.queries[qrels.grades > 0], queries).any())
    _check_positives(method, judged, "no training query has one", "queries", "name a split whose queries are judged")


def check_lists(method: Composition, lists: TeachingSet) -> None:
    """Refuse, before the first stage, what would end a later one or teach nothing; tell of lists without a positive.

    Raises:
        DistillirError: A stage is shorter than one step, or judged positives are compared and no list holds one.
    """
    compared = np.flatnonzero(lists.sizes > 1)
    _check_steps(method, len(compared))
    judged = sum(bool(lists.relevant(int(i)).any()) for i in compared)
    _check_positives(method, judged > 0, "no list holds one", "candidates", "set candidates.add_judged")
    names = _judging(method)
    if names and judged < len(compared):
        effects = ["info_nce learns nothing from them"] * ("info_nce" in names)
        effects += ["ckl takes all of their candidates for negatives"] * ("ckl" in names)
        say(
            f"{len(compared) - judged} of {len(compared)} lists hold no judged positive: {', '.join(effects)} "
            "(candidates.add_judged puts in what was not found, training.pseudo_positives takes the teacher's best)"
        )


def say_flat_lists(method: Composition, suggested: float | None, *, cosines: bool) -> None:
    """Tell where temperatures make lists so flat that a student learns little of their order.

    Args:
        method: What is trained.
        suggested: The teacher's temperature, by `distillir.teachers.diagnostics`; None where there is none.
        cosines: Whether the student's scores are cosines.
    """
    told = set()
    for stage in method.stages:
        for objective, _, options in stage.objective.parts:
            if "teacher_temperature" not in options:
                continue
            name, own, teachers = objective.name, options["student_temperature"], options["teacher_temperature"]
            if suggested is not None and float(teachers) > FLAT * suggested:
                better = f"{{student_temperature: {own:g}, teacher_temperature: {suggested:g}}}"
                told.add(
                    f"{name}: at teacher_temperature {teachers:g} the teacher's lists are nearly flat: the student may "
                    f"end worse than it was; try {better}"
                )
            if cosines and float(own) > FLAT_COSINES:
                told.add(
                    f"{name}: at student_temperature {own:g} a softmax of the student's cosines is nearly flat: it "
                    "cannot follow the teacher; try student_temperature: 0.05"
                )
    for line in sorted(told):
        say(line)


def _check_steps(method: Composition, usable: int) -> None:
    for number, stage in enumerate(method.stages, 1):
        settings = stage.training
        lessons = round(settings.epochs * usable * len(stage.forms))
        if usable and lessons < settings.queries_per_step:
            name = f"stage {number} has" if len(method.stages) > 1 else "there are"
            raise DistillirError(
                f"{name} {lessons} lessons, fewer than one step takes ({settings.queries_per_step})",
                where="training.queries_per_step",
                remedy=f"choose at most {max(lessons, 1)}, or more epochs",
            )


def _check_positives(method: Composition, judged: bool, lack: str, where: str, remedy: str) -> None:
    judging = _judging(method)
    if judging and not judged:
        raise DistillirError(
            f"{' + '.join(judging)} compares judged positives, and {lack}",
            where=where,
            remedy=f"{remedy}, or training.pseudo_positives for the teacher's best",
        )


def _judging(method: Composition) -> list[str]:
    """Names of the objectives that compare judged positives, which nothing stands for where they lack."""
    return list(
        dict.fromkeys(
            objective.name
            for stage in method.stages
            for objective, _, _ in stage.objective.parts
            if not stage.training.pseudo_positives and objective.needs & {"positive", "relevant"}
        )
    )
