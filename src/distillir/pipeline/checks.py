"""Checks that the queries and their lists suit the method, before work is spent on them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from distillir.base.arrays import Flags
from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.composition.compose import Composition, compose
from distillir.composition.composed_stage import ComposedStage
from distillir.pipeline.first_stage_agreement import tell_agreement
from distillir.pipeline.queries import training_qrels, training_queries
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.selection_queries import check_found, dev_queries, held_out_lists, most_held_out, selects
from distillir.pipeline.signal_place import SignalPlace
from distillir.plans.usable_lists import UsableLists, usable_lists
from distillir.signals.signal import JUDGEMENTS
from distillir.teaching.mined_order import MinedOrder
from distillir.teaching.teaching_set import TeachingSet, open_teaching_set

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
    method = compose(folder.recipe)
    if folder.recipe.training.patience is not None and not selects(folder.recipe):
        say("training.patience counts what training.select measures, and nothing is selected here: it has no effect")
    if not method.needs_lists:
        _check_texts(folder, method)
        return
    queries, held_out = training_queries(folder), 0
    qrels = training_qrels(folder)
    if selects(folder.recipe) and dev_queries(folder) is None:
        held_out = most_held_out(folder.recipe, len(queries))
        if not held_out:
            check_found(folder.recipe)
    taught = len(queries) - held_out
    _check_steps(method, [taught if stage.needs_lists else None for stage in method.stages])
    _check_text_stages(method, SignalPlace.of_run(folder))
    judged = bool(np.isin(qrels.queries[qrels.grades > 0], queries).any())
    _check_positives(method, judged, "no training query has one", "queries", "name a split whose queries are judged")
    _check_judged(method, judged)


def _check_text_stages(method: Composition, place: SignalPlace) -> None:
    """Refuse a stage on texts alone, beside others on lists, that is shorter than a step.

    Args:
        method: What is trained.
        place: Of the run, with the teaching set where that is brought.
    """
    for number, stage in enumerate(method.stages, 1):
        if method.needs_lists and not stage.needs_lists:
            size, examples = stage.training.queries_per_step, example_count(stage, len(place.text_lists(stage)))
            if examples < size:
                raise DistillirError(
                    f"stage {number}, on texts alone, has {examples} training examples, fewer than one step takes "
                    f"({size})",
                    where="method",
                    remedy="see each text more often, or set a smaller training.queries_per_step",
                )


def _check_texts(folder: RunFolder, method: Composition) -> None:
    """`check_queries` where training examples are texts alone.

    Raises:
        DistillirError: There is no text, and as `check_queries`.
    """
    asked, read = SignalPlace.of_run(folder).texts()
    count = len(asked) + len(read)
    if not count:
        raise DistillirError(
            f"{' and '.join(signal.name for signal in method.signals)} named no text to learn from",
            where="method.signals",
        )
    _check_steps(method, [count] * len(method.stages))
    qrels = training_qrels(folder)
    _check_judged(method, bool(np.isin(qrels.queries[qrels.grades > 0], asked).any()))


def _check_judged(method: Composition, judged: bool) -> None:
    """Refuse signals that need judgements where no training query has a judged positive."""
    for signal in method.signals:
        if JUDGEMENTS in signal.needs and not judged:
            raise DistillirError(
                f"{signal.name} needs judgements, and no training query has one",
                where="queries",
                remedy="name a split whose queries are judged",
            )


def check_teaching(folder: RunFolder, place: Path, *, tell: bool = True) -> None:
    """Refuse a teaching set, one made elsewhere or the run's own, that the recipe's method cannot learn from.

    Args:
        folder: The run's.
        place: Of the teaching set.
        tell: Whether lists without a judged positive are told of.

    Raises:
        DistillirError: It lacks teacher scores that are compared, and as `check_lists`.
    """
    method, lists = compose(folder.recipe), open_teaching_set(place, folder.collection)
    if method.needs_scores and not lists.has_scores:
        raise DistillirError(
            "has no teacher scores",
            where=place,
            remedy="import it again with --scores, or name a teacher in place of teaching",
        )
    _check_text_stages(method, replace(SignalPlace.of_run(folder), teaching=place))
    check_lists(method, lists, held_out_lists(folder, lists), tell=tell)
    if tell:
        tell_agreement(folder, lists)


def check_lists(method: Composition, lists: TeachingSet, held_out: Flags | None = None, *, tell: bool = True) -> None:
    """Refuse, before the first stage, what would end a later one or teach nothing; tell of lists without a positive.

    Args:
        method: What is trained.
        lists: The teaching set.
        held_out: Which lists [Q] are not learnt from, since the best student is chosen by them; None: all are.
        tell: Whether lists without a judged positive are told of.

    Raises:
        DistillirError: No list of a stage can be learnt from, a stage is shorter than one step, or judged positives are
            compared and no list holds one.
    """
    signals = lists if lists.has_scores else MinedOrder(lists)
    found = [
        usable_lists(
            signals,
            stage.compares,
            pseudo_positives=stage.training.pseudo_positives,
            in_batch=stage.training.in_batch,
        )
        if stage.needs_lists
        else None
        for stage in method.stages
    ]
    for usable in found:
        if usable is not None:
            _check_usable(usable, lists)
    learnt = np.ones(len(lists), dtype=bool) if held_out is None else ~held_out
    _check_steps(method, [None if usable is None else int((usable.usable & learnt).sum()) for usable in found])
    judged = sum(bool(lists.relevant(i).any()) for i in range(len(lists)))
    _check_positives(method, judged > 0, "no list holds one", "candidates", "set candidates.add_judged")
    if tell:
        _say_unjudged(method, len(lists), judged)


def say_flat_lists(method: Composition, suggested: float | None, *, cosines: bool) -> None:
    """Warn where temperatures make lists so flat that a student learns little of their order.

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


