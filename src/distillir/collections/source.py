"""The interface of a collection's source: parts of texts and of judgements, as streams for the importer."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Entry(NamedTuple):
    """One text: the line (or row, from 1) it stands on, its id, text and title."""

    line: int
    id: str
    text: str
    title: str = ""


class Judgement(NamedTuple):
    """One judgement: the line (or row, from 1) it stands on, query id, document id, grade.

    ``encoded``: the ids may be percent-encoded, as in TREC files. ``subtopic``: what stands in TREC's second column, by
    which a document may be judged once for each side of a topic.
    """

    line: int
    query: str
    document: str
    grade: int
    encoded: bool = False
    subtopic: str = ""


@dataclass(frozen=True)
class TextPart:
    """A stream of texts from one place.

    Attributes:
        place: The file, or a name that serves as one in messages.
        count: How many texts to expect, for the progress bar.
        read: Starts the stream anew.
        split: For queries, the split they belong to; None where the source does not say.
        notes: What a user should be told once it was read: which keys were read, and which were passed over.
    """

    place: str
    count: int
    read: Callable[[], Iterator[Entry]]
    split: str | None = None
    notes: Callable[[], Sequence[str]] = tuple


@dataclass(frozen=True)
class QrelsPart:
    """A stream of the judgements of one split, from one place; ``notes`` as those of `TextPart`."""

    place: str
    split: str
    read: Callable[[], Iterator[Judgement]]
    notes: Callable[[], Sequence[str]] = tuple


class Source(ABC):
    """A collection as it was found, before it is imported.

    Attributes:
        name: Short name, for people and for the folder of the import.
        origin: What the user wrote or where it lies.
    """

    name: str
    origin: str

    @abstractmethod
    def identity(self) -> str:
        """A text that changes when the content may have changed (paths, sizes, times, versions)."""

    @abstractmethod
    def documents(self) -> TextPart | Sequence[TextPart]:
        """The corpus, in one part or several."""

    @abstractmethod
    def queries(self) -> Sequence[TextPart]:
        """The queries, in as many parts as the source has."""

    @abstractmethod
    def judgements(self) -> Sequence[QrelsPart]:
        """The judgements, one part a split; empty where there are none."""

    def notes(self) -> Sequence[str]:
        """Notes for the user on the source as a whole, such as files beside it that are not read."""
        return ()
