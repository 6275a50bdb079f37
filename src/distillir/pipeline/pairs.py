"""Stage ``pairs``: pairs of the teaching set's candidates, and the pairwise teacher's preferences (where asked for)."""

from pathlib import Path

import numpy as np

from distillir.base.processes import barrier, rank
from distillir.base.progress import say
from distillir.methods.compose import compose
from distillir.pipeline.dark_pairs import make_dark_pairs
from distillir.pipeline.mine import prepare_student
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.signal_sources import pair_source
from distillir.retrieval.run import Scores
from distillir.signals.preferences.diagnostics import diagnose_pairs
from distillir.signals.preferences.pair_set import PAIRS, Pairs, open_pairs, write_pairs
from distillir.signals.preferences.sample import sample_pairs
from distillir.signals.preferences.spec import PairSpec
from distillir.teachers.answers.unanswered import answered_pairs
from distillir.teachers.counted import added, calls_told
from distillir.teachers.load import load_teacher
from distillir.teachers.load_pairwise import load_pairwise
from distillir.teachers.pairwise import PairwiseTeacher
from distillir.teaching.teaching_set import TeachingSet, open_teaching_set


def pairs(folder: RunFolder) -> None:
    """Write ``pairs/``; nothing where it is there, or where the recipe asks for no pairs.

    Raises:
        DistillirError: The teaching set is missing, or the pairwise teacher cannot be asked.
    """
    spec = compose(folder.recipe).pairs
    if spec is not None:
        folder.need(folder.teaching, "score")
        prepare_student(folder)
        make_pairs(folder, spec, folder.teaching, folder.pairs, folder.initial_student)
        if spec.dark:
            make_dark_pairs(folder, spec, folder.teaching, folder.dark, folder.pairs)


def make_pairs(
    folder: RunFolder, spec: PairSpec, teaching: Path, target: Path, student: Path, key: str | None = None
) -> None:
    """Sample pairs of a teaching set and ask for the preferences; what is there already is kept.

    Args:
        folder: The run's.
        spec: What is wanted.
        teaching: The teaching set.
        target: Folder of the pairs.
        student: The student so far, for the choice ``disagreement``.
        key: Under what their figures are noted; None: they are those of the run.
    """
    teacher = load_pairwise(spec.teacher)
    lists = open_teaching_set(teaching, folder.collection)
    source = pair_source(folder, spec, lists, teacher, student)
    barrier()
    done = (target / PAIRS).is_file()
    barrier()
    if done:
        open_pairs(target, source)
        return
    with folder.timed("pairs"):
        found = ask_pairs(folder, spec, lists, teacher, student)
        figures = diagnose_pairs(found, lists)
        calls, noted = teacher.calls(), folder.noted()
        total = added(noted.get("pair_calls", {}), calls)
        earlier = noted.get("pairs", {})
        folder.note(pair_calls=total, pairs=figures.to_dict() if key is None else {**earlier, key: figures.to_dict()})
        figures.say()
        say(f"Pairwise teacher {teacher.name}: {calls_told(calls)}")
        if rank() == 0:
            write_pairs(found, target, source)
    barrier()


def ask_pairs(folder: RunFolder, spec: PairSpec, lists: TeachingSet, teacher: PairwiseTeacher, student: Path) -> Pairs:
    """Sample pairs of all lists and ask a teacher which it prefers; arguments as `make_pairs`."""
    seed, distance = folder.recipe.query_seed, spec.distance or teacher.distance
    own: list[Scores] | list[None] = [None] * len(lists)
    if spec.choice == "disagreement":
        student_spec = folder.recipe.student
        judge = load_teacher(
            {student_spec.kind: {"model": str(student), "trust_remote_code": student_spec.trust_remote_code}}
        )
        own = judge.score(folder.collection, lists.queries, lists.lists)
    places = [
        sample_pairs(lists.scores(index), spec.sampling(), distance, np.random.default_rng([seed, int(query), 5]), mine)
        for index, (query, mine) in enumerate(zip(lists.queries, own, strict=True))
    ]
    sizes = [len(found) for found in places]
    index = np.repeat(np.arange(len(places), dtype=np.int64), sizes)
    first, second = np.concatenate([np.empty((0, 2), dtype=np.int64), *places]).T
    offsets = np.array([len(lists.documents(i)) for i in range(len(lists))], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(offsets)])[:-1][index]
    documents = np.concatenate([np.empty(0, dtype=np.int64), *lists.lists])
    rows = documents[starts + first], documents[starts + second]
    queries = lists.queries[index]
    forward = teacher.prefer(folder.collection, queries, *rows)
    swapped = np.full(len(index), np.nan, dtype=np.float32)
    if spec.both_orders:
        swapped = teacher.prefer(folder.collection, queries, *rows[::-1])
    return Pairs(index, first, second, forward, swapped).where(answered_pairs(forward, teacher.name))
