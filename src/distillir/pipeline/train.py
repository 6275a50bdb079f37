"""Stage ``train``: the student learns from the teaching set, through every stage of the method's plan."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory
from distillir.base.processes import Write, barrier, rank
from distillir.base.progress import say
from distillir.base.seeds import stage_seed
from distillir.methods.compose import ComposedStage, Composition, compose
from distillir.pipeline.checks import check_teaching, say_flat_lists
from distillir.pipeline.dark import make_dark_set
from distillir.pipeline.dark_pairs import make_dark_pairs
from distillir.pipeline.layers import make_layers
from distillir.pipeline.mine import prepare_student
from distillir.pipeline.pairs import make_pairs
from distillir.pipeline.rounds import measure_round
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.same_texts import known_lists, own_judgements
from distillir.pipeline.selection import selection
from distillir.pipeline.selection_candidates import mine_selection
from distillir.pipeline.selection_fact import note_selection
from distillir.pipeline.settle import settle_recipe
from distillir.pipeline.signal_sources import dark_pair_source, dark_source, layer_source, pair_source
from distillir.pipeline.step import made, make_once
from distillir.pipeline.temperature import suggested_temperature
from distillir.teaching.teaching_set import TeachingSet, open_teaching_set

if TYPE_CHECKING:
    from distillir.signals.layers.spec import LayerSpec
    from distillir.training.layer_training import LayerTraining
    from distillir.training.selection import Selection


@dataclass(frozen=True)
class Sources:
    """What a stage learns from: folders of the teaching set, of its dark examples, pairs and layers, and who mined.

    And the folder of a joint teacher as the last stage left it; None before the first.
    """

    teaching: Path
    dark: Path
    pairs: Path
    layers: Path
    student: Path
    teacher: Path | None = None


def train(folder: RunFolder) -> None:
    """Write ``student/`` and ``log.jsonl``; nothing where the student is there. Goes on after a kill.

    Every stage but the last leaves its student in ``work/``, from which the next one starts with an optimiser and a
    schedule of its own.

    Raises:
        DistillirError: The teaching set is missing or does not fit, or training fails.
    """
    if not folder.student.is_dir():
        folder.need(folder.teaching, "score")
        prepare_student(folder)
        mine_selection(folder)
    if made(folder, "student"):
        spec = folder.recipe.method.layers
        if spec is not None and spec.joint and not folder.teacher.is_dir():
            say(f"{folder.teacher}: the trained teacher is gone; delete {folder.student} to train both again")
        return
    last_student = folder.initial_student
    sources = Sources(folder.teaching, folder.dark, folder.pairs, folder.layers, last_student)
    check_teaching(folder, sources.teaching)
    settle_recipe(folder)
    method = compose(folder.recipe)
    cosines = folder.recipe.student.own_kind.cosines(folder.initial_student)
    chosen = selection(folder, method, open_teaching_set(sources.teaching, folder.collection))
    say_flat_lists(method, suggested_temperature(folder), cosines=cosines)
    for number, stage in enumerate(method.stages, 1):
        last = number == len(method.stages)
        target = folder.student if last else folder.work / f"student-{number}"
        if stage.mine:
            measure_round(folder, last_student, number)
            teaching = _mine_anew(folder, last_student, number)
            dark, pairs, layers = (folder.work / f"{name}-{number}" for name in ("dark", "pairs", "layers"))
            sources = Sources(teaching, dark, pairs, layers, last_student, sources.teacher)
            if method.layers is not None and not method.layers.joint:
                make_layers(folder, method.layers, teaching, layers)
            if method.dark is not None:
                make_dark_set(folder, method.dark, teaching, sources.dark, key=f"stage {number}")
            if method.pairs is not None:
                make_pairs(folder, method.pairs, teaching, sources.pairs, last_student, key=f"stage {number}")
                if method.pairs.dark:
                    make_dark_pairs(folder, method.pairs, teaching, sources.dark, sources.pairs, key=f"stage {number}")
        if not made(folder, target):
            start = folder.initial_student if stage.restart else last_student
            begun = replace(sources, teacher=None if stage.restart else sources.teacher)
            stage_number = number if len(method.stages) > 1 else None
            _train_stage(folder, method, stage, start, begun, target, stage_number, chosen)
        last_student = target
        if method.layers is not None and method.layers.joint:
            sources = replace(sources, teacher=trained_teacher(folder, target))


def _train_stage(
    folder: RunFolder,
    method: Composition,
    stage: ComposedStage,
    start: Path,
    sources: Sources,
    target: Path,
    number: int | None,
    chosen: "Selection | None",
) -> None:
    """Train the model in ``start`` into ``target``, and keep the best by ``chosen``."""
    from distillir.pipeline.model_card import model_card, teacher_card
    from distillir.signals.dark_examples.dark_lists import DarkLists
    from distillir.signals.dark_examples.dark_set import check_source, open_dark_set
    from distillir.signals.preferences.pair_lists import PairLists
    from distillir.signals.preferences.pair_set import DARK_PAIRS, PAIRS, open_pairs
    from distillir.students.load import load_student_of
    from distillir.teachers.load_pairwise import load_pairwise
    from distillir.teaching.mined_order import MinedOrder
    from distillir.training.train import DarkTraining, checkpoint_folder
    from distillir.training.train import train as train_student

    recipe = folder.recipe
    taught = open_teaching_set(sources.teaching, folder.collection)
    judged = own_judgements(folder)
    dark = None
    if stage.dark is not None and method.dark is not None:
        edge = len(folder.collection.corpus)
        examples = open_dark_set(sources.dark)
        known = known_lists(folder, taught)
        check_source(sources.dark, dark_source(folder, method.dark, known))
        compared = None
        if method.pairs is not None and method.pairs.dark:
            folder.need(sources.pairs / DARK_PAIRS, "score")
            teacher = load_pairwise(method.pairs.teacher)
            source = dark_pair_source(folder, method.pairs, taught, examples, teacher)
            compared = PairLists(open_pairs(sources.pairs, source, DARK_PAIRS))
        dark_lists = DarkLists(examples, known, method.dark, edge, compared)
        dark = DarkTraining(dark_lists, *stage.dark)
    pairs = None
    if method.pairs is not None:
        folder.need(sources.pairs / PAIRS, "score")
        teacher = load_pairwise(method.pairs.teacher)
        source = pair_source(folder, method.pairs, taught, teacher, sources.student)
        pairs = PairLists(open_pairs(sources.pairs, source), first=method.pairs.documents == "first")
    layered = None if method.layers is None else _layered(folder, method.layers, taught, sources)
    lists = taught if taught.has_scores else MinedOrder(taught)
    model = load_student_of(recipe.student, start)
    with folder.timed("train"):
        lessons = train_student(
            model,
            folder.collection,
            lists,
            stage.objective,
            stage.training,
            folder.work,
            folder.log,
            forms=stage.forms,
            dark=dark,
            pairs=pairs,
            layers=layered,
            judged=judged,
            selection=chosen,
            penalties=recipe.student.penalties(first=number in (None, 1) or stage.restart),
            stage=number,
            seed=stage_seed(recipe.seed, number),
        )
        _check_vectors(model, folder)
    if chosen is not None:
        steps = len(lessons) // stage.training.queries_per_step
        note_selection(folder, chosen, checkpoint_folder(folder.work, number), steps, number)
    if dark is not None:
        shares = {str(number or 1): lessons.gate_shares()}
        folder.note(gate={**folder.noted().get("gate", {}), **shares})
    if rank() == 0:
        if layered is not None and layered.teacher is not None:
            with atomic_directory(trained_teacher(folder, target)) as made:
                layered.teacher.save_pretrained(str(made), create_model_card=False)
                (made / "README.md").write_text(teacher_card(recipe, folder.collection, layered.spec), encoding="utf-8")
        with atomic_directory(target) as made:
            model.save_pretrained(str(made), create_model_card=False)
            also = [f"{other.name} ({other.split})" for other in folder.others]
            (made / "README.md").write_text(model_card(recipe, folder.collection, method, also), encoding="utf-8")
        # Only now: a kill before this line must not lose the training.
        shutil.rmtree(checkpoint_folder(folder.work, number), ignore_errors=True)
    barrier()


def trained_teacher(folder: RunFolder, student: Path) -> Path:
    """Where the joint teacher lies that was trained along with the student in a folder."""
    return (
        folder.teacher if student == folder.student else student.with_name(student.name.replace("student", "teacher"))
    )


def _layered(folder: RunFolder, spec: "LayerSpec", taught: TeachingSet, sources: Sources) -> "LayerTraining":
    """The layers that a stage learns from: a frozen teacher's scores, or a teacher to train along."""
    from distillir.signals.layers.layer_set import LAYERS, open_layers
    from distillir.teachers.load_layered import load_joint, load_layered
    from distillir.training.layer_training import LayerTraining

    log = folder.layer_log
    if spec.joint:
        return LayerTraining(spec, teacher=load_joint(spec.teacher, sources.teacher), log=log)
    folder.need(sources.layers / LAYERS, "score")
    by_layer = load_layered(spec.teacher, spec.pooling)
    return LayerTraining(spec, open_layers(sources.layers, layer_source(folder, taught, by_layer)), log=log)


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
