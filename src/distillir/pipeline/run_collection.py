"""The collection of a run: the recipe's, with queries made of documents behind its own where the recipe wants them."""

from collections.abc import Sequence

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.processes import barrier, rank
from distillir.base.seeds import GENERATED_FROM
from distillir.collections import Collection, load_collection
from distillir.collections.generated import with_generated_queries
from distillir.language_models.query_generator import QueryGenerator
from distillir.language_models.spec import read_generator_spec
from distillir.recipe import Recipe

#: Queries with the ids of the documents that they were made of.
Made = Sequence[tuple[str, str]]


def open_collection(recipe: Recipe) -> Collection:
    """The recipe's collection as it is, without queries of the recipe's own.

    Raises:
        DistillirError: It cannot be read.
    """
    return load_collection(recipe.collection)


def with_made_queries(recipe: Recipe, collection: Collection, written: Made) -> tuple[Collection, Rows]:
    """A collection with the queries that a recipe makes of its documents.

    Args:
        recipe: What is wanted.
        collection: The recipe's own.
        written: Those that its language model has written.

    Returns:
        The collection, and the rows of these queries [G].
    """
    wanted = recipe.queries
    if not wanted.makes:
        return collection, np.empty(0, dtype=np.int64)
    return with_generated_queries(
        collection, titles=wanted.titles, sentences=wanted.sentences, further=written, seed=recipe.query_seed
    )


def asked_documents(recipe: Recipe, collection: Collection) -> Rows:
    """Rows of the documents that the recipe's language model makes queries of, drawn by the seed."""
    order = np.random.default_rng([recipe.query_seed, GENERATED_FROM]).permutation(len(collection.corpus))
    rows: Rows = order[: recipe.queries.generated]
    return rows


def query_generator(recipe: Recipe) -> QueryGenerator:
    """The recipe's language model, asked for queries."""
    return QueryGenerator(read_generator_spec(recipe.queries.generator, "queries.generator"))


def written_queries(recipe: Recipe, collection: Collection) -> list[tuple[str, str]]:
    """Queries of the recipe's language model; the first process asks, the others read what it kept.

    Raises:
        DistillirError: The model cannot be loaded, or its server gives no answer.
    """
    if not recipe.queries.generated:
        return []
    generator, documents = query_generator(recipe), asked_documents(recipe, collection)
    if rank() == 0:
        generator.make(collection, documents)
    barrier()
    return generator.make(collection, documents)
