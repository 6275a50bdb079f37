"""Selection of the best student: its queries, and the pool of documents that it ranks while it is trained."""

from collections.abc import Sequence

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.progress import say
from distillir.base.seeds import SELECTION_POOL
from distillir.collections import Qrels
from distillir.collections.own_documents import own_documents
from distillir.collections.text_identity import text_keys
from distillir.composition.compose import Composition
from distillir.pipeline.mined_parts import DEPTH
from distillir.pipeline.queries import training_qrels
from distillir.pipeline.rankings import read_ranking
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.selection_queries import SelectionQueries, left_out_queries, selection_queries, selects
from distillir.teaching.teaching_set import TeachingSet
from distillir.training.selection import Selection

#: Documents of a pool: at most; and at least, so many and so many a query, however short the training is.
LARGEST, SMALLEST, EACH = 4096, 512, 4
#: Share of the training's work that measuring may take where the pool is larger than it must be.
SHARE = 0.12
#: Of a text that is learnt from the backward pass costs as much as two forward passes.
PASSES = 3
#: Share of the pool that is drawn from the whole corpus.
RANDOM = 1 / 8


def selection(folder: RunFolder, method: Composition, taught: TeachingSet) -> Selection | None:
    """The selection of a recipe's student, the same in every stage of its plan; None where the last one is kept.

    Args:
        folder: The run's.
        method: What is trained.
        taught: The teaching set that training begins with.

    Raises:
        DistillirError: There is nothing to choose by, and the recipe asks for it by name.
    """
    if not selects(folder.recipe):
        return None
    chosen = selection_queries(folder, taught)
    if chosen is None:
        say("Too few training queries to hold some out and choose the best student by them: the last one is kept")
        return None
    lists, relevant, grades = _lists(folder, taught, chosen)
    own = np.full(len(chosen.rows), -1, dtype=np.int64)
    if folder.recipe.queries.own_document == "leave_out":
        own = own_documents(folder.collection, chosen.rows).rows
    left_out = left_out_queries(folder, taught, chosen)
    learnt = int((~np.isin(taught.queries, left_out)).sum())
    size = pool_size(method, lists=learnt, queries=len(chosen.rows))
    generator = np.random.default_rng([folder.recipe.query_seed, SELECTION_POOL])
    documents = pool(lists, relevant, size, len(folder.collection.corpus), generator)
    sizes = [len(rows) for rows in relevant]
    qrels = Qrels(np.repeat(chosen.rows, sizes), np.concatenate(relevant), np.concatenate(grades))
    copies = len(np.setdiff1d(left_out, chosen.rows))
    out = f"; {copies} more training queries, which have the text of one, are not learnt from" if copies else ""
    say(f"The best student is chosen by {len(chosen.rows)} {_words(chosen)} and {len(documents)} documents{out}")
    _say_reported(folder, chosen)
    precision = folder.recipe.evaluation.precision
    candidates = [rows[:DEPTH] for rows in lists]
    return Selection(chosen.name, chosen.rows, documents, qrels, own, left_out, precision, candidates)


def _say_reported(folder: RunFolder, chosen: SelectionQueries) -> None:
    """Say which other collections hold queries that are chosen by, from whatever folder or split they come."""
    if not folder.others:
        return
    keys = text_keys(folder.collection.queries)[chosen.rows]
    for other in folder.others:
        known = int(np.isin(text_keys(other.collection.queries)[other.rows], keys).sum())
        if known:
            say(f"{known} of {len(other.rows)} queries of {other.name} are among them: its figures flatter the student")


def _words(chosen: SelectionQueries) -> str:
    return f"queries of {chosen.split}" if chosen.split else chosen.name


def pool_size(method: Composition, *, lists: int, queries: int) -> int:
    """Number of documents of a pool, such that measuring costs at most about `SHARE` of the training.

    Args:
        method: What is trained.
        lists: How many lists are learnt from.
        queries: Queries that are chosen by.
    """
    read = measures = 0.0
    for stage in method.stages:
        if not stage.needs_lists:
            continue
        sizes = [sampler.size or DEPTH for sampler in stage.samplers]
        read += PASSES * stage.training.epochs * lists * sum(sizes)
        measures += stage.training.select_measures + 1
    return int(np.clip(SHARE * read / measures, max(SMALLEST, EACH * queries), LARGEST))


def pool(
    lists: Sequence[Rows], relevant: Sequence[Rows], size: int, corpus: int, generator: np.random.Generator
) -> Rows:
    """Document rows of a pool, ascending.

    All relevant ones, then the candidates of all queries by rank, at most `DEPTH` of a query, then random ones.

    Args:
        lists: Candidates of each query, the best first.
        relevant: What is relevant to each.
        size: Documents in the pool; more only where more are relevant.
        corpus: Documents in the corpus.
        generator: Of the random ones.
    """
    found = set(np.concatenate(relevant).tolist())
    room = size - round(size * RANDOM)
    ranked = (int(rows[place]) for place in range(DEPTH) for rows in lists if place < len(rows))
    for row in ranked:
        if len(found) >= room:
            break
        found.add(row)
    for row in generator.choice(corpus, min(corpus, 2 * size), replace=False).tolist():
        if len(found) >= size:
            break
        found.add(row)
    return np.array(sorted(found), dtype=np.int64)


def _lists(
    folder: RunFolder, taught: TeachingSet, chosen: SelectionQueries
) -> tuple[list[Rows], list[Rows], list[np.ndarray]]:
    """Candidates of each query, its relevant documents, ascending, and their grades."""
    if chosen.split is not None:
        qrels = folder.collection.qrels(chosen.split)
        lists = read_ranking(folder, folder.selection_candidates).select(chosen.rows.tolist()).lists
        judged = [_judged(qrels, query) for query in chosen.rows.tolist()]
        return lists, [rows for rows, _ in judged], [grades for _, grades in judged]
    first = {query: index for index, query in reversed(list(enumerate(taught.queries.tolist())))}
    places, qrels = [first[query] for query in chosen.rows.tolist()], training_qrels(folder)
    relevant, grades = [], []
    for query, place in zip(chosen.rows.tolist(), places, strict=True):
        rows, values = _judged(qrels, query)
        if not len(rows):  # a teaching set made elsewhere may know more than the collection
            rows = np.unique(taught.documents(place)[taught.relevant(place)])
            values = np.ones(len(rows), dtype=np.int32)
        if not len(rows):  # as of an evaluation without judgements: what the teacher likes best
            rows = taught.documents(place)[np.argmax(taught.scores(place))][None]
            values = np.ones(1, dtype=np.int32)
        relevant.append(rows.astype(np.int64))
        grades.append(values)
    return [np.asarray(taught.documents(place)) for place in places], relevant, grades


def _judged(qrels: Qrels, query: int) -> tuple[Rows, np.ndarray]:
    """Relevant documents of a query, ascending, at most `DEPTH` of the highest grades, and their grades."""
    documents, grades = qrels.of(query)
    best = np.argsort(-grades, kind="stable")[:DEPTH]
    kept = np.sort(best[grades[best] > 0])
    return documents[kept], grades[kept]
