"""A pairwise teacher's preferences among positives and dark examples: ADAM's texts as members of pairs."""

from pathlib import Path

import numpy as np
import xxhash

from distillir.base.processes import barrier, rank
from distillir.base.progress import say
from distillir.collections.joined import with_documents
from distillir.signals.dark_examples.dark_set import DarkSet, open_dark_set
from distillir.signals.place import Place
from distillir.signals.preferences.pair_lists import PairLists
from distillir.signals.preferences.pair_set import DARK_PAIRS, Pairs, open_pairs, write_pairs
from distillir.signals.preferences.sample import sample_pairs
from distillir.signals.preferences.spec import PairSpec
from distillir.teachers.answers.unanswered import answered_pairs
from distillir.teachers.counted import added
from distillir.teachers.load_pairwise import load_pairwise
from distillir.teachers.pairwise import PairwiseTeacher
from distillir.teaching.teaching_set import TeachingSet


def make_dark_pairs(place: Place, spec: PairSpec, dark: Path, target: Path) -> None:
    """Ask for preferences among the positives and dark examples of a stage's lists; what is there already is kept.

    Args:
        place: The stage of the run.
        spec: What is wanted.
        dark: Folder of the dark examples.
        target: Folder of the pairs.
    """
    teacher = load_pairwise(spec.teacher)
    lists, examples = place.lists(), open_dark_set(dark)
    source = dark_pair_source(place, spec, lists, examples, teacher)
    barrier()
    done = (target / DARK_PAIRS).is_file()
    barrier()
    if done:
        open_pairs(target, source, DARK_PAIRS)
        return
    with place.timed("pairs"):
        found = _ask_dark(place, spec, lists, examples, teacher)
        calls, noted = teacher.calls(), place.noted()
        turned = float((found.preferences < 0.5).mean()) if len(found) else 0.0
        told = {"pairs": len(found), "disagree": turned}
        place.note(
            pair_calls=added(noted.get("pair_calls", {}), calls),
            dark_pairs=told if place.key is None else {**noted.get("dark_pairs", {}), place.key: told},
        )
        say(f"Pairs of dark examples: {len(found)}; the pairwise teacher turns {turned:.0%} of them round")
        if rank() == 0:
            write_pairs(found, target, source, DARK_PAIRS)
    barrier()


def _ask_dark(place: Place, spec: PairSpec, lists: TeachingSet, examples: DarkSet, teacher: PairwiseTeacher) -> Pairs:
    """Pairs of places: 0 is a list's positive, the others its dark texts."""
    edge, sampling = len(place.collection.corpus), spec.sampling().model_copy(update={"per_query": spec.dark})
    if sampling.choice == "disagreement":
        sampling = sampling.model_copy(update={"choice": "random"})
    indices, first, second, queries, rows = [], [], [], [], []
    for index, found in sorted(examples.lists.items()):
        scores = np.concatenate([found.candidates[[found.positive]], found.scores])
        documents = np.concatenate([lists.documents(index)[[found.positive]], found.rows + edge])
        query = int(lists.queries[index])
        generator = np.random.default_rng([place.recipe.query_seed, query, 6])
        places = sample_pairs(scores, sampling, spec.distance or teacher.distance, generator)
        indices.append(np.full(len(places), index, dtype=np.int64))
        queries.append(np.full(len(places), query, dtype=np.int64))
        first.append(places[:, 0])
        second.append(places[:, 1])
        rows.append(documents[places])
    wider = with_documents(place.collection, examples.texts)
    asked, pair_rows = np.concatenate(queries), np.concatenate(rows)
    forward = teacher.prefer(wider, asked, pair_rows[:, 0], pair_rows[:, 1])
    swapped = np.full(len(asked), np.nan, dtype=np.float32)
    if spec.both_orders:
        swapped = teacher.prefer(wider, asked, pair_rows[:, 1], pair_rows[:, 0])
    pairs = Pairs(np.concatenate(indices), np.concatenate(first), np.concatenate(second), forward, swapped)
    return pairs.where(answered_pairs(forward, teacher.name, "pairs of dark examples"))


def dark_pair_source(
    place: Place, spec: PairSpec, lists: TeachingSet, examples: DarkSet, teacher: PairwiseTeacher
) -> str:
    """Identity of all that pairs of dark examples depend on (hex); arguments as `make_dark_pairs`."""
    identity = [spec.sampling().model_dump_json(), str(spec.dark), str(place.recipe.query_seed)]
    identity += [teacher.fingerprint(), place.collection.fingerprint, examples.texts.fingerprint]
    digest = xxhash.xxh3_128("\0".join(identity).encode())
    for index, found in sorted(examples.lists.items()):
        digest.update(np.int64(lists.queries[index]).tobytes() + np.ascontiguousarray(found.scores).tobytes())
    return digest.hexdigest()


def open_dark_pairs(place: Place, spec: PairSpec, examples: DarkSet, target: Path) -> PairLists:
    """Pairs among a list's positive (place 0) and its dark texts (places from 1) that a stage learns from.

    Raises:
        DistillirError: They are missing, or of other dark examples or another teacher.
    """
    place.need(target / DARK_PAIRS, "score")
    source = dark_pair_source(place, spec, place.lists(), examples, load_pairwise(spec.teacher))
    return PairLists(open_pairs(target, source, DARK_PAIRS))
