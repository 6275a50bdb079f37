"""Pairs of a teaching set's candidates, and the pairwise teacher's preferences: asked for once."""

from pathlib import Path

import numpy as np
import xxhash

from distillir.base.processes import barrier, rank
from distillir.base.progress import say
from distillir.encoding.fingerprint import model_fingerprint
from distillir.retrieval.run import Scores
from distillir.signals.place import Place
from distillir.signals.preferences.diagnostics import diagnose_pairs
from distillir.signals.preferences.pair_lists import PairLists
from distillir.signals.preferences.pair_set import PAIRS, Pairs, open_pairs, write_pairs
from distillir.signals.preferences.sample import sample_pairs
from distillir.signals.preferences.spec import PairSpec
from distillir.teachers.answers.unanswered import answered_pairs
from distillir.teachers.counted import added, calls_told
from distillir.teachers.load import load_teacher
from distillir.teachers.load_pairwise import load_pairwise
from distillir.teachers.pairwise import PairwiseTeacher
from distillir.teaching.teaching_set import TeachingSet


def make_pairs(place: Place, spec: PairSpec, target: Path) -> None:
    """Sample pairs of a stage's lists and ask for the preferences; what is there already is kept.

    Args:
        place: The stage of the run; its student so far decides the choice ``disagreement``.
        spec: What is wanted.
        target: Folder of the pairs.
    """
    teacher, lists = load_pairwise(spec.teacher), place.lists()
    source = pair_source(place, spec, lists, teacher)
    barrier()
    done = (target / PAIRS).is_file()
    barrier()
    if done:
        open_pairs(target, source)
        return
    with place.timed("pairs"):
        found = ask_pairs(place, spec, lists, teacher)
        figures = diagnose_pairs(found, lists)
        calls, noted = teacher.calls(), place.noted()
        total = added(noted.get("pair_calls", {}), calls)
        earlier = noted.get("pairs", {})
        place.note(
            pair_calls=total,
            pairs=figures.to_dict() if place.key is None else {**earlier, place.key: figures.to_dict()},
        )
        figures.say()
        say(f"Pairwise teacher {teacher.name}: {calls_told(calls)}")
        if rank() == 0:
            write_pairs(found, target, source)
    barrier()


def ask_pairs(place: Place, spec: PairSpec, lists: TeachingSet, teacher: PairwiseTeacher) -> Pairs:
    """Sample pairs of all lists and ask a teacher which it prefers; arguments as `make_pairs`."""
    seed, distance = place.recipe.query_seed, spec.distance or teacher.distance
    own: list[Scores] | list[None] = [None] * len(lists)
    if spec.choice == "disagreement":
        student_spec = place.recipe.student
        judge = load_teacher(
            {student_spec.kind: {"model": str(place.student), "trust_remote_code": student_spec.trust_remote_code}}
        )
        own = judge.score(place.collection, lists.queries, lists.lists)
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
    forward = teacher.prefer(place.collection, queries, *rows)
    swapped = np.full(len(index), np.nan, dtype=np.float32)
    if spec.both_orders:
        swapped = teacher.prefer(place.collection, queries, *rows[::-1])
    return Pairs(index, first, second, forward, swapped).where(answered_pairs(forward, teacher.name))


def pair_source(place: Place, spec: PairSpec, lists: TeachingSet, teacher: PairwiseTeacher) -> str:
    """Identity of all that the pairs of a teaching set depend on (hex); arguments as `make_pairs`."""
    digest = xxhash.xxh3_128(spec.sampling().model_dump_json().encode())
    if spec.choice == "disagreement":
        digest.update(model_fingerprint(str(place.student)).encode())
    digest.update(f"{place.recipe.query_seed} {teacher.fingerprint()} {place.collection.fingerprint}".encode())
    for index, query in enumerate(lists.queries.tolist()):
        digest.update(np.int64(query).tobytes())
        for values in (lists.documents(index), lists.scores(index)):
            digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def open_pair_lists(place: Place, spec: PairSpec, target: Path) -> PairLists:
    """Pairs that a stage learns from.

    Raises:
        DistillirError: They are missing, or of another teaching set, teacher or settings.
    """
    place.need(target / PAIRS, "score")
    source = pair_source(place, spec, place.lists(), load_pairwise(spec.teacher))
    return PairLists(open_pairs(target, source), first=spec.documents == "first")


def check_pairs(place: Place, spec: PairSpec, target: Path) -> None:
    """Refuse pairs in ``target`` that are of something else; nothing where there are none."""
    if (target / PAIRS).is_file():
        open_pair_lists(place, spec, target)
