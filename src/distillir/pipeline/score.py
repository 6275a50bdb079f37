"""Stage ``score_stage``: the teacher's scores of all candidates, once, into the teaching set."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Scores
from distillir.base.errors import DistillirError
from distillir.base.processes import barrier, rank, world_size
from distillir.base.progress import say
from distillir.collections.generated import source_document
from distillir.collections.run import Run, from_lists
from distillir.collections.text_identity import text_keys
from distillir.composition.compose import compose
from distillir.pipeline.cut_texts import tell_cut_texts
from distillir.pipeline.named_models import look_at_models
from distillir.pipeline.products import BY_NAME, needs_lists
from distillir.pipeline.queries import training_qrels
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.same_texts import tell_copies
from distillir.pipeline.shards.answers import complete
from distillir.pipeline.step import made
from distillir.teachers.answers.unanswered import last_where_silent
from distillir.teachers.counted import CountedTeacher
from distillir.teaching.teaching_set import open_teaching_set


def score_stage(folder: RunFolder, *, learnt: bool = True, evaluated: bool = True) -> None:
    """Write ``teaching/`` and ``runs/teacher.trec``; each where it is wanted and not there.

    A recipe without a teacher (for objectives that need judgements alone) gets a teaching set without scores, and no
    teacher's run.

    Args:
        folder: The run's.
        learnt: Whether those of the training queries, where the recipe learns from lists.
        evaluated: Whether the evaluation candidates, too.

    Raises:
        DistillirError: Candidates are missing, or the teacher cannot be loaded or gives no number.
    """
    look_at_models(folder)
    tell_cut_texts(folder)
    lists = learnt and needs_lists(folder)
    if not lists and folder.recipe.teacher is not None:
        say("Nothing in the recipe learns from scores of candidates: the teacher gives none for training queries.")
    taught = not lists or made(folder, "teaching set")
    ranked = not evaluated or not BY_NAME["teacher's run"].wanted(folder) or made(folder, "teacher's run")
    if taught and ranked:
        return
    with folder.facts.timed("score"):
        if folder.recipe.teaching is not None:
            _adopt(folder, folder.recipe.teaching)
        elif folder.recipe.teacher is None:
            _judge(folder)
        else:
            _score(folder, lists, taught, ranked)
        barrier()
        if lists:
            tell_copies(folder, open_teaching_set(folder.teaching, folder.collection))
    barrier()


def _adopt(folder: RunFolder, source: str) -> None:
    """Copy a teaching set made elsewhere."""
    from distillir.pipeline.adopted_lists import adopt_lists

    lists = open_teaching_set(Path(source), folder.collection)
    if not lists.has_scores and compose(folder.recipe).needs_scores:
        raise DistillirError(
            "has no teacher scores",
            where=source,
            remedy="import it again with --scores, or name a teacher in place of teaching",
        )
    adopt_lists(folder, lists)


def _judge(folder: RunFolder) -> None:
    """A teaching set of the candidates and their judgements, without scores."""
    from distillir.pipeline.rankings import read_ranking
    from distillir.teaching.writer import build_teaching_set

    folder.need(folder.candidates, "mine")
    run = read_ranking(folder, folder.candidates)
    relevant = _relevant(folder, run)
    judged = sum(bool(flags.any()) for flags in relevant)
    say(f"No teacher: {judged} of {len(run)} lists have a judged positive")
    if rank() == 0:
        build_teaching_set(folder.collection, run.queries, run.lists, None, relevant, {}, folder.teaching)


def _relevant(folder: RunFolder, run: Run) -> list[npt.NDArray[np.bool_]]:
    """Masks of each list's candidates that are judged relevant."""
    qrels = training_qrels(folder)
    return [np.isin(documents, qrels.relevant(int(q))) for q, documents in zip(run.queries, run.lists, strict=True)]


