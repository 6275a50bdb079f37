"""Query encoders before training: the projection that they need, fitted on texts that the index knows."""

from collections.abc import Callable
from typing import Any

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.seeds import PROJECTION_TEXTS
from distillir.collections import Collection
from distillir.encoding.fingerprint import model_fingerprint
from distillir.students.kept_documents.index import KeptIndex
from distillir.students.kept_documents.model_index import ModelIndex
from distillir.students.kept_documents.projection import choose, projected
from distillir.students.kept_documents.query_encoder import check_width

#: Queries and documents that a projection is fitted on, at most: of each, and of both together most are of queries.
QUERIES, DOCUMENTS = 8192, 2000


def own_model(student: str, index: KeptIndex) -> bool:
    """Tell whether a student starts from the documents' own model, so that it needs no projection."""
    return isinstance(index, ModelIndex) and model_fingerprint(student) == model_fingerprint(index.model)


def ready(
    index: KeptIndex, how: str, student: str, collection: Collection, queries: Rows, seed: int
) -> Callable[[Any], Any]:
    """Prepare the projection of a query encoder; all processes together.

    It is fitted on queries, by the documents' model's own query encoder, and on documents, by their kept vectors; of
    vectors made elsewhere on documents alone.

    Args:
        index: The document vectors.
        how: A recipe's ``student.documents.projection``.
        student: The model that the student starts from.
        collection: Where the texts are.
        queries: Those that are learnt from.
        seed: Of which texts, and of random weights.

    Returns:
        A function of process 0: from the query encoder as it is loaded to what is trained.
    """
    kept = index.vectors(collection.corpus)
    width = kept.shape[1]
    if how == "none" or (how == "auto" and own_model(student, index)):
        return lambda model: _fitting(model, width, index.name)
    draw = np.random.default_rng([seed, PROJECTION_TEXTS])
    documents = some_rows(np.arange(len(collection.corpus), dtype=np.int64), DOCUMENTS, draw)
    wanted = [np.asarray(kept[documents], dtype=np.float32)]
    asked = np.empty(0, dtype=np.int64)
    if isinstance(index, ModelIndex) and len(queries):
        asked = some_rows(np.unique(queries), QUERIES, draw)
        wanted.insert(0, index.query_vectors(collection.queries, asked))
    texts = [*collection.queries.texts(asked.tolist()), *collection.corpus.texts(documents.tolist())]
    return lambda model: choose(model, texts, np.concatenate(wanted), how, index.name, seed)


def roughly(index: KeptIndex, how: str, student: str) -> Callable[[Any], Any]:
    """Prepare as `ready` does, for a dry run and in no time: a projection is one of random weights."""
    if how == "none" or (how == "auto" and own_model(student, index)):
        return lambda model: _fitting(model, index.width, index.name)
    return lambda model: projected(model, index.width, unit=True, found=None)


def _fitting(model: Any, width: int, name: str) -> Any:
    """The query encoder, whose vectors have as many numbers as the kept ones."""
    check_width(int(model.get_embedding_dimension()), width, name)
    return model


def some_rows(rows: Rows, most: int, draw: np.random.Generator) -> Rows:
    """The rows, or ``most`` of them, drawn and ascending."""
    return rows if len(rows) <= most else np.sort(draw.choice(rows, most, replace=False))
