"""Stage ``train_stage``: the student learns from the teaching set, through every stage of the method's plan."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory
from distillir.base.processes import Write, barrier, rank
from distillir.base.progress import say
from distillir.base.seeds import stage_seed
from distillir.base.tracker import check_tracker
from distillir.composition.compose import Composition, compose
from distillir.composition.composed_stage import ComposedStage
from distillir.pipeline.checks import check_teaching, say_flat_lists
from distillir.pipeline.mine import prepare_student
from distillir.pipeline.products import needs_lists
from distillir.pipeline.rounds import measure_round
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.same_texts import own_judgements
from distillir.pipeline.selection import selection
from distillir.pipeline.selection_candidates import mine_selection
from distillir.pipeline.selection_fact import note_selection
from distillir.pipeline.settle import settle_recipe
from distillir.pipeline.signal_place import SignalPlace, trained_along
from distillir.pipeline.signals import MakingPlace, prepare_signal
from distillir.pipeline.step import made, make_once
from distillir.pipeline.suggested import suggested_temperature
from distillir.plans.settings import REPORT_TO

if TYPE_CHECKING:
    from distillir.signals.signal_training import SignalTraining
    from distillir.teaching.lists import Lists
    from distillir.training.selection import Selection


def train_stage(folder: RunFolder) -> None:
    """Write ``student/`` and ``log.jsonl``; nothing where the student is there. Goes on after a kill.

    Every stage but the last leaves its student in ``work/``, from which the next one starts with an optimiser and a
    schedule of its own.

    Raises:
        DistillirError: The teaching set is missing or does not fit, or training fails.
    """
    alone = not needs_lists(folder)
    if not folder.student.is_dir():
        if not alone:
            folder.need(folder.teaching, "score")
        prepare_student(folder)
        mine_selection(folder)
    if made(folder, "student"):
        say(f"Student: {folder.student} is trained already, and is not trained again")
        for path in (folder.path / name for signal in compose(folder.recipe).signals for name in signal.trains_along):
            if not path.is_dir():
                say(f"{path}: the trained {path.name} is gone; delete {folder.student} to train both again")
        return
    check_tracker(folder.recipe.training.report_to, REPORT_TO)
    last_student = folder.initial_student
    place = MakingPlace.of_run(folder)
    if not alone:
        check_teaching(folder, place.teaching)
    settle_recipe(folder)
    method = compose(folder.recipe)
    cosines = folder.recipe.student.own_kind.cosines(folder.initial_student)
    chosen = None if alone else selection(folder, method, place.lists())
    say_flat_lists(method, None if alone else suggested_temperature(folder), cosines=cosines)
    first_student = folder.initial_student
    for number, stage in enumerate(method.stages, 1):
        last = number == len(method.stages)
        target = folder.student if last else folder.work / f"student-{number}"
        if stage.mine:
            measure_round(folder, last_student, number)
            teaching = _mine_anew(folder, last_student, number)
            place = replace(place, teaching=teaching, student=last_student, number=number)
            for signal in method.signals:
                prepare_signal(signal, place)
        if made(folder, target):
            say(f"Stage {number}: {target} is trained already")
        else:
            start = first_student if stage.restart else last_student
            begun = replace(place, before=None if start == folder.initial_student else start)
            stage_number = number if len(method.stages) > 1 else None
            _train_stage(
                folder, method, stage, start, begun, target, stage_number, chosen if stage.needs_lists else None
            )
        last_student = target
        if not stage.needs_lists and not alone:
            first_student = target  # what stages on texts alone have made of it stays when a round starts anew


def _train_stage(
    folder: RunFolder,
    method: Composition,
    stage: ComposedStage,
    start: Path,
    place: SignalPlace,
    target: Path,
    number: int | None,
    chosen: "Selection | None",
) -> None:
    """Train the model in ``start`` into ``target``, and keep the best by ``chosen``."""
    from distillir.pipeline.model_card import model_card
    from distillir.students.load import load_student_of
    from distillir.teaching.mined_order import MinedOrder
    from distillir.training.train import checkpoint_folder
    from distillir.training.train import train_student as train_student

    recipe = folder.recipe
    judged, signals = own_judgements(folder), _opened(stage, place)
    lists: Lists
    if stage.needs_lists:
        taught = place.lists()
        lists = taught if taught.has_scores else MinedOrder(taught)
    else:
        lists = place.text_lists(stage)
    model = load_student_of(recipe.student, start)
    with folder.facts.timed("train"):
        examples = train_student(
            model,
            folder.collection,
            lists,
            stage.training,
            folder.work,
            folder.log,
            samplers=stage.samplers,
            signals=signals,
            judged=judged,
            selection=chosen,
            penalties=recipe.student.penalties(first=number in (None, 1) or stage.restart),
            stage=number,
            seed=stage_seed(recipe.seed, number),
            tracker=folder.tracker,
        )
        _check_vectors(model, folder)
    if chosen is not None:
        steps = len(examples) // stage.training.queries_per_step
        note_selection(folder, chosen, checkpoint_folder(folder.work, number), steps, number)
    for signal in signals:
        for name, told in signal.facts(examples).items():
            folder.facts.note_parts(name, {str(number or 1): told})
    if rank() == 0:
        for wanted, signal in zip(stage.learnt, signals, strict=True):
            if signal.module is not None:
                with atomic_directory(trained_along(folder, target, signal.along or signal.name)) as made:
                    signal.save(made)
                    wanted.save_card(place, made)
        with atomic_directory(target) as made:
            recipe.student.own_kind.save(model, made, last=target == folder.student)
            also = [f"{other.name} ({other.split})" for other in folder.others]
            (made / "README.md").write_text(model_card(recipe, folder.collection, method, also), encoding="utf-8")
        # Only now: a kill before this line must not lose the training.
        shutil.rmtree(checkpoint_folder(folder.work, number), ignore_errors=True)
    barrier()


def _opened(stage: ComposedStage, place: SignalPlace) -> "list[SignalTraining]":
    """The training of a stage's signals; texts that they bring follow the corpus's, one signal's the other's."""
    opened, first_row = [], len(place.collection.corpus)
    for signal in stage.learnt:
        opened.append(signal.open(replace(place, first_row=first_row), stage.objective))
        first_row += len(opened[-1].texts or ())
    return opened


def _mine_anew(folder: RunFolder, student: Path, number: int) -> Path:
    """Candidates and scores with the student so far, in ``work/``; nothing where they are there."""
    from distillir.pipeline.mine import mine_training
    from distillir.pipeline.rankings import read_ranking
    from distillir.pipeline.score import score_training
    from distillir.retrieval.trec import write_run

    found, teaching = folder.work / f"candidates-{number}.trec", folder.work / f"teaching-{number}"

    def mine() -> Write:
        run = mine_training(folder, str(student))
        return lambda: write_run(run, folder.collection, found)

    def score() -> None:
        score_training(folder, read_ranking(folder, found), teaching, key=f"stage {number}")

    make_once(folder, found, mine, timed="mine")
    make_once(folder, teaching, score, timed="score")
    return teaching


def _check_vectors(model: Any, folder: RunFolder) -> None:
    """Refuse a student that training has blown up, before it is written.

    Raises:
        DistillirError: It gives vectors that are not finite.
    """
    kind = folder.recipe.student.own_kind
    texts = [folder.collection.corpus.text(row) for row in range(min(8, len(folder.collection.corpus)))]
    if not kind.finite(model, texts):
        raise DistillirError(
            f"the trained student gives {kind.gives} that are not finite; nothing was written",
            where="training",
            remedy="lower training.learning_rate",
        )