def _say_unjudged(method: Composition, lists: int, judged: int) -> None:
    """Tell how many lists hold no judged positive, where objectives compare positives."""
    names = _judging(method)
    if names and judged < lists:
        effects = ["info_nce learns nothing from them"] * ("info_nce" in names)
        effects += [f"{name} takes all of their candidates for negatives" for name in ("ckl", "bce") if name in names]
        say(
            f"{lists - judged} of {lists} lists hold no judged positive: {', '.join(effects)} "
            "(candidates.add_judged puts in what was not found, training.pseudo_positives takes the teacher's best)"
        )


def _check_usable(found: UsableLists, lists: TeachingSet) -> None:
    """Refuse lists of which none can be learnt from."""
    total = len(found.usable)
    if len(found):
        return
    if found.tied:
        others = f", the other {found.alone} fewer than two candidates" if found.alone else ""
        raise DistillirError(
            f"{f'{found.tied} of' if others else 'all'} {total} lists have one teacher score throughout{others}: "
            "nothing can be learnt from them",
            where=lists.path,
            remedy="take scores that tell candidates apart, or compare judgements alone (objective: info_nce)",
        )
    raise DistillirError(
        f"none of {total} lists has two candidates to compare",
        where=lists.path,
        remedy="mine candidates and score them with a teacher (in place of teaching), or compare positives with other "
        "queries' (objective: info_nce and training.in_batch: true)",
    )


def _check_steps(method: Composition, usable_by_stage: Sequence[int | None]) -> None:
    """Refuse a stage that is shorter than a step; None stands for one that learns from texts alone."""
    for number, (stage, usable) in enumerate(zip(method.stages, usable_by_stage, strict=True), 1):
        if usable is None:
            continue
        settings = stage.training
        examples = example_count(stage, usable)
        if usable and examples < settings.queries_per_step:
            name = f"stage {number} has" if len(method.stages) > 1 else "there are"
            raise DistillirError(
                f"{name} {examples} training examples, fewer than one step takes ({settings.queries_per_step})",
                where="training.queries_per_step",
                remedy=f"choose at most {max(examples, 1)}, or more epochs",
            )


def example_count(stage: ComposedStage, lists: int) -> int:
    """Number of training examples that a stage makes of ``lists`` lists, in all epochs together."""
    return round(stage.training.epochs * lists * len(stage.samplers))


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
