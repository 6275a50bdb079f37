"""Late-interaction query encoders before training: the projection of their token vectors to the documents'."""

from collections.abc import Callable
from typing import Any

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.base.seeds import PROJECTION_TEXTS
from distillir.collections import Collection
from distillir.encoding.store import Vectors
from distillir.students.kept_documents.index import KeptIndex
from distillir.students.kept_documents.model_index import ModelIndex
from distillir.students.kept_documents.multi_vector.alignment import aligned
from distillir.students.kept_documents.multi_vector.projection import bare, project_tokens
from distillir.students.kept_documents.projection import NEARER, cosine, fit, has_unit_length
from distillir.students.kept_documents.query_encoder import check_width
from distillir.students.kept_documents.ready import own_model, some_rows

#: Queries that a projection is fitted on at most: of each all its tokens.
QUERIES = 2048
#: Share of the documents' model's tokens of queries that the student has in the same place, for a fit.
SHARED = 0.5


def ready_tokens(
    index: KeptIndex, how: str, student: str, collection: Collection, queries: Callable[[], Rows], seed: int
) -> Callable[[Any], Any]:
    """Prepare the projection of a query encoder's token vectors; all processes together.

    It is fitted token by token: on the tokens of queries that student and documents' model both have in the same place,
    as those of one tokenizer do, to the token vectors that the documents' model's own query encoder gives.

    Args:
        index: The documents' token vectors, of a model.
        how: A recipe's ``student.documents.projection``.
        student: The model that the student starts from.
        collection: Where the texts are.
        queries: Gives those that are learnt from.
        seed: Of which of them, and of random weights.

    Returns:
        A function of process 0: from the query encoder as it is loaded to what is trained.
    """
    assert isinstance(index, ModelIndex)
    if how == "none" or (how == "auto" and own_model(student, index)):
        return lambda model: _checked(_fitting(model, index), index)
    if how == "random":
        return lambda model: _random(_fitting(model, index), index, seed)
    asked = some_rows(np.unique(queries()), QUERIES, np.random.default_rng([seed, PROJECTION_TEXTS]))
    wanted = index.query_vectors(collection.queries, asked)
    texts = collection.queries.texts(asked.tolist())
    return lambda model: _choose(_fitting(model, index), texts, wanted, how, index, seed)


def roughly_ready_tokens(index: KeptIndex, how: str, student: str) -> Callable[[Any], Any]:
    """Prepare as `ready_tokens` does, for a dry run and in no time: a projection is one of random weights."""
    if how == "none" or (how == "auto" and own_model(student, index)):
        assert isinstance(index, ModelIndex)
        return lambda model: _checked(_fitting(model, index), index)
    return lambda model: project_tokens(model, index.width, unit=True, found=None)


def _fitting(model: Any, index: ModelIndex) -> Any:
    """The query encoder, whose queries stay the same where the documents' model stands beside it.

    Raises:
        DistillirError: It leaves out words of queries, which a model of both looks up with the documents' tokenizer.
    """
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    masks = [module for module in model.modules() if isinstance(module, MultiVectorMask)]
    if not any(mask.skiplist_words and "query" in mask.skiplist_tasks for mask in masks):
        return model
    if model.tokenizer.get_vocab() != index.load().tokenizer.get_vocab():
        raise DistillirError(
            f"it leaves words out of queries, and has another tokenizer than {index.name}",
            where="student.model",
            remedy="choose a student with the documents' tokenizer, or one that leaves none out (skiplist_tasks)",
        )
    return model


def _checked(model: Any, index: ModelIndex) -> Any:
    check_width(int(model.get_embedding_dimension()), index.width, index.name)
    return model


def _random(model: Any, index: ModelIndex, seed: int) -> Any:
    say(f"Student's token vectors are projected onto the {index.width} numbers of {index.name}: by random weights")
    return project_tokens(model, index.width, unit=True, found=None, seed=seed)


def _choose(model: Any, texts: list[str], wanted: list[Vectors], how: str, index: ModelIndex, seed: int) -> Any:
    """The query encoder with the projection that ``least-squares`` or ``auto`` comes to."""
    documents = index.load()
    width, own_width = int(documents.get_embedding_dimension()), int(model.get_embedding_dimension())
    start, aim, share = aligned(bare(model), model, documents, texts, wanted)
    if share < SHARED:
        said = f"its tokens of queries are others than those of {index.name} ({100 * share:.0f} % stand in their place)"
        if how == "least-squares":
            raise DistillirError(
                f"token vectors are fitted token by token, and the student cannot be: {said}",
                where="student.documents.projection",
                remedy="choose random, or none where the widths are the same",
            )
        say(f"Student's token vectors are not fitted to those of {index.name}: {said}")
        return model if own_width == width else _random(model, index, seed)
    found = fit(start, aim)
    if how == "auto" and own_width == width:
        given, same, _ = aligned(model, model, documents, texts, wanted)
        if (own := cosine(given, same)) >= found.cosine - NEARER:
            say(f"Student's token vectors fit those of {index.name} as they are (cosine {own:.3f}): no projection")
            return model
    say(
        f"Student's token vectors are projected onto the {width} numbers of {index.name}: least squares on "
        f"{len(start)} tokens of {len(texts)} queries, cosine {found.cosine:.3f} on those held out"
    )
    return project_tokens(model, width, unit=has_unit_length(aim), found=found)
