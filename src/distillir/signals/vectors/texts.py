"""Texts of a stage whose vectors are followed, and the identity of their vectors."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from distillir.base.arrays import Rows, evenly_spaced
from distillir.base.hashes import hash_of_arrays, hash_of_json
from distillir.encoding.device import pick_device
from distillir.encoding.identity import model_identity
from distillir.encoding.precision import resolve_precision
from distillir.signals.vectors.spec import SIDES, VectorSpec
from distillir.signals.vectors.teacher_vectors import KeptVectors, Targets, TeacherVectors

if TYPE_CHECKING:
    from distillir.collections import Collection
    from distillir.collections.table import TextTable
    from distillir.signals.place import Place
    from distillir.signals.recipe_parts import RecipeParts


def by_side(spec: VectorSpec, queries: Rows, documents: Rows) -> dict[str, Rows]:
    """Rows of a stage's queries and documents by the words of recipes, of those sides whose vectors are followed."""
    found = {"queries": queries, "documents": documents}
    return {side: found[side] for side in spec.sides if len(found[side])}


def texts_alone(place: "Place", spec: VectorSpec) -> tuple[Rows, Rows]:
    """Queries and documents to learn from where nothing in the recipe needs candidates.

    The training queries, where the recipe asks for any, and the corpus, or evenly spaced documents of it.

    Raises:
        DistillirError: The recipe asks for queries, and there is none.
    """
    corpus, wanted = len(place.collection.corpus), place.recipe.queries
    queries = documents = np.empty(0, dtype=np.int64)
    asked = wanted.split is not None or wanted.unjudged or wanted.makes
    if "queries" in spec.sides and (asked or "documents" not in spec.sides):
        queries = place.queries()
    if "documents" in spec.sides:
        documents = evenly_spaced(
            np.arange(corpus, dtype=np.int64), corpus if spec.documents is None else spec.documents
        )
    return queries, documents


def followed_texts(place: "Place", spec: VectorSpec) -> dict[str, Rows]:
    """Rows of the texts of a stage whose vectors are followed by side, with those of the stage before the method's."""
    queries, documents = place.texts()
    if spec.first is not None:
        asked, read = texts_alone(place, spec)
        queries, documents = np.union1d(queries, asked), np.union1d(documents, read)
    return by_side(spec, queries, documents)


def table_of(collection: "Collection", side: str) -> "TextTable":
    """The collection's queries or corpus."""
    return collection.queries if side == "queries" else collection.corpus


def target_vectors(place: "Place", spec: VectorSpec, rows: Mapping[str, Rows]) -> dict[str, Targets]:
    """The vectors of some texts by side: kept ones of documents where the student keeps them, else a model's.

    Raises:
        DistillirError: As `TeacherVectors`, which encodes what is missing.
    """
    found: dict[str, Targets] = {}
    index = place.recipe.student.own_kind.index_kept
    for side, own in rows.items():
        table = table_of(place.collection, side)
        if side == "documents" and index is not None:
            found[side] = KeptVectors(index, table, spec.width)
        else:
            found[side] = TeacherVectors(spec, table, own, SIDES[side])
    return found


def source_name(recipe: "RecipeParts", spec: VectorSpec) -> str:
    """The model, or the files of kept vectors that no model is known of."""
    return spec.model or str(recipe.student.own_kind.index_kept.name)


def read_as(place: "Place", side: str) -> Literal["query", "document"]:
    """The side that the student reads a side's texts as: all as queries where it keeps document vectors."""
    return SIDES[side] if place.recipe.student.own_kind.encodes_documents else "query"


def vectors_fingerprint(place: "Place", spec: VectorSpec, rows: Mapping[str, Rows]) -> str:
    """Identity of all that the vectors of some texts depend on (hex)."""
    collection, index = place.collection, place.recipe.student.own_kind.index_kept
    texts = {side: [table_of(collection, side).fingerprint, hash_of_arrays(own)] for side, own in rows.items()}
    if spec.model is None:
        assert index is not None
        return hash_of_json([index.fingerprint, spec.width, texts])
    made_by = [
        model_identity(spec.model, spec.options, tuple(SIDES[side] for side in spec.sides)),
        spec.max_length,
        spec.width,
        resolve_precision(spec.precision, pick_device()),
    ]
    return hash_of_json([made_by, texts])