def _score(folder: RunFolder, lists: bool, taught: bool, ranked: bool) -> None:
    """Write the teacher's run and, where ``lists`` are learnt from, the teaching set, whichever is not there."""
    from distillir.pipeline.rankings import read_ranking

    if lists:
        folder.need(folder.candidates, "mine")
    if not ranked:
        folder.need(folder.evaluation_candidates, "mine")
    teacher = _teacher(folder)
    if world_size() == 1:
        complete(folder, teacher)
    if not ranked:
        _rank_evaluation(folder, teacher)
        if not lists:
            folder.facts.add_calls(teacher.calls(), "teacher_calls")
    if not taught:
        score_training(folder, read_ranking(folder, folder.candidates), folder.teaching, teacher=teacher)


def _rank_evaluation(folder: RunFolder, teacher: CountedTeacher) -> None:
    """Write the teacher's order of the evaluation candidates; what it gave no answer about ranks last."""
    from distillir.pipeline.rankings import read_ranking
    from distillir.retrieval.trec import write_run

    collection = folder.collection
    run = read_ranking(folder, folder.evaluation_candidates)
    scores = [last_where_silent(values) for values in teacher.score(collection, run.queries, run.lists)]
    if rank() == 0:
        write_run(from_lists(run.queries, run.lists, scores, "teacher"), collection, folder.teacher_run)


def score_training(
    folder: RunFolder, run: Run, target: Path, *, teacher: CountedTeacher | None = None, key: str | None = None
) -> None:
    """Score candidates of the training queries into a teaching set, and say what the teacher made of them.

    Args:
        folder: The run's.
        run: The candidates.
        target: Folder of the teaching set.
        teacher: The recipe's teacher where it is loaded already; its calls so far are counted in.
        key: Under what the diagnostics are noted; None: they are those of the run.
    """
    from distillir.teachers.score_candidates import say_scores, score_candidates
    from distillir.teaching.writer import build_teaching_set

    collection, guard = folder.collection, folder.recipe.candidates.guard
    teacher = teacher or _teacher(folder)
    dropped = None if guard is None else guard.model_dump(exclude_none=True)
    run, scores = score_candidates(collection, run, teacher, training_qrels(folder), dropped)
    calls = teacher.calls()
    run, scores = _round_trip(folder, run, scores)
    relevant = _relevant(folder, run)
    found = say_scores(teacher.name, scores, relevant, calls)
    folder.facts.note_part("diagnostics", found.to_dict(), key)
    folder.facts.add_calls(calls, "teacher_calls")
    if rank() == 0:
        info: dict[str, Any] = {"teacher": teacher.name, "teacher_fingerprint": teacher.fingerprint(collection)}
        build_teaching_set(collection, run.queries, run.lists, scores, relevant, info, target)


def _round_trip(folder: RunFolder, run: Run, scores: list[Scores]) -> tuple[Run, list[Scores]]:
    """The lists without those of made queries whose document the teacher does not find again.

    Round-trip filtering as in Promptagator (Dai et al. 2022, arXiv 2209.11755), which asks a retriever for it; ours
    asks the teacher.
    """
    most = folder.recipe.queries.round_trip
    if most is None or not len(folder.generated):
        return run, scores
    # By text: which of two copies of its document the teacher ranks first says nothing.
    made, texts = set(folder.generated.tolist()), text_keys(folder.collection.corpus)
    kept = []
    for index, query in enumerate(run.queries.tolist()):
        source = source_document(folder.collection.queries.id(query)) if query in made else None
        best = run.of(index)[0][np.argsort(-scores[index], kind="stable")[:most]]
        if query not in made or (source is not None and texts[folder.collection.corpus.row(source)] in texts[best]):
            kept.append(index)
    total = int(np.isin(run.queries, folder.generated).sum())
    lost = len(run) - len(kept)
    say(f"Made queries: the teacher ranks the document of {total - lost} of {total} among its first {most}; they stay")
    folder.facts.note(generated={"made": total, "kept": total - lost, "round_trip": most})
    if not kept:
        raise DistillirError("no query is left", where="queries.round_trip", remedy="choose a higher rank")
    parts = [run.of(index) for index in kept]
    left = from_lists(run.queries[kept], [rows for rows, _ in parts], [values for _, values in parts], run.name)
    return left, [scores[index] for index in kept]


def _teacher(folder: RunFolder) -> CountedTeacher:
    from distillir.teachers.load import load_teacher

    assert folder.recipe.teacher is not None
    return load_teacher(folder.recipe.teacher)
