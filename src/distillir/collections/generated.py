"""Queries made of the documents themselves, for collections with few queries or none."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xxhash

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory, cache_root
from distillir.base.scripts import count_words, split_sentences
from distillir.collections.collection import Collection
from distillir.collections.table import TextTable
from distillir.collections.table_writer import TableWriter

FEWEST_WORDS = 4
MOST_WORDS = 40


def with_generated_queries(
    collection: Collection,
    *,
    titles: int = 0,
    sentences: int = 0,
    further: Sequence[tuple[str, str]] = (),
    seed: int = 0,
) -> tuple[Collection, Rows]:
    """The same collection with queries made of documents behind its own, whose rows stay as they are.

    Titles and sentences of 4 to 40 words (see `count_words`) are taken from documents drawn at random without repeats
    (a document gives at most one of each). No judgements are made: the teacher scores their candidates. The copy is
    kept in the cache and shares the corpus with the original.

    Args:
        collection: Where the documents are.
        titles: How many titles at most.
        sentences: How many sentences at most.
        further: Ids and texts of queries made elsewhere.
        seed: Of the choice.

    Returns:
        The collection, and the rows of the generated queries.

    Raises:
        DistillirError: Titles are wanted and the documents have none.
    """
    # The first is the form on disk: another one is another folder.
    form = "4" if collection.corpus.is_ascii else "4 in any script"
    identity = [form, collection.fingerprint, collection.name, _judgements(collection), titles, sentences, seed]
    key = xxhash.xxh3_64_hexdigest(json.dumps([*identity, list(further)]).encode())
    path = cache_root() / "collections" / f"generated-{key}"
    if not (path / "info.json").is_file():
        _write(path, collection, titles, sentences, further, seed)
    wider = Collection(path)
    return wider, np.arange(len(collection.queries), len(wider.queries), dtype=np.int64)


def _judgements(collection: Collection) -> list[str]:
    """Hashes of a collection's judgements by split: the copy repeats them, and its fingerprint leaves them out."""
    digests = []
    for split in sorted(collection.splits):
        digest = xxhash.xxh3_64(split.encode())
        qrels = collection.qrels(split)
        for column in (qrels.queries, qrels.documents, qrels.grades):
            digest.update(np.ascontiguousarray(column).tobytes())
        digests.append(digest.hexdigest())
    return digests


def count_makeable(kind: str, collection: Collection, most: int, sample: int = 2000) -> int:
    """Number of queries that a sample of the documents gives, up to ``most``; ``kind`` is ``title`` or ``sentence``."""
    corpus = collection.corpus
    return len(_made(kind, most, corpus, np.random.default_rng(0).permutation(len(corpus))[:sample]))


def check_titles(collection: Collection, sample: int = 1000) -> None:
    """Look for titles that could be queries among a sample of the documents.

    Raises:
        DistillirError: There is none.
    """
    corpus = collection.corpus
    if not _made("title", 1, corpus, np.random.default_rng(0).permutation(len(corpus))[:sample]):
        raise _untitled(collection)


def _untitled(collection: Collection) -> DistillirError:
    return DistillirError(
        f"the documents of {collection.name} have no titles of {FEWEST_WORDS} words or more",
        where="queries.titles",
        remedy="use queries.sentences",
    )


def _write(
    path: Path, collection: Collection, titles: int, sentences: int, further: Sequence[tuple[str, str]], seed: int
) -> None:
    generator = np.random.default_rng(seed)
    made = [
        *_made("title", titles, collection.corpus, generator.permutation(len(collection.corpus))),
        *_made("sentence", sentences, collection.corpus, generator.permutation(len(collection.corpus))),
        *further,
    ]
    if titles and not any(identifier.startswith("title:") for identifier, _ in made):
        raise _untitled(collection)
    with atomic_directory(path) as folder:
        (folder / "queries").mkdir()
        writer = TableWriter(folder / "queries", "query")
        for row in range(len(collection.queries)):
            writer.add(collection.queries.id(row), collection.queries.body(row), collection.queries.title(row))
        for identifier, text in made:
            writer.add(identifier, text)
        writer.close()
        shutil.copytree(collection.path / "qrels", folder / "qrels")
        (folder / "corpus").symlink_to(collection.corpus.path.resolve(), target_is_directory=True)
        info = {"name": collection.name, "source": collection.source, "splits": collection.splits}
        (folder / "info.json").write_text(json.dumps(info), encoding="utf-8")


def _made(kind: str, wanted: int, corpus: TextTable, order: Rows) -> list[tuple[str, str]]:
    """Ids and texts of at most ``wanted`` queries, one a document, in the order of the documents given."""
    made: list[tuple[str, str]] = []
    for row in order:
        if len(made) >= wanted:
            break
        row = int(row)
        choices = [corpus.title(row)] if kind == "title" else split_sentences(corpus.body(row))
        fitting = [text.strip() for text in choices if FEWEST_WORDS <= count_words(text) <= MOST_WORDS]
        if fitting:
            made.append((f"{kind}:{corpus.id(row)}", fitting[row % len(fitting)]))
    return made


def source_document(identifier: str) -> str | None:
    """Id of the document that a made query was made of; None for other queries."""
    kind, _, document = identifier.partition(":")
    return document if kind in ("title", "sentence", "generated") and document else None
