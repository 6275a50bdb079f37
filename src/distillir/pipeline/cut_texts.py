"""Report of the parts of texts that models do not read, since they truncate: told before anything is paid for."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xxhash

from distillir.base.processes import rank
from distillir.base.progress import say
from distillir.base.scripts import count_words, end_of_words
from distillir.base.seeds import CUT_TEXTS
from distillir.collections import Collection, load_collection
from distillir.collections.table import TextTable
from distillir.encoding.reading import characters_read
from distillir.pipeline.readers import Reader, readers
from distillir.pipeline.run_folder import RunFolder
from distillir.recipe import Recipe

#: Under what it is noted, and stands in metrics.json.
FACT = "reading"
#: Texts that are looked at, and characters of them that models may have to read for it.
_SAMPLE, _CHARACTERS = 500, 1_500_000
# Of longer texts the words are counted in so many characters, and reckoned for the rest.
_COUNTED = 20_000


@dataclass(frozen=True)
class CutTexts:
    """The parts of texts that a model does not read.

    Attributes:
        where: Its key in the recipe; of several models that read the same, all keys.
        name: The model's.
        reads: What it reads, in words.
        documents: Share of the documents that are longer.
        words: Share of all words of documents that it does not read.
        queries: Share of the queries that are longer; a cross-encoder's limit is for both, and counts as documents'.
        looked_at: How many documents and queries that was found on.
    """

    where: str
    name: str
    reads: str
    documents: float
    words: float
    queries: float
    looked_at: tuple[int, int]


def tell_cut_texts(folder: RunFolder) -> None:
    """Say once a run how much of the texts its models do not read, and note it; nothing where all is read.

    The collection is looked at as it is, without queries that a model would be paid to write.
    """
    if rank() != 0:
        return
    recipe = folder.recipe
    collection = load_collection(recipe.collection)
    identity = json.dumps([collection.fingerprint, folder.asked.resolved()], default=str, sort_keys=True)
    key = xxhash.xxh3_64_hexdigest(identity.encode())
    if folder.facts.read().get("reading_of") == key:
        return
    found = cut_texts(recipe, collection)
    for line in cut_lines(found, collection):
        say(line)
    folder.facts.note(**{FACT: [asdict(each) for each in found], "reading_of": key})


def say_cut_texts(recipe: Recipe, collection: Collection) -> None:
    """The same without a run, for its plan."""
    for line in cut_lines(cut_texts(recipe, collection), collection):
        say(line)


def cut_texts(recipe: Recipe, collection: Collection) -> list[CutTexts]:
    """Measure the parts of texts that a recipe's models do not read, on a sample that the recipe's seed draws.

    Only tokenizers and configurations are loaded, and of long texts no more is tokenised than is read.
    """
    return cut_by(readers(recipe), collection, recipe.seed)


def cut_by(models: Sequence[Reader], collection: Collection, seed: int) -> list[CutTexts]:
    """Measure the parts of texts that some models do not read; see `cut_texts`."""
    groups: dict[tuple[Any, ...], list[Reader]] = {}
    for reader in models:
        groups.setdefault(reader.key, []).append(reader)
    if not groups:
        return []
    documents, queries = _sample(collection.corpus, seed), _sample(collection.queries, seed)
    return [_measure(same, documents, queries) for same in groups.values()]


def cut_lines(found: Sequence[CutTexts], collection: Collection) -> list[str]:
    """A line for each model that does not read all."""
    lines = []
    for one in found:
        parts = []
        if one.documents:
            parts.append(f"{_share(one.documents)} of the documents are longer, {_share(one.words)} of all words are")
            parts[-1] += " not read"
        if one.queries:
            parts.append(f"{_share(one.queries)} of the queries are cut")
        if parts:
            sizes = zip(
                one.looked_at, (len(collection.corpus), len(collection.queries)), ("documents", "queries"), strict=True
            )
            sampled = " and ".join(f"{seen} of {size} {kind}" for seen, size, kind in sizes if seen < size)
            sample = f" (by a sample: {sampled})" if sampled else ""
            lines.append(f"{one.where}: {one.name} reads {one.reads}: {'; '.join(parts)}{sample}")
    return lines


def _share(value: float) -> str:
    return "under 0.1 %" if value < 0.001 else f"{100 * value:.1f} %" if value < 0.1 else f"{100 * value:.0f} %"


def _sample(table: TextTable, seed: int) -> list[str]:
    """Texts of a table, drawn by a seed: all of a small one, in order."""
    rows = np.arange(len(table))
    if len(rows) > _SAMPLE:
        rows = np.sort(np.random.default_rng([seed, CUT_TEXTS]).choice(len(rows), _SAMPLE, replace=False))
    return table.texts(rows.tolist())


def _measure(same: Sequence[Reader], documents: list[str], queries: list[str]) -> CutTexts:
    reader = same[0]
    documents = _within_reach(reader, documents)
    words = np.array([_words(text) for text in documents], dtype=np.float64)
    unread = np.zeros(len(documents))
    if reader.document is not None:
        rooms = [reader.document] * len(documents)
        if reader.shared and queries:
            beside = [queries[place % len(queries)] for place in range(len(documents))]
            rooms = _left_beside(reader.tokenizer, beside, reader.document)
        ends = _ends(reader.tokenizer, documents, rooms)
        unread = np.array([_words(text[end:]) for text, end in zip(documents, ends, strict=True)])
    cut = 0.0
    if reader.query is not None and queries:
        ends = _ends(reader.tokenizer, queries, [reader.query] * len(queries))
        cut = float(np.mean([end < len(text.rstrip()) for text, end in zip(queries, ends, strict=True)]))
    return CutTexts(
        where=", ".join(each.where for each in same),
        name=reader.name,
        reads=reader.reads,
        documents=float((unread > 0).mean()) if len(unread) else 0.0,
        words=float(unread.sum() / max(words.sum(), 1)),
        queries=cut,
        looked_at=(len(documents), len(queries)),
    )


def _within_reach(reader: Reader, documents: list[str]) -> list[str]:
    """A number of the documents, evenly spaced, that a model reads in a few seconds."""
    longest = 12 * (reader.document or 0) + 200
    step = -(-sum(min(len(text), longest) for text in documents) // _CHARACTERS)
    return documents[:: max(1, step)]


def _left_beside(tokenizer: Any, queries: list[str], tokens: int) -> list[int]:
    """Tokens of a document that are read beside each query: of a pair the longer one is cut."""
    read = tokenizer([text[: 12 * tokens] for text in queries], add_special_tokens=False, verbose=False)["input_ids"]
    return [max(tokens - len(ids), tokens // 2) for ids in read]


def _ends(tokenizer: Any, texts: list[str], rooms: list[int]) -> list[int]:
    if tokenizer is not None:
        return characters_read(tokenizer, texts, rooms)
    return [end_of_words(text, words) for text, words in zip(texts, rooms, strict=True)]


def _words(text: str) -> float:
    """Words of a text; of a long one reckoned from its beginning."""
    part = text[:_COUNTED]
    return count_words(part) * len(text) / max(len(part), 1)
