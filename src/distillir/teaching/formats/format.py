"""The interface of a file format of another program."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distillir.collections import Collection
from distillir.collections.source import Source
from distillir.collections.text_files import count_lines
from distillir.teaching.formats.lists import RowList, Unknown
from distillir.teaching.formats.tally import ImportTally
from distillir.teaching.teaching_set import TeachingSet


@dataclass(frozen=True)
class Settings:
    """Settings for reading a file; a format takes those that it names.

    Attributes:
        unknown: What to do with ids that the collection does not have.
        scores: File with the teacher's scores, where a format keeps them apart.
        systems: Of lists by several systems, those to take; None for all.
        per_system: At most so many candidates of each system; None for all.
        keep_prompts: Whether a query's prompt is put before its text.
        skip_empty: Whether empty texts are left out, and not refused.
        own_texts: Whether the collection is made of the very file.
        tally: What was read, for the account at the end.
    """

    unknown: Unknown = field(default_factory=Unknown)
    scores: Path | None = None
    systems: tuple[str, ...] | None = None
    per_system: int | None = None
    keep_prompts: bool = False
    skip_empty: bool = False
    own_texts: bool = False
    tally: ImportTally = field(default_factory=ImportTally)


@dataclass(frozen=True)
class Glance:
    """The first line and the first record of a file.

    Attributes:
        path: The file or folder.
        line: Its first line; empty for a folder and for Parquet.
        record: Its first record; None where there is none.
    """

    path: Path
    line: str
    record: Any

    @property
    def cells(self) -> list[str]:
        """The first line, cut at its tabs."""
        return self.line.split("\t")


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        name: As the command line takes it.
        description: One line for people.
        expected: A line of it, for messages.
        recognises: Whether a file is of this format.
        read: ``(source, collection, settings)`` -> the lists in it, in rows of the collection.
        texts: ``(source, settings)`` -> the collection that the file or its neighbours hold; None where there are ids
            only.
        write: ``(teaching set, collection, path)``; what it writes appears only when complete. None: it is read only.
        count: How many lines (or rows) a source has, for the progress bar.
        settings: Names of the `Settings` it takes beside those that every format takes.
        keys: Keys of its records, to find the nearest form of an unknown file by.
    """

    name: str
    description: str
    expected: str
    recognises: Callable[[Glance], bool]
    read: Callable[[Path, Collection, Settings], Iterator[RowList]]
    texts: Callable[[Path, Settings], Source | None]
    write: Callable[[TeachingSet, Collection, Path], None] | None = None
    count: Callable[[Path], int] = count_lines
    settings: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
