"""Report of queries for which a source found no document, before fusion with other sources hides it."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.progress import say
from distillir.collections import Collection
from distillir.collections.run import Run
from distillir.collections.table import TextTable

#: Texts that are looked at for their script.
_SAMPLE = 200
_CHARACTERS = 2000


def tell_found_nothing(
    source: Any, run: Run, collection: Collection, query_rows: Rows | Sequence[int], queries: str = "queries"
) -> int:
    """Say in one line for how many queries a source found nothing; silent where it found documents for all.

    Args:
        source: What searched; has a ``name``, and may have ``why_nothing(collection, query_rows)``, which gives the
            likely reason where not one query has a document.
        run: What it found.
        collection: The corpus and the queries.
        query_rows: The queries that were searched for.
        queries: What the line calls them, such as ``training queries``.

    Returns:
        How many.
    """
    sizes = dict(zip(run.queries.tolist(), np.diff(run.offsets).tolist(), strict=True))
    empty = [int(row) for row in query_rows if not sizes.get(int(row))]
    if not empty:
        return 0
    example = f"for example {collection.queries.id(empty[0])!r}"
    if len(empty) < len(query_rows):
        say(f"{source.name} found nothing for {len(empty)} of {len(query_rows)} {queries}, {example}")
        return len(empty)
    why = source.why_nothing(collection, np.asarray(empty)) if hasattr(source, "why_nothing") else ""
    reason = f": {why}" if why else ""
    say(f"Warning: {source.name} found nothing for any of {len(empty)} {queries}, {example}{reason}")
    return len(empty)


def different_scripts(collection: Collection, query_rows: Rows) -> str:
    """A phrase that names the scripts of queries and documents where they share none, else nothing.

    It looks at the first letters of some of the texts.
    """
    step = max(1, len(collection.corpus) // _SAMPLE)
    documents = _scripts(collection.corpus, range(0, len(collection.corpus), step))
    queries = _scripts(collection.queries, query_rows[:: max(1, len(query_rows) // _SAMPLE)].tolist())
    if not queries or not documents or queries.keys() & documents.keys():
        return ""
    asked, held = (max(found, key=lambda name: found[name]) for found in (queries, documents))
    return f"the queries are written in {asked} and the documents in {held}"


def _scripts(table: TextTable, rows: Iterable[int]) -> Counter[str]:
    """Counts of letters by the first word of their Unicode names (LATIN, CJK, DEVANAGARI), without the rare ones."""
    found: Counter[str] = Counter()
    for row in rows:
        found.update(
            unicodedata.name(letter, "?").split(maxsplit=1)[0].title().replace("Cjk", "CJK")
            for letter in table.text(row)[:_CHARACTERS]
            if letter.isalpha()
        )
    least = 0.02 * found.total()
    return Counter({name: count for name, count in found.items() if count >= least})
