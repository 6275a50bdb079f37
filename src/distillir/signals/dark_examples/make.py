"""Make the dark examples of a teaching set: many for each query, the same whenever they are made."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from distillir.base.seeds import NOISY_POSITIVES
from distillir.collections import Collection
from distillir.collections.text_identity import normalised
from distillir.signals.dark_examples.dark_example import DarkExample, Fits, always
from distillir.signals.dark_examples.noisy import noisy
from distillir.signals.dark_examples.reinforced import reinforced
from distillir.signals.dark_examples.spec import MakingSpec
from distillir.teaching.lists import Lists
from distillir.teaching.positives import wanted_positives

#: From a query's text to what of a passage is read beside it.
FitsFor = Callable[[str], Fits]
#: From a passage to what the student reads of it: texts with equal ones are the same to it.
Key = Callable[[str], Hashable]
#: From a passage to its beginning, with all that the student reads of it.
Beginning = Callable[[str], str]


@dataclass(frozen=True)
class Made:
    """The dark examples of one list.

    Attributes:
        index: Of the list.
        positive: Place of its positive among the candidates.
        texts: The dark examples, no two read alike, none like the positive or a negative it was made of.
    """

    index: int
    positive: int
    texts: tuple[DarkExample, ...]


def make_dark(
    collection: Collection,
    lists: Lists,
    spec: MakingSpec,
    *,
    seed: int = 0,
    pseudo_positives: bool | str = False,
    fits_for: FitsFor = lambda query: always,
    key: Key = str,
    beginning: Beginning = str,
) -> Iterator[Made]:
    """Make every list's dark examples, in order.

    A list's texts depend on the seed, its query's id and its candidates' texts, on nothing that was made before.
    Lists without a positive have none; lists without a negative have noisy positives alone. A candidate with the text
    of a positive is no negative, whatever its id.

    Args:
        collection: Where the texts are.
        lists: Queries with candidates and scores.
        spec: How many of what.
        seed: Of everything drawn.
        pseudo_positives: The teacher's best candidate stands for a missing judged positive; ``always``: for a judged
            one too. Judged ones are no negatives either way.
        fits_for: See `FitsFor`; default: passages are read whole.
        key: See `Key`; default: texts are read whole.
        beginning: See `Beginning`; what is made of a text of megabytes is made of its beginning. Default: of all of it.
    """
    for index, query in enumerate(lists.queries):
        scores, relevant = lists.scores(index), lists.relevant(index)
        positives = wanted_positives(scores, relevant, pseudo_positives) if len(scores) else relevant
        if not positives.any():
            continue
        place = int(np.where(positives, scores, -np.inf).argmax())
        hard = [p for p in np.argsort(-scores, kind="stable").tolist() if not relevant[p] and p != place]
        rows = lists.documents(index)
        positive = collection.corpus.text(int(rows[place]))
        judged = [collection.corpus.text(row) for row in rows[relevant].tolist()]
        negatives = _negatives(
            (collection.corpus.text(int(rows[p])) for p in hard), [positive, *judged], spec.negatives
        )
        positive, negatives = beginning(positive), [beginning(text) for text in negatives]
        fits = fits_for(collection.queries.text(int(query)))
        # A generator each: which noisy positives there are does not depend on how many reinforced negatives are made.
        own = [*collection.queries.id(int(query)).encode()]
        first, second = np.random.default_rng([seed, *own]), np.random.default_rng([seed, *own, NOISY_POSITIVES])
        made = [*_reinforced(positive, negatives, spec, first, fits), *_noisy(positive, spec, second, fits)]
        # Of texts that are read alike the first stays.
        known = {key(text) for text in (positive, *judged, *negatives)}
        distinct = {read: dark for dark in reversed(made) if (read := key(dark.text)) not in known}
        yield Made(index, place, tuple(reversed(distinct.values())))


def _negatives(hard: Iterable[str], positives: Iterable[str], most: int) -> list[str]:
    """The first so many texts that none of the positives has."""
    good = {normalised(text) for text in positives}
    return list(islice((text for text in hard if normalised(text) not in good), most))


def _reinforced(
    positive: str, negatives: list[str], spec: MakingSpec, generator: np.random.Generator, fits: Fits
) -> Iterator[DarkExample]:
    for number in range(spec.reinforced if negatives else 0):
        mode, share = spec.modes[number % len(spec.modes)], float(generator.choice(spec.shares))
        made = reinforced(positive, negatives[number % len(negatives)], mode, share, generator, fits)
        if made is not None:
            yield made


def _noisy(positive: str, spec: MakingSpec, generator: np.random.Generator, fits: Fits) -> Iterator[DarkExample]:
    for number in range(spec.noisy):
        operation = spec.operations[number % len(spec.operations)]
        made = noisy(positive, operation, float(generator.choice(spec.rates)), generator, spec.mask, fits)
        if made is not None:
            yield made
