"""Queries that a language model makes of documents."""

import json
import os
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import xxhash

from distillir.collections.collection import Collection
from distillir.collections.table import Rows
from distillir.errors import DistillirError
from distillir.files import cache_root
from distillir.language_models.generator import Generator, load_generator
from distillir.language_models.spec import LocalGeneratorSpec, ServerGeneratorSpec
from distillir.progress import progress, say

FEWEST_WORDS = 2
MOST_WORDS = 40


class QueryGenerator:
    """Asks a language model for one query a document; what it said is kept, and asked for once.

    Args:
        spec: The model and its prompt.
    """

    def __init__(self, spec: LocalGeneratorSpec | ServerGeneratorSpec) -> None:
        self.spec = spec

    @cached_property
    def _generator(self) -> Generator:
        return load_generator(self.spec)

    def make(self, collection: Collection, documents: Rows) -> list[tuple[str, str]]:
        """Ids (``generated:`` and the document's) and texts of queries, in the order of the documents.

        What is no query (empty, one word, a whole paragraph) is left out and counted.

        Args:
            collection: Where the documents are.
            documents: Their rows.

        Raises:
            DistillirError: The model cannot be loaded or asked; what was paid for is kept.
        """
        generator = self._generator
        folder = cache_root() / "generated-queries" / generator.fingerprint()
        known = dict(_read(folder))
        texts = collection.corpus.texts(documents)
        keys = [xxhash.xxh3_128_hexdigest(text.encode()) for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            folder.mkdir(parents=True, exist_ok=True)
            names = list(missing)
            # Of this program alone: a line that a kill tore spoils no other.
            own = folder / f"{time.time_ns()}-{os.getpid()}.jsonl"
            with progress("Make queries", len(names)) as advance, own.open("a", encoding="utf-8") as file:
                for place, said in generator.write([missing[name] for name in names]):
                    known[names[place]] = said
                    file.write(json.dumps({"key": names[place], "query": said}) + "\n")
                    file.flush()
                    advance(1)
        made = [(row, query(known[key])) for row, key in zip(documents.tolist(), keys, strict=True) if key in known]
        kept = [(f"generated:{collection.corpus.id(row)}", text) for row, text in made if text is not None]
        if len(kept) < len(made):
            say(f"{len(made) - len(kept)} of {len(made)} texts that {generator.name} made are no queries")
        if not kept:
            raise DistillirError("made no query that could be used", where=f"queries.generated: {generator.name}")
        return kept


def query(said: str) -> str | None:
    """The query in what a model said: its first line that is one, without a label or quotes; None for none."""
    for line in said.splitlines():
        text = line.strip()
        if text.lower().startswith(("query:", "question:")):
            text = text.split(":", 1)[1].strip()
        text = text.strip("\"'*` “”‘’«»")
        if text:
            return text if FEWEST_WORDS <= len(text.split()) <= MOST_WORDS else None
    return None


def _read(folder: Path) -> Iterator[tuple[str, str]]:
    """What was said so far; a line that a kill tore is passed over."""
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                entry: Any = json.loads(line)
                yield str(entry["key"]), str(entry["query"])
            except (ValueError, KeyError, TypeError):
                continue


def source_document(identifier: str) -> str | None:
    """Id of the document that a made query was made of; None for other queries."""
    kind, _, document = identifier.partition(":")
    return document if kind in ("title", "sentence", "generated") and document else None
