"""A pairwise teacher's preferences among positives and dark examples: ADAM's texts as members of pairs."""

from pathlib import Path

import numpy as np

from distillir.base.processes import barrier, rank
from distillir.base.progress import say
from distillir.collections.joined import with_documents
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.signal_sources import dark_pair_source
from distillir.signals.dark_examples.dark_set import DarkSet, open_dark_set
from distillir.signals.preferences.pair_set import DARK_PAIRS, Pairs, open_pairs, write_pairs
from distillir.signals.preferences.sample import sample_pairs
from distillir.signals.preferences.spec import PairSpec
from distillir.teachers.answers.unanswered import answered_pairs
from distillir.teachers.counted import added
from distillir.teachers.load_pairwise import load_pairwise
from distillir.teachers.pairwise import PairwiseTeacher
from distillir.teaching.teaching_set import TeachingSet, open_teaching_set


def make_dark_pairs(
    folder: RunFolder, spec: PairSpec, teaching: Path, dark: Path, target: Path, key: str | None = None
) -> None:
    """Ask for preferences among the positives and dark examples of a teaching set; what is there already is kept.

    Args:
        folder: The run's.
        spec: What is wanted.
        teaching: The teaching set.
        dark: Its dark examples.
        target: Folder of the pairs.
        key: Under what their figures are noted; None: they are those of the run.
    """
    teacher = load_pairwise(spec.teacher)
    lists, examples = open_teaching_set(teaching, folder.collection), open_dark_set(dark)
    source = dark_pair_source(folder, spec, lists, examples, teacher)
    barrier()
    done = (target / DARK_PAIRS).is_file()
    barrier()
    if done:
        open_pairs(target, source, DARK_PAIRS)
        return
    with folder.timed("pairs"):
        found = _ask_dark(folder, spec, lists, examples, teacher)
        calls, noted = teacher.calls(), folder.noted()
        turned = float((found.preferences < 0.5).mean()) if len(found) else 0.0
        told = {"pairs": len(found), "disagree": turned}
        folder.note(
            pair_calls=added(noted.get("pair_calls", {}), calls),
            dark_pairs=told if key is None else {**noted.get("dark_pairs", {}), key: told},
        )
        say(f"Pairs of dark examples: {len(found)}; the pairwise teacher turns {turned:.0%} of them round")
        if rank() == 0:
            write_pairs(found, target, source, DARK_PAIRS)
    barrier()


def _ask_dark(
    folder: RunFolder, spec: PairSpec, lists: TeachingSet, examples: DarkSet, teacher: PairwiseTeacher
) -> Pairs:
    """Pairs of places: 0 is a list's positive, the others its dark texts."""
    edge, sampling = len(folder.collection.corpus), spec.sampling().model_copy(update={"per_query": spec.dark})
    if sampling.choice == "disagreement":
        sampling = sampling.model_copy(update={"choice": "random"})
    indices, first, second, queries, rows = [], [], [], [], []
    for index, found in sorted(examples.lists.items()):
        scores = np.concatenate([found.candidates[[found.positive]], found.scores])
        documents = np.concatenate([lists.documents(index)[[found.positive]], found.rows + edge])
        query = int(lists.queries[index])
        generator = np.random.default_rng([folder.recipe.query_seed, query, 6])
        places = sample_pairs(scores, sampling, spec.distance or teacher.distance, generator)
        indices.append(np.full(len(places), index, dtype=np.int64))
        queries.append(np.full(len(places), query, dtype=np.int64))
        first.append(places[:, 0])
        second.append(places[:, 1])
        rows.append(documents[places])
    wider = with_documents(folder.collection, examples.texts)
    asked, pair_rows = np.concatenate(queries), np.concatenate(rows)
    forward = teacher.prefer(wider, asked, pair_rows[:, 0], pair_rows[:, 1])
    swapped = np.full(len(asked), np.nan, dtype=np.float32)
    if spec.both_orders:
        swapped = teacher.prefer(wider, asked, pair_rows[:, 1], pair_rows[:, 0])
    pairs = Pairs(np.concatenate(indices), np.concatenate(first), np.concatenate(second), forward, swapped)
    return pairs.where(answered_pairs(forward, teacher.name, "pairs of dark examples"))
