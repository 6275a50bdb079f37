"""The collection ``stdlib``: finding code by description in the standard library of the running Python.

A query is the first sentence of a docstring; its one relevant document is the function, method or class that carries
it, as qualified name (title) and source without the docstring (text). Nothing is downloaded, and the same Python always
gives the same collection. Python 3.11: 6,861 documents; 5,600 queries, 4,480 train, 560 dev, 560 test.

Decisions:

- Left out: tests, installed packages, programs shipped with Python (IDLE, demos) and what newer versions dropped
  (distutils, lib2to3), so that versions stay comparable.
- Documents are the documented definitions: some 7,000. Undocumented ones would more than double the corpus without
  adding a query, and the quickstart is to stay short.
- A sentence is no query if it has fewer than 4 words, if two definitions share it (there would be two right answers),
  or if the code still holds it (a comment that repeats it). The definitions stay in the corpus as distractors.
- A top-level module (``json``, ``asyncio``) belongs to one split with all its parts. Modules take their turn in the
  order of a hash of their names, and fill test, then dev, to a tenth of the queries each; the others are train.
"""

import sys
import sysconfig
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import xxhash

from distillir.base.errors import DistillirError
from distillir.collections.docstrings import Documented, documented_definitions
from distillir.collections.source import Entry, Judgement, QrelsPart, Source, TextPart

FORM = 1  # part of the identity: raise it when the extraction changes
LEAST_WORDS = 4
TESTS_AND_PACKAGES = {"__pycache__", "site-packages", "dist-packages", "lib-dynload", "test", "tests", "idle_test"}
PROGRAMS_AND_DROPPED = {"idlelib", "turtledemo", "lib2to3", "distutils", "ensurepip", "pydoc_data", "__phello__"}
LEFT_OUT = TESTS_AND_PACKAGES | PROGRAMS_AND_DROPPED
# A query and its document need different ids: evaluation tools drop a document with the id of its query.
QUERY_PREFIX = "docstring:"


class StandardLibrary(Source):
    """The standard library of the running Python.

    Args:
        folder: Where its modules lie; default: as `sysconfig` says.

    Raises:
        DistillirError: There is no Python source there.
    """

    name = "stdlib"
    origin = "stdlib"

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(sysconfig.get_paths()["stdlib"])
        if not (self._folder / "ast.py").is_file() and folder is None:
            raise DistillirError(
                "this Python comes without the source of its standard library",
                where=self._folder,
                remedy="use a Python that has it, or another collection",
            )

    def identity(self) -> str:
        """Version of Python and of the extraction."""
        return f"stdlib\t{FORM}\t{sys.version}\t{self._folder}"

    def documents(self) -> TextPart:
        """The documented definitions, title the qualified name, text the code."""
        return TextPart(self.origin, len(self._definitions), self._read_documents)

    def queries(self) -> list[TextPart]:
        """The sentences."""
        return [TextPart(self.origin, len(self._queries), self._read_queries)]

    def judgements(self) -> list[QrelsPart]:
        """Each query's own definition, by split."""
        return [
            QrelsPart(self.origin, split, lambda split=split: self._read_judgements(split))  # type: ignore[misc]
            for split in ("train", "dev", "test")
        ]

    @cached_property
    def _definitions(self) -> list[Documented]:
        definitions: dict[str, Documented] = {}
        for file in sorted(self._folder.rglob("*.py")):
            parts = file.relative_to(self._folder).with_suffix("").parts
            if LEFT_OUT.isdisjoint(parts) and not parts[0].startswith(("_sysconfigdata", "config-")):
                module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                try:
                    with tokenize.open(file) as stream:
                        found = list(documented_definitions(module, stream.read()))
                except (SyntaxError, UnicodeDecodeError):
                    continue  # templates that are no Python
                for definition in found:
                    definitions.setdefault(definition.name, definition)
        return list(definitions.values())

    @cached_property
    def _queries(self) -> list[Documented]:
        counts = Counter(_plain(definition.sentence) for definition in self._definitions)
        return [
            definition
            for definition in self._definitions
            if len(definition.sentence.split()) >= LEAST_WORDS
            and counts[_plain(definition.sentence)] == 1
            and _plain(definition.sentence) not in _plain(definition.source)
        ]

    @cached_property
    def _splits(self) -> dict[str, str]:
        return split_modules(Counter(_module(definition) for definition in self._queries))

    def _read_documents(self) -> Iterator[Entry]:
        for number, definition in enumerate(self._definitions, start=1):
            yield Entry(number, definition.name, definition.source, definition.name)

    def _read_queries(self) -> Iterator[Entry]:
        for number, definition in enumerate(self._queries, start=1):
            yield Entry(number, QUERY_PREFIX + definition.name, definition.sentence)

    def _read_judgements(self, split: str) -> Iterator[Judgement]:
        for number, definition in enumerate(self._queries, start=1):
            if self._splits[_module(definition)] == split:
                yield Judgement(number, QUERY_PREFIX + definition.name, definition.name, 1)


def split_modules(sizes: Counter[str]) -> dict[str, str]:
    """Give each module a split, near 80/10/10 by number of queries, the same on every run.

    Args:
        sizes: Number of queries by module.
    """
    tenth = sizes.total() / 10
    filled = {"test": 0, "dev": 0}
    splits: dict[str, str] = {}
    for module in sorted(sizes, key=lambda name: (xxhash.xxh3_64_intdigest(name.encode()), name)):
        split = next((s for s, taken in filled.items() if taken + sizes[module] <= tenth), "train")
        splits[module] = split
        if split in filled:
            filled[split] += sizes[module]
    return splits


def _module(definition: Documented) -> str:
    return definition.name.partition(".")[0]


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
