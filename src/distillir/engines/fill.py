"""Filling of an engine's table: in batches, gone on with after a kill, refused where it was made from another."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.progress import progress, say
from distillir.collections import Collection
from distillir.engines.encodings import IndexedEncodings
from distillir.engines.engine import DocumentBatch, Engine


def check_table_record(engine: Engine, record: Mapping[str, Any], *, anew: bool) -> bool:
    """Tell whether a table is there that can be gone on with; one that is to be made anew is deleted.

    Args:
        engine: Whose table.
        record: What it is made from now.
        anew: Whether a table that was made from something else is deleted.

    Raises:
        DistillirError: It was made from something else, and may not be deleted; the message names what has changed.
    """
    there = engine.record()
    if there is None:
        return False
    if there == dict(record):
        return True
    if not there:  # whatever the flags: it is somebody's work
        raise DistillirError(
            "is there, and distillir did not make it", where=engine.place, remedy="choose another --table"
        )
    if anew:
        say(f"To be made anew: {engine.place}")
        engine.drop()
        return False
    names = [*record, *(name for name in there if name not in record)]
    changed = [name for name in names if there.get(name) != record.get(name)]
    raise DistillirError(
        f"does not fit: other {', '.join(changed)} than when it was made",
        where=engine.place,
        remedy="choose another --table, or give --anew to delete it and fill it again",
    )


def fill(engine: Engine, name: str, collection: Collection, encodings: IndexedEncodings, batch: int) -> int:
    """Add the documents that a table lacks, in the order of the collection.

    Args:
        engine: Its table is there.
        name: The engine's, for the progress.
        collection: The documents.
        encodings: Theirs.
        batch: Documents added at a time.

    Returns:
        How many were added.

    Raises:
        DistillirError: The table holds a document twice, or one that the collection does not have.
    """
    missing = missing_rows(engine, len(collection.corpus))
    there = len(collection.corpus) - len(missing)
    if there and len(missing):
        say(f"{engine.place}: {there} documents are there, {len(missing)} are to be added")
    corpus = collection.corpus
    with progress(f"Fill {name}", len(missing)) as advance:
        for start in range(0, len(missing), batch):
            rows = missing[start : start + batch]
            listed = rows.tolist()
            if listed[-1] - listed[0] == len(listed) - 1:  # a range is read as slices
                listed = range(listed[0], listed[-1] + 1)
            engine.add(
                DocumentBatch(
                    rows, corpus.ids(listed), corpus.titles(listed), corpus.bodies(listed), encodings.documents(rows)
                )
            )
            advance(len(rows))
    return len(missing)


def missing_rows(engine: Engine, documents: int) -> Rows:
    """Rows of the documents that are not in a table, ascending.

    Raises:
        DistillirError: The table holds a document twice, or one that the collection does not have.
    """
    there = engine.numbers()
    if len(there) and (len(np.unique(there)) < len(there) or there.min() < 0 or there.max() >= documents):
        raise DistillirError(
            "holds documents twice, or such that the collection does not have",
            where=engine.place,
            remedy="something else has written into it: give --anew to fill it again",
        )
    missing = np.ones(documents, dtype=bool)
    missing[there] = False
    return np.flatnonzero(missing).astype(np.int64)
