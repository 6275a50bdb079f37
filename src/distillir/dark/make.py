"""Make the dark texts of a teaching set: many for each query, the same whenever they are made."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from distillir.collections import Collection
from distillir.collections.table import Rows
from distillir.dark.dark_text import DarkText, Fits, always
from distillir.dark.noisy import noisy
from distillir.dark.reinforced import reinforced
from distillir.dark.spec import DarkSpec
from distillir.plans.lesson import Lists

#: From a query's text to what of a passage is read beside it.
FitsFor = Callable[[str], Fits]


@dataclass(frozen=True)
class DarkList:
    """The dark texts of one list.

    Attributes:
        index: Of the list.
        positive: Place of its positive among the candidates.
        texts: The dark texts, no two alike, none like the positive or a negative it was made of.
    """

    index: int
    positive: int
    texts: tuple[DarkText, ...]


def make_dark(
    collection: Collection,
    lists: Lists,
    spec: DarkSpec,
    *,
    seed: int = 0,
    fits_for: FitsFor = lambda query: always,
) -> Iterator[DarkList]:
    """Make every list's dark texts, in order.

    A list's texts depend on the seed, its query's id and its candidates' texts, on nothing that was made before.
    Lists without a positive have none; lists without a negative have noisy positives alone.

    Args:
        collection: Where the texts are.
        lists: Queries with candidates and scores.
        spec: How many of what.
        seed: Of everything drawn.
        fits_for: See `FitsFor`; default: passages are read whole.
    """
    for index, query in enumerate(lists.queries):
        documents, scores = lists.documents(index), lists.scores(index)
        relevant = lists.relevant(index)
        if not relevant.any() and not (spec.pseudo_positives and len(scores)):
            continue
        positive = int(np.where(relevant if relevant.any() else True, scores, -np.inf).argmax())
        hard = [int(place) for place in np.argsort(-scores, kind="stable") if not relevant[place] and place != positive]
        generator = np.random.default_rng([seed, *collection.queries.id(int(query)).encode()])
        made = [
            *_reinforced(
                collection, documents, positive, hard[: spec.negatives], spec, generator, fits_for, int(query)
            ),
            *_noisy(collection.corpus.text(int(documents[positive])), spec, generator),
        ]
        known = {collection.corpus.text(int(documents[place])) for place in (positive, *hard[: spec.negatives])}
        distinct = {dark.text: dark for dark in reversed(made) if dark.text not in known}
        yield DarkList(index, positive, tuple(reversed(distinct.values())))


def _reinforced(
    collection: Collection,
    documents: Rows,
    positive: int,
    hard: list[int],
    spec: DarkSpec,
    generator: np.random.Generator,
    fits_for: FitsFor,
    query: int,
) -> Iterator[DarkText]:
    if not hard or not spec.reinforced:
        return
    best = collection.corpus.text(int(documents[positive]))
    fits = fits_for(collection.queries.text(query))
    for number in range(spec.reinforced):
        negative = collection.corpus.text(int(documents[hard[number % len(hard)]]))
        mode = spec.modes[number % len(spec.modes)]
        made = reinforced(best, negative, mode, float(generator.choice(spec.shares)), generator, fits)
        if made is not None:
            yield made


def _noisy(positive: str, spec: DarkSpec, generator: np.random.Generator) -> Iterator[DarkText]:
    for number in range(spec.noisy):
        operation = spec.operations[number % len(spec.operations)]
        made = noisy(positive, operation, float(generator.choice(spec.rates)), generator, spec.mask)
        if made is not None:
            yield made
