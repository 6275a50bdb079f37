"""BM25 over bm25s: an index on disk, search, and exact scores for given pairs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from filelock import FileLock

from distillir.base.arrays import Rows, Scores
from distillir.base.files import cache_root
from distillir.base.processes import world_size
from distillir.base.progress import progress
from distillir.collections import Collection
from distillir.collections.run import Run, from_lists
from distillir.retrieval.bm25_build import MEAN_LENGTH_FILE, build_index, inverse_frequencies
from distillir.retrieval.bm25_search import PrunedSearch, open_search
from distillir.retrieval.bm25_settings import BM25Settings

_QUERIES_PER_BLOCK = 1024
_SEARCHED_AT_ONCE = 256


class BM25Index:
    """A BM25 index of one collection's corpus, memory-mapped; make one with `build_or_load`."""

    def __init__(self, collection: Collection, settings: BM25Settings, folder: Path) -> None:
        import bm25s

        self.collection, self.settings = collection, settings
        self._index = bm25s.BM25.load(folder, mmap=True, show_progress=False)
        self._tokenizer = settings.tokenizer()
        self._tokenizer.load_vocab(folder)
        self._query_tokenizer = settings.for_queries(self._tokenizer)
        self._mean_length = float(np.load(folder / MEAN_LENGTH_FILE))
        self._lock = Lock()
        self._opened = self._index, folder, settings.fingerprint(collection.corpus)
        self._search = open_search(*self._opened)

    @classmethod
    def build_or_load(
        cls,
        collection: Collection,
        *,
        k1: float = 0.9,
        b: float = 0.4,
        stemmer: str | None = None,
        stopwords: str | None = "en",
        identifiers: bool = False,
        cache: Path | None = None,
    ) -> "BM25Index":
        """Open the index of a corpus, building it first where the cache has none.

        Args:
            collection: The corpus to index, and the queries that `search` takes its texts from.
            k1: As in `BM25Settings`, like the next three.
            b: Strength of the length normalisation.
            stemmer: Snowball algorithm or None.
            stopwords: Language of the stop words or None.
            identifiers: Also index the parts of names in code.
            cache: Folder that holds indices (default: ``bm25`` of the cache).

        Returns:
            The index; the folder it lies in can be opened by ``bm25s.BM25.load`` too.

        Raises:
            DistillirError: Unknown stemmer or stop words, ``k1`` or ``b`` out of range, or a corpus without words.
        """
        settings = BM25Settings(k1, b, stemmer, stopwords, identifiers)
        settings.check()
        folder = (cache or cache_root() / "bm25") / settings.fingerprint(collection.corpus)
        if not folder.exists():
            with _alone(folder):
                if not folder.exists():
                    build_index(collection.corpus, settings, folder)
        return cls(collection, settings, folder)

    @property
    def prunes(self) -> bool:
        """Tell whether searches pass over postings that cannot matter, in several threads."""
        return isinstance(self._search, PrunedSearch)

    def search_as_of(self, documents: int) -> None:
        """Search from now on by the way that an index of so many documents is searched by."""
        self._search = open_search(*self._opened, documents)

    def search(self, query_rows: Rows, depth: int, name: str = "bm25") -> Run:
        """Rank the corpus for queries of the collection.

        Documents that share no term with the query are not listed, so a list may be shorter than ``depth``, or empty.
        Ties are broken by document row, ascending.

        Args:
            query_rows: Query rows [Q].
            depth: Documents per query at most.
            name: The run's name.

        Returns:
            The run.
        """
        found: list[tuple[Rows, Scores]] = []
        with progress("BM25: searching", total=len(query_rows)) as advance:
            terms = self._terms(query_rows)
            while block := list(islice(terms, _SEARCHED_AT_ONCE)):
                found += self._search(block, depth)
                advance(len(block))
        return from_lists(query_rows, [d for d, _ in found], [s for _, s in found], name)

    def search_text(self, text: str, depth: int) -> tuple[Rows, Scores]:
        """Rank the corpus for one text, from any thread: rows [K] and scores [K] as `search` finds them."""
        with self._lock:  # the stemmer is no two threads' at once
            terms = self._tokenise([text], self._query_tokenizer)[0]
        return self._search([terms], depth)[0]

    def score(self, query_text: str, document_rows: Rows) -> Scores:
        """BM25 scores [N] of one query text for given document rows [N]; 0 where no term is shared."""
        return self._score(self._tokenise([query_text], self._query_tokenizer)[0], document_rows)

    def score_lists(self, query_rows: Rows, lists: Sequence[Rows]) -> list[Scores]:
        """Scores of candidate lists, one list of document rows per query row; see `score`."""
        return [self._score(t, rows) for t, rows in zip(self._terms(query_rows), lists, strict=True)]

    def score_texts(self, query_row: int, texts: Sequence[str]) -> Scores:
        """BM25 scores [len(texts)] of texts outside the corpus, by the corpus's counts and its mean length.

        Words that the corpus does not have are passed over.
        """
        settings, pointers = self.settings, self._index.scores["indptr"]
        (terms,) = self._terms(np.array([query_row]))
        tokens = self._tokenise(list(texts), self._tokenizer)
        lengths = np.array([len(ids) for ids in tokens], dtype=np.int64)
        norms = settings.k1 * (1 - settings.b + settings.b * lengths / self._mean_length)
        scores = np.zeros(len(tokens), dtype=np.float64)
        for term in terms:
            counts = np.array([ids.count(term) for ids in tokens], dtype=np.int64)
            inside = np.array([pointers[term + 1] - pointers[term]], dtype=np.int64)
            scores += (
                inverse_frequencies(len(self.collection.corpus), inside) * counts / np.maximum(counts + norms, 1e-9)
            )
        return scores.astype(np.float32)

    def _terms(self, query_rows: Rows) -> Iterator[list[int]]:
        for start in range(0, len(query_rows), _QUERIES_PER_BLOCK):
            texts = self.collection.queries.texts(query_rows[start : start + _QUERIES_PER_BLOCK])
            yield from self._tokenise(texts, self._query_tokenizer)

    def _tokenise(self, texts: list[str], tokenizer: Any) -> list[list[int]]:
        tokens = tokenizer.streaming_tokenize(texts, update_vocab=False, allow_empty=False)
        return [list(ids) for ids in tokens]

    def _score(self, terms: list[int], document_rows: Rows) -> Scores:
        scores = np.zeros(len(document_rows), dtype=np.float32)
        # Of the index's own type: searchsorted would else copy the whole posting list.
        wanted = np.asarray(document_rows).astype(np.int32)
        pointers = self._index.scores["indptr"]
        for term in terms:
            part = slice(int(pointers[term]), int(pointers[term + 1]))
            documents, values = self._index.scores["indices"][part], self._index.scores["data"][part]
            places = np.minimum(np.searchsorted(documents, wanted), len(documents) - 1)
            scores += np.where(documents[places] == wanted, values[places], np.float32(0))
        return scores


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one of a run's processes build what the others wait for; by a file's lock, as a collective would run out.

    Where a file system has no locks, each builds, and the first to end wins.
    """
    if world_size() == 1:
        yield
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    with suppress(OSError, NotImplementedError):
        lock.acquire()
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)  # who waits for it holds it still, and finds the index there
        lock.release()
