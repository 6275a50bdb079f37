"""What a file format of other programs is to the house."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from distillir.collections import Collection
from distillir.collections.source import Source
from distillir.collections.text_files import count_lines
from distillir.teaching.formats.lists import RowList, Unknown
from distillir.teaching.teaching_set import TeachingSet


@dataclass(frozen=True)
class Settings:
    """How to read a file; a format takes those that it names.

    Attributes:
        unknown: What to do with ids that the collection does not have.
        scores: File with the teacher's scores, where a format keeps them apart.
        systems: Of lists by several systems, those to take; None for all.
        per_system: At most so many candidates of each system; None for all.
    """

    unknown: Unknown = field(default_factory=Unknown)
    scores: Path | None = None
    systems: tuple[str, ...] | None = None
    per_system: int | None = None


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        name: As the command line takes it.
        description: One line for people.
        recognises: Whether a file is of this format, by its path and first line.
        read: ``(source, collection, settings)`` -> the lists in it, in rows of the collection.
        texts: ``source`` -> the collection that the file or its neighbours hold; None where there are ids only.
        write: ``(teaching set, collection, path)``; what it writes appears only when complete.
        count: How many lines (or rows) a source has, for the progress bar.
        settings: Names of the `Settings` it takes beside ``unknown``.
    """

    name: str
    description: str
    recognises: Callable[[Path, str], bool]
    read: Callable[[Path, Collection, Settings], Iterator[RowList]]
    texts: Callable[[Path], Source | None]
    write: Callable[[TeachingSet, Collection, Path], None]
    count: Callable[[Path], int] = count_lines
    settings: frozenset[str] = frozenset()
