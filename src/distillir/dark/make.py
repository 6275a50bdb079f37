"""Make the dark texts of a teaching set: many for each query, the same whenever they are made."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from distillir.collections import Collection
from distillir.dark.dark_text import DarkText, Fits, always
from distillir.dark.noisy import noisy
from distillir.dark.reinforced import reinforced
from distillir.dark.spec import MakingSpec
from distillir.plans.lesson import Lists

#: From a query's text to what of a passage is read beside it.
FitsFor = Callable[[str], Fits]


@dataclass(frozen=True)
class Made:
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
    spec: MakingSpec,
    *,
    seed: int = 0,
    pseudo_positives: bool = False,
    fits_for: FitsFor = lambda query: always,
) -> Iterator[Made]:
    """Make every list's dark texts, in order.

    A list's texts depend on the seed, its query's id and its candidates' texts, on nothing that was made before.
    Lists without a positive have none; lists without a negative have noisy positives alone.

    Args:
        collection: Where the texts are.
        lists: Queries with candidates and scores.
        spec: How many of what.
        seed: Of everything drawn.
        pseudo_positives: The teacher's best candidate stands for a missing judged positive.
        fits_for: See `FitsFor`; default: passages are read whole.
    """
    for index, query in enumerate(lists.queries):
        scores, relevant = lists.scores(index), lists.relevant(index)
        if not relevant.any() and not (pseudo_positives and len(scores)):
            continue
        place = int(np.where(relevant if relevant.any() else True, scores, -np.inf).argmax())
        hard = [p for p in np.argsort(-scores, kind="stable").tolist() if not relevant[p] and p != place]
        rows = lists.documents(index)
        positive = collection.corpus.text(int(rows[place]))
        negatives = [collection.corpus.text(int(rows[p])) for p in hard[: spec.negatives]]
        generator = np.random.default_rng([seed, *collection.queries.id(int(query)).encode()])
        fits = fits_for(collection.queries.text(int(query)))
        made = [*_reinforced(positive, negatives, spec, generator, fits), *_noisy(positive, spec, generator)]
        # Of texts that are alike the first stays.
        distinct = {dark.text: dark for dark in reversed(made) if dark.text not in (positive, *negatives)}
        yield Made(index, place, tuple(reversed(distinct.values())))


def _reinforced(
    positive: str, negatives: list[str], spec: MakingSpec, generator: np.random.Generator, fits: Fits
) -> Iterator[DarkText]:
    for number in range(spec.reinforced if negatives else 0):
        mode, share = spec.modes[number % len(spec.modes)], float(generator.choice(spec.shares))
        made = reinforced(positive, negatives[number % len(negatives)], mode, share, generator, fits)
        if made is not None:
            yield made


def _noisy(positive: str, spec: MakingSpec, generator: np.random.Generator) -> Iterator[DarkText]:
    for number in range(spec.noisy):
        operation = spec.operations[number % len(spec.operations)]
        made = noisy(positive, operation, float(generator.choice(spec.rates)), generator, spec.mask)
        if made is not None:
            yield made
