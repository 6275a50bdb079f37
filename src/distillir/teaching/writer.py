"""Writing a teaching set list by list, in little memory."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from distillir.base.arrays import Flags, Rows, Scores, as_scores
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory, write_json
from distillir.collections import Collection
from distillir.encoding.fingerprint import file_hash
from distillir.teaching.columns import INFO_FILE, VERSION, arrow_schema
from distillir.teaching.teaching_set import TeachingSet, open_teaching_set

LISTS_PER_BATCH = 1000


class TeachingWriter:
    """Write lists into ``folder`` (existing; the caller makes it appear atomically), then `close`.

    Args:
        folder: Where to write.
        collection: Whose rows the lists hold.
        has_scores: Whether teacher scores come with the lists.
    """

    def __init__(self, folder: Path, collection: Collection, *, has_scores: bool) -> None:
        self.folder, self.collection, self.has_scores = folder, collection, has_scores
        self.lists = self.candidates = 0
        self._stream = folder / "stream" / "lists.arrow"  # `datasets` does not save beside a file it reads
        self._stream.parent.mkdir()
        self._sink = pa.OSFile(str(self._stream), "wb")
        self._writer = pa.ipc.new_stream(self._sink, arrow_schema(has_scores))
        self._pending: list[tuple[int, Rows, Scores | None, Flags]] = []

    def add(self, query: int, documents: Rows, scores: Scores | None, relevant: Flags | None) -> None:
        """Append one list.

        Args:
            query: Query row.
            documents: Document rows [N], distinct.
            scores: Raw teacher scores [N], finite; None in a set without scores.
            relevant: Judged relevant or not [N]; None for not.

        Raises:
            DistillirError: The lengths differ, a row does not exist or occurs twice, or a score is not finite.
        """
        rows = np.asarray(documents, dtype=np.int64)
        flags = np.zeros(len(rows), dtype=bool) if relevant is None else np.asarray(relevant, dtype=bool)
        values = as_scores(scores) if scores is not None else None
        self._check(query, rows, values, flags)
        self._pending.append((int(query), rows, values, flags))
        self.lists += 1
        self.candidates += len(rows)
        if len(self._pending) == LISTS_PER_BATCH:
            self._flush()

    def _check(self, query: int, rows: Rows, scores: Scores | None, relevant: Flags) -> None:
        if not 0 <= query < len(self.collection.queries):
            raise DistillirError(f"query row {query} of {len(self.collection.queries)}", where=self.collection.name)
        if len(rows) and not (rows.min() >= 0 and rows.max() < len(self.collection.corpus)):
            wrong = rows[(rows < 0) | (rows >= len(self.collection.corpus))][0]
            raise DistillirError(f"document row {wrong} of {len(self.collection.corpus)}", where=self.collection.name)
        name = f"query {self.collection.queries.id(query)!r}"
        if (scores is None) == self.has_scores:
            raise DistillirError(f"{name} has {'no ' if self.has_scores else ''}scores, unlike the set")
        for kind, values in (("scores", scores), ("relevances", relevant)):
            if values is not None and len(values) != len(rows):
                raise DistillirError(f"{name} has {len(rows)} candidates and {len(values)} {kind}")
        distinct, counts = np.unique(rows, return_counts=True)
        if len(distinct) < len(rows):
            twice = self.collection.corpus.id(int(distinct[counts > 1][0]))
            raise DistillirError(f"{name} has document {twice!r} twice in its list")
        if scores is not None and not np.isfinite(scores).all():
            place = int(np.flatnonzero(~np.isfinite(scores))[0])
            document = self.collection.corpus.id(int(rows[place]))
            raise DistillirError(
                f"{name} and document {document!r} have the teacher score {scores[place]}",
                remedy="leave the document out or score it again",
            )

    def _flush(self) -> None:
        if not self._pending:
            return
        queries = [query for query, *_ in self._pending]
        sizes = np.array([len(rows) for _, rows, _, _ in self._pending])
        offsets = pa.array(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32))
        rows = np.concatenate([rows for _, rows, _, _ in self._pending])
        lists = {
            "documents": pa.array(rows),
            "document_ids": pa.array(self.collection.corpus.ids(rows), type=pa.string()),
            "relevant": pa.array(np.concatenate([flags for *_, flags in self._pending])),
        }
        if self.has_scores:
            lists["scores"] = pa.array(np.concatenate([s for _, _, s, _ in self._pending if s is not None]))
        columns = {name: pa.ListArray.from_arrays(offsets, values) for name, values in lists.items()}
        columns["query"] = pa.array(queries, type=pa.int64())
        columns["query_id"] = pa.array(self.collection.queries.ids(queries), type=pa.string())
        kinds = arrow_schema(self.has_scores)
        self._writer.write_batch(pa.record_batch([columns[name] for name in kinds.names], schema=kinds))
        self._pending = []

    def close(self, info: Mapping[str, Any], collection_path: str) -> None:
        """Finish the files: what `datasets.load_from_disk` reads, and ``teaching.json``.

        Args:
            info: Kept in ``teaching.json`` as it is.
            collection_path: Where the collection will lie, absolute or relative to the teaching set.

        Raises:
            DistillirError: Nothing was added.
        """
        import datasets

        if not self.lists:
            raise DistillirError("no query has a list of candidates", remedy="mine candidates first: distillir mine")
        self._flush()
        self._writer.close()
        self._sink.close()
        bars = datasets.are_progress_bars_disabled()
        datasets.disable_progress_bars()
        try:
            written = datasets.Dataset.from_file(str(self._stream))
            # By itself it is made of the file's time: the same lists would give other bytes each time.
            written._fingerprint = file_hash(self._stream)[:16]
            written.save_to_disk(str(self.folder))
        finally:
            if not bars:
                datasets.enable_progress_bars()
        shutil.rmtree(self._stream.parent)
        about = {"name": self.collection.name, "fingerprint": self.collection.fingerprint, "path": collection_path}
        fixed = {
            "version": VERSION,
            "collection": about,
            "signals": ["scores"] if self.has_scores else [],
            "lists": self.lists,
            "candidates": self.candidates,
        }
        write_json(self.folder / INFO_FILE, {**info, **fixed})


def build_teaching_set(
    collection: Collection,
    queries: Rows,
    lists: Sequence[Rows],
    scores: Sequence[Scores] | None,
    relevant: Sequence[Flags] | None,
    info: Mapping[str, Any],
    path: Path,
) -> TeachingSet:
    """Write a teaching set and open it; ``path`` appears only when it is complete.

    Args:
        collection: Whose rows are given.
        queries: Query rows [Q]; a query may occur more than once, with different lists.
        lists: Document rows of each list.
        scores: Raw teacher scores of each list; None for candidates that are still to be scored.
        relevant: Judged relevant or not, of each list; None for nothing judged (see `judged_relevant`).
        info: What to keep in ``teaching.json``, for example ``{"teacher": {"name": ..., "fingerprint": ...}}``.
        path: The folder to make; one that exists is replaced.

    Raises:
        DistillirError: As `TeachingWriter.add`, or the arguments are of different lengths.
    """
    for name, values in (("lists", lists), ("scores", scores), ("relevant", relevant)):
        if values is not None and len(values) != len(queries):
            raise DistillirError(f"{len(values)} {name} for {len(queries)} queries", where=path)
    with atomic_directory(path) as folder:
        writer = TeachingWriter(folder, collection, has_scores=scores is not None)
        for i, query in enumerate(queries):
            writer.add(
                int(query),
                lists[i],
                scores[i] if scores is not None else None,
                relevant[i] if relevant is not None else None,
            )
        writer.close(info, str(collection.path.resolve()))
    return open_teaching_set(path, collection)
