"""Dark examples of a run directory, for the report: the teacher's scores by kind, and some of the texts."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, FiniteFloat, NonNegativeInt

from distillir.collections.collection import Collection
from distillir.reporting.teacher_scores import MOST_LISTS, Numbers
from distillir.reporting.wording import shortened
from distillir.signals.dark_examples.dark_example import DarkExample
from distillir.signals.dark_examples.dark_example_set import DarkExampleSet, open_dark_set
from distillir.teaching.teaching_set import TeachingSet, open_teaching_set


class DarkKind(BaseModel):
    """Dark examples of one kind; see `distillir.signals.dark_examples.diagnostics.KindFigures`."""

    made: NonNegativeInt
    score: FiniteFloat
    gap: FiniteFloat
    above: FiniteFloat
    chosen: FiniteFloat


class DarkFigures(BaseModel):
    """Figures on dark examples: those of `distillir.signals.dark_examples.diagnostics.diagnose_dark`, read back."""

    model_config = ConfigDict(extra="ignore")

    lists: NonNegativeInt
    kinds: dict[str, DarkKind]
    chosen: FiniteFloat
    without: FiniteFloat
    entropy: dict[str, FiniteFloat]
    nats: dict[str, FiniteFloat]
    share: dict[str, FiniteFloat]
    confidence: list[FiniteFloat] | None = None
    opened: list[FiniteFloat] = []
    examples: list[tuple[NonNegativeInt, NonNegativeInt]] = []


#: Of each stage by its number: of each epoch, training examples with dark examples and the share that the gate let
#: through.
Gate = dict[str, list[tuple[NonNegativeInt, FiniteFloat]]]
TEXT_LENGTH = 700


@dataclass(frozen=True)
class DarkTold:
    """A dark example for people.

    Attributes:
        query: Its query's text.
        positive: The positive's text.
        positive_score: What the teacher gives the positive.
        negative_score: What it gives the best hard negative; None without one.
        kind: ``reinforced`` or ``noisy``.
        how: How it was made.
        score: What the teacher gives it.
        pieces: Its text in order, each piece with whether it was taken from the positive.
    """

    query: str
    positive: str
    positive_score: float
    negative_score: float | None
    kind: str
    how: str
    score: float
    pieces: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class DarkReport:
    """Dark examples of a run.

    Attributes:
        scores: The teacher's scores of ``positives``, ``noisy positives``, ``reinforced negatives`` and ``hard
            negatives``.
        places: By kind, where dark examples lie in the gap of their list: 0 at its best hard negative, 1 at its
            positive.
        examples: Some of those that training examples hold.
        lists: How many lists have any.
        read: How many of them the scores come from.
    """

    scores: dict[str, Numbers]
    places: dict[str, Numbers]
    examples: list[DarkTold]
    lists: int
    read: int


def read_dark_examples(path: Path, figures: DarkFigures | None, collection: Collection | None = None) -> DarkReport:
    """Read a run's dark examples.

    Args:
        path: The run directory, with ``dark/`` and ``teaching/``.
        figures: Which examples to tell; None: none.
        collection: Where the texts of queries and positives are; without it no example is told.

    Raises:
        DistillirError: Either folder cannot be opened.
    """
    lists = open_teaching_set(path / "teaching", collection)
    dark = open_dark_set(path / "dark")
    known = sorted(dark.lists)
    looked_at = [known[i] for i in np.unique(np.linspace(0, len(known) - 1, min(MOST_LISTS, len(known))).astype(int))]
    groups: dict[str, list[Numbers]] = {
        name: [] for name in ("positives", "noisy positives", "reinforced negatives", "hard negatives")
    }
    places: dict[str, list[Numbers]] = {"noisy": [], "reinforced": []}
    for index in looked_at:
        found = dark.lists[index]
        kinds = np.array(found.kinds, dtype=str)
        groups["positives"].append(found.candidates[[found.positive]].astype(np.float64))
        groups["noisy positives"].append(found.scores[kinds == "noisy"].astype(np.float64))
        groups["reinforced negatives"].append(found.scores[kinds == "reinforced"].astype(np.float64))
        negatives, positive = _negatives(dark, lists, index), float(found.candidates[found.positive])
        groups["hard negatives"].append(negatives)
        if len(negatives) and negatives.max() < positive:
            for kind, parts in places.items():
                scores_of = found.scores[kinds == kind].astype(np.float64)
                parts.append((scores_of - negatives.max()) / (positive - negatives.max()))
    scores = {name: np.concatenate(parts) for name, parts in groups.items() if parts}
    told = []
    if collection is not None and figures is not None:
        told = [_tell(dark, lists, collection, *place) for place in figures.examples]
    within = {kind: np.concatenate(parts) for kind, parts in places.items() if parts}
    return DarkReport(scores, within, told, len(known), len(looked_at))


def _negatives(dark: DarkExampleSet, lists: TeachingSet, index: int) -> Numbers:
    from distillir.signals.dark_examples.dark_example_lists import hard_negatives

    return hard_negatives(lists, index, dark.lists[index]).astype(np.float64)


def _tell(dark: DarkExampleSet, lists: TeachingSet, collection: Collection, index: int, place: int) -> DarkTold:
    found = dark.lists[index]
    made, negatives = dark.text(int(found.rows[place])), _negatives(dark, lists, index)
    return DarkTold(
        collection.queries.text(int(lists.queries[index])),
        shortened(collection.corpus.text(int(lists.documents(index)[found.positive])), TEXT_LENGTH),
        float(found.candidates[found.positive]),
        float(negatives.max()) if len(negatives) else None,
        made.kind,
        made.how,
        float(found.scores[place]),
        _pieces(made),
    )


def _pieces(made: DarkExample) -> tuple[tuple[str, bool], ...]:
    """Cut a text at its injected spans; parts far from all of them are left out."""
    pieces, at = [], 0
    for begin, end in (*made.injected, (len(made.text), len(made.text))):
        if begin > at:
            pieces.append(
                (_middle_cut(made.text[at:begin]) if made.injected else shortened(made.text, TEXT_LENGTH), False)
            )
        if end > begin:
            pieces.append((made.text[begin:end], True))
        at = end
    return tuple(pieces)


def _middle_cut(text: str) -> str:
    if len(text) <= TEXT_LENGTH:
        return text
    half = TEXT_LENGTH // 2
    return f"{text[:half].rsplit(' ', 1)[0]} … {text[-half:].split(' ', 1)[-1]}"
