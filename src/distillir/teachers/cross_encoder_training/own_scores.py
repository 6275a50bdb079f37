"""Scores of a cross-encoder in training: nDCG@10 on lists, and the figures on its scores."""

from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Scores
from distillir.base.seeds import TEACHER_LOOKED_AT
from distillir.collections import Collection, Qrels
from distillir.collections.known_positives import KnownPositives
from distillir.collections.run import Run, from_lists
from distillir.evaluation.measures import evaluate
from distillir.retrieval.own_document import without_own
from distillir.teachers.counted import flatten, unflatten
from distillir.teachers.cross_encoder_training.dev_lists import CANDIDATES, DevLists
from distillir.teachers.cross_encoder_training.pairs import TrainingPairs
from distillir.teachers.cross_encoders.pair_scores import score_pairs
from distillir.teachers.diagnostics import Diagnostics, diagnose

#: Training queries whose lists are looked at where no others are measured on.
LOOKED_AT = 64


def score_lists(model: Any, collection: Collection, run: Run, precision: str) -> list[Scores]:
    """Raw logits [C] of each query's candidates; the model stays in the mode (training or not) that it is in."""
    queries, documents, ends = flatten(run.queries, run.lists)
    texts = list(zip(collection.queries.texts(queries), collection.corpus.texts(documents), strict=True))
    scores = np.empty(len(texts), dtype=np.float32)
    training = model.training
    for places, found in score_pairs(model, texts, precision=precision):
        scores[places] = found
    model.train(training)
    return unflatten(scores, ends, len(run))


def dev_ndcg(model: Any, collection: Collection, lists: DevLists, precision: str) -> npt.NDArray[np.float64]:
    """The nDCG@10 of each list [Q] as the model re-ranks it.

    Lists without a relevant candidate, or with nothing else, are not scored: no order changes what they count.
    """
    relevant = lists.relevant()
    moved = [i for i, flags in enumerate(relevant) if flags.any() and not flags.all()]
    scores = [lists.run.of(i)[1] for i in range(len(lists.run))]
    rows = lists.run.select(lists.run.queries[moved])
    for i, values in zip(moved, score_lists(model, collection, rows, precision), strict=True):
        scores[i] = values
    # A score that is no number stands last: the training says that its loss is none.
    scores = [np.nan_to_num(values, nan=-np.inf, posinf=np.inf, neginf=-np.inf) for values in scores]
    found = from_lists(lists.run.queries, lists.run.lists, scores)
    return evaluate(found, lists.qrels, ("nDCG@10",)).values["nDCG@10"]


def training_lists_looked_at(
    collection: Collection, pairs: TrainingPairs, run: Run, *, seed: int, own_document: str
) -> DevLists:
    """Lists of `LOOKED_AT` trained queries: their positives, and the first candidates of a run, `CANDIDATES` in all."""
    queries = np.unique(pairs.queries)
    some = np.random.default_rng([seed, TEACHER_LOOKED_AT]).choice(queries, min(LOOKED_AT, len(queries)), replace=False)
    mined = without_own(run.select(np.sort(some)), collection, own_document=own_document)
    known = KnownPositives(collection)
    documents = []
    for i, query in enumerate(mined.queries.tolist()):
        positives = np.unique(pairs.documents[(pairs.queries == query) & (pairs.labels == 1)])[: CANDIDATES // 2]
        others, _ = mined.of(i)
        # Neither the other positives nor their copies.
        others = others[~known.among(query, others, np.isin(others, positives))]
        documents.append(np.concatenate([positives, others])[:CANDIDATES])
    scores = [-np.arange(len(rows), dtype=np.float32) for rows in documents]
    judged = pairs.labels == 1
    order = np.lexsort((pairs.documents[judged], pairs.queries[judged]))
    qrels = Qrels(
        pairs.queries[judged][order], pairs.documents[judged][order], np.maximum(pairs.grades[judged][order], 1)
    )
    return DevLists(
        f"{len(some)} queries learnt from (others' scores lie closer together)",
        from_lists(mined.queries, documents, scores),
        qrels,
        mined.queries[:0],
    )


def own_figures(model: Any, collection: Collection, lists: DevLists, precision: str) -> Diagnostics:
    """Figures on a cross-encoder's scores of the lists."""
    return diagnose(score_lists(model, collection, lists.run, precision), lists.relevant())
