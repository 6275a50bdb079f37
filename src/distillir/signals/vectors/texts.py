"""Texts of a stage whose vectors are followed, and the identity of their vectors."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.hashes import hash_of_arrays, hash_of_json
from distillir.encoding.device import pick_device
from distillir.encoding.identity import model_identity
from distillir.encoding.precision import resolve_precision
from distillir.signals.vectors.spec import SIDES, VectorSpec
from distillir.signals.vectors.teacher_vectors import TeacherVectors

if TYPE_CHECKING:
    from distillir.collections import Collection
    from distillir.collections.table import TextTable
    from distillir.teaching.lists import Lists


def wanted_rows(spec: VectorSpec, lists: "Lists") -> dict[str, Rows]:
    """Rows of the queries and documents of lists, ascending, by the words of recipes (``queries``, ``documents``)."""
    documents = [lists.documents(index) for index in range(len(lists.queries))]
    found = {"queries": np.unique(lists.queries), "documents": np.unique(np.concatenate(documents))}
    return {side: found[side] for side in spec.sides}


def table_of(collection: "Collection", side: str) -> "TextTable":
    """The collection's queries or corpus."""
    return collection.queries if side == "queries" else collection.corpus


def teacher_vectors(spec: VectorSpec, collection: "Collection", rows: Mapping[str, Rows]) -> dict[str, TeacherVectors]:
    """The vectors of `wanted_rows`; what is missing is encoded.

    Raises:
        DistillirError: As `TeacherVectors`.
    """
    return {
        side: TeacherVectors(spec, table_of(collection, side), own, SIDES[side])
        for side, own in rows.items()
        if len(own)
    }


def vectors_fingerprint(spec: VectorSpec, collection: "Collection", rows: Mapping[str, Rows]) -> str:
    """Identity of all that the vectors of some texts depend on (hex)."""
    made_by = [
        model_identity(spec.model, spec.options, tuple(SIDES[side] for side in spec.sides)),
        spec.max_length,
        spec.width,
        resolve_precision(spec.precision, pick_device()),
    ]
    texts = {side: [table_of(collection, side).fingerprint, hash_of_arrays(own)] for side, own in rows.items()}
    return hash_of_json([made_by, texts])
