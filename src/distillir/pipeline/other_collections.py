"""Further collections that a student is measured on: opened and checked before anything is mined."""

from dataclasses import dataclass

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.folder_name import folder_name
from distillir.collections import Collection, Qrels, load_collection
from distillir.collections.joined import JoinedTable
from distillir.pipeline.judged_split import split_qrels
from distillir.recipe import AlsoSpec, Recipe

#: Of which queries are drawn where a recipe limits them: runs of any seed are measured on the same ones.
_SEED = 17


@dataclass(frozen=True)
class OtherCollection:
    """A collection beside the run's own.

    Attributes:
        name: As the recipe calls it, or else its own.
        collection: The texts.
        split: The split that is measured on.
        qrels: Judgements of the queries that are measured on.
        judged: How many queries the split judges, drawn or not.
    """

    name: str
    collection: Collection
    split: str
    qrels: Qrels
    judged: int

    @property
    def folder(self) -> str:
        """The name of the folder that its rankings lie in."""
        return folder_name(self.name, "collection")

    @property
    def rows(self) -> Rows:
        """Query rows that are measured on, ascending."""
        return self.qrels.query_rows


def open_others(recipe: Recipe, own: Collection) -> list[OtherCollection]:
    """Open the collections of ``evaluation.also``.

    Args:
        recipe: Names them.
        own: The run's own collection.

    Raises:
        DistillirError: One cannot be opened, lacks the split or judgements in it, is what the run itself learns from
            or is measured on, or two have the same name; the message names its place in the recipe.
    """
    found: list[OtherCollection] = []
    for number, spec in enumerate(recipe.evaluation.also):
        where = f"evaluation.also[{number}]"
        try:
            other = _open(spec)
        except DistillirError as error:
            raise DistillirError(str(error), where=where) from None
        _check_own(recipe, own, other, where)
        taken = {own.name: "the run's own collection", **{one.name: "another" for one in found}}
        if other.name in taken:
            raise DistillirError(
                f"is called {other.name!r}, as {taken[other.name]} is",
                where=where,
                remedy=f"name it: {{collection: ..., name: {other.name}-{other.split}}}",
            )
        found.append(other)
    return found


def same_documents(own: Collection, other: OtherCollection) -> bool:
    """Tell whether another collection has the documents of the run's own."""
    return own.corpus.fingerprint == other.collection.corpus.fingerprint


def _open(spec: AlsoSpec) -> OtherCollection:
    collection = load_collection(spec.collection)
    split = _split(collection, spec.split)
    qrels = split_qrels(collection, split, where=None)
    rows = qrels.query_rows
    judged = len(rows)
    if spec.queries is not None and spec.queries < judged:
        drawn = np.random.default_rng(_SEED).choice(rows, spec.queries, replace=False)
        kept = np.isin(qrels.queries, drawn)
        qrels = Qrels(qrels.queries[kept], qrels.documents[kept], qrels.grades[kept])
    return OtherCollection(spec.name or collection.name, collection, split, qrels, judged)


def _split(collection: Collection, wanted: str | None) -> str:
    splits = collection.splits
    if not splits:
        raise DistillirError(
            f"{collection.name} has no judgements", remedy="leave it out: nothing can be measured without"
        )
    split = wanted or ("test" if "test" in splits or len(splits) > 1 else splits[0])
    if split not in splits:
        raise DistillirError(
            f"{collection.name} has no split {split!r} to measure on",
            remedy=f"write {{collection: ..., split: {splits[-1]}}} (splits: {', '.join(splits)})",
        )
    return split


def _check_own(recipe: Recipe, own: Collection, other: OtherCollection, where: str) -> None:
    """Refuse the split that the run learns from or is measured on anyway."""
    queries = own.queries.first if isinstance(own.queries, JoinedTable) else own.queries
    if not same_documents(own, other) or queries.fingerprint != other.collection.queries.fingerprint:
        return
    for split, use in ((recipe.evaluation.split, "is measured on anyway"), (recipe.queries.split, "learns from")):
        if other.split == split:
            raise DistillirError(
                f"is split {split!r} of the run's own collection, which it {use}",
                where=where,
                remedy="leave it out, or name another collection",
            )
