"""Queries that a language model makes of documents."""

import json
import os
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import xxhash

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.files import cache_root
from distillir.base.progress import progress, say
from distillir.base.scripts import count_words
from distillir.collections.collection import Collection
from distillir.language_models.generator import Generator, load_generator
from distillir.language_models.spec import LocalGeneratorSpec, ServerGeneratorSpec
from distillir.language_models.tally import AnswerTally
from distillir.language_models.written import looks_cut, read_text

FEWEST_WORDS = 2
MOST_WORDS = 40


class QueryGenerator:
    """A language model that writes one query for each document; its answers are kept, so that none is asked for twice.

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

        What is no query (one word, a whole paragraph) is left out and counted; what is no answer (cut off, thoughts
        alone, rejected by the server) is, too, and is asked for again the next time.

        Args:
            collection: Where the documents are.
            documents: Their rows.

        Raises:
            DistillirError: The model cannot be loaded or asked, or gives no answer to most documents; what was paid for
                is kept.
        """
        generator = self._generator
        folder = cache_root() / "generated-queries" / generator.fingerprint()
        known = dict(_read(folder, generator.max_tokens))
        texts = collection.corpus.texts(documents)
        keys = [xxhash.xxh3_128_hexdigest(text.encode(errors="surrogatepass")) for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            self._ask(folder, missing, known, AnswerTally(generator.name, len(set(keys) - set(missing))))
        made = [(row, known[key]) for row, key in zip(documents.tolist(), keys, strict=True) if key in known]
        written = [(row, query(said)) for row, said in made if said is not None]
        kept = [(f"generated:{collection.corpus.id(row)}", text) for row, text in written if text is not None]
        if len(kept) < len(written):
            say(f"{len(written) - len(kept)} of {len(written)} texts that {generator.name} made are no queries")
        if not kept:
            raise DistillirError("made no query that could be used", where=f"queries.generated: {generator.name}")
        return kept

    def unanswered(self, collection: Collection, documents: Rows) -> int:
        """Number of distinct texts of documents that `make` would ask about; nothing is asked."""
        known = dict(
            _read(cache_root() / "generated-queries" / self._generator.fingerprint(), self._generator.max_tokens)
        )
        texts = collection.corpus.texts(documents)
        return len({xxhash.xxh3_128_hexdigest(text.encode(errors="surrogatepass")) for text in texts} - set(known))

    def _ask(self, folder: Path, missing: dict[str, str], known: dict[str, str | None], tally: AnswerTally) -> None:
        """Ask for texts and keep each as soon as it is there, in the folder and in ``known``."""
        generator, names = self._generator, list(missing)
        folder.mkdir(parents=True, exist_ok=True)
        # Of this program alone: a line that a kill tore spoils no other.
        own = folder / f"{time.time_ns()}-{os.getpid()}.jsonl"
        with progress("Make queries", len(names)) as advance, own.open("a", encoding="utf-8") as file:
            for place, said in generator.write([missing[name] for name in names], tally):
                known[names[place]] = said
                entry = {"key": names[place], "query": said or "", "answer": "refused" if said is None else "whole"}
                file.write(json.dumps(entry) + "\n")
                file.flush()
                advance(1)
        if lost := tally.told():
            count = tally.matters.total()
            say(f"{generator.name} made no query of {count} of {len(names)} documents, which are left out: {lost}")


def query(said: str) -> str | None:
    """The query in a model's answer: its first line that is one, without label or quotes; None where there is none."""
    for line in said.splitlines():
        text = line.strip()
        if text.lower().startswith(("query:", "question:")):
            text = text.split(":", 1)[1].strip()
        text = text.strip("\"'*` “”‘’«»")
        if text:
            return text if FEWEST_WORDS <= count_words(text) <= MOST_WORDS else None
    return None


def _read(folder: Path, max_tokens: int) -> Iterator[tuple[str, str | None]]:
    """Yield keys and answers that are on disk, None for a refusal; a line that a kill cut short is passed over.

    Lines without ``answer`` are of versions that kept everything: those that are empty (a call that was rejected), that
    hold thoughts, or that may have been cut are passed over, too, and so asked for again.
    """
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                entry: Any = json.loads(line)
                key, said, answer = str(entry["key"]), str(entry["query"]), entry.get("answer")
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
            if answer == "refused":
                yield key, None
            elif answer is not None:
                yield key, said
            elif not looks_cut(said, max_tokens):
                text, matter = read_text(said)
                if matter is None:
                    yield key, text
