"""Teachers that ask a language model: prompts, monoT5, query likelihood; and pairs by prompts and duoT5."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from distillir.base.arrays import Rows, Scores
from distillir.base.files import cache_root
from distillir.base.progress import progress
from distillir.collections import Collection
from distillir.collections.run import Run
from distillir.language_models.asker import UNANSWERED, Asker
from distillir.teachers.answers.cache import ScoreCache
from distillir.teachers.answers.former_answers import take_over
from distillir.teachers.answers.keys import Keys, pair_keys, triple_keys
from distillir.teachers.answers.score_missing import score_missing
from distillir.teachers.counted import CountedTeacher, check_finite, flatten, unflatten
from distillir.teachers.pairwise import PairwiseTeacher

# Questions whose texts stand in memory together.
_PER_BLOCK = 16_384


class Questions:
    """Questions to an `Asker` about texts of a collection, answered through the score cache.

    Args:
        asker: The language model.
        cache: Folder of the scores of all teachers (default: ``scores`` of the cache).
    """

    def __init__(self, asker: Asker, cache: Path | None = None) -> None:
        self.asker, self._root = asker, cache
        self._cache: ScoreCache | None = None
        self.found = {"asked": 0, "cached": 0}

    def answers(self, collection: Collection, keys: Keys, queries: Rows, documents: Sequence[Rows]) -> Scores:
        """Answers [N]: asked for once, each kept as soon as it is there; NaN where there is none.

        Args:
            collection: Where the texts are.
            keys: Of the texts [N, 2].
            queries: Query rows [N].
            documents: Document rows [N], of each document that a question holds.
        """
        if self._cache is None:
            self._cache = ScoreCache(self._folder(self.asker.kept_under()))
        cache = self._cache

        def ask_some(places: Rows) -> None:
            known = cache.get(keys)
            self.asker.readable = bool((~np.isnan(known) & (known != UNANSWERED)).any())
            self._ask(collection, keys[places], queries[places], [rows[places] for rows in documents])

        def ask(places: Rows) -> None:
            former = self.asker.formerly()
            if former is not None and self._folder(former).is_dir():
                left = take_over(ScoreCache(self._folder(former)), cache, keys, places, ask_some, self.asker.name)
                self.found["cached"] += len(places) - len(left)
                places = left
            if len(places):
                ask_some(places)

        found = score_missing(self._cache, keys, ask, self.found)
        return np.where(found == UNANSWERED, np.float32(np.nan), found)

    def known(self, keys: Keys) -> int:
        """Number of keys [N, 2] that the score cache has, those without an answer too; nothing is written."""
        cache = ScoreCache(self._folder(self.asker.kept_under()), compacts=False)
        return int(np.count_nonzero(~np.isnan(cache.get(keys))))

    def _folder(self, name: str) -> Path:
        return (self._root or cache_root() / "scores") / name

    def calls(self) -> dict[str, int]:
        """Number of questions asked, of answers found in the cache, and of unusual answers by the reason."""
        return {**self.found, **{name: count for name, count in self.asker.counts().items() if count}}

    def _ask(self, collection: Collection, keys: Keys, queries: Rows, documents: Sequence[Rows]) -> None:
        assert self._cache is not None
        self.asker.before(len(keys), self._characters(collection, queries, documents))
        with progress(f"Ask {self.asker.name}", len(keys)) as advance:
            for start in range(0, len(keys), _PER_BLOCK):
                block = slice(start, start + _PER_BLOCK)
                texts = [collection.corpus.texts(rows[block]) for rows in documents]
                asked = collection.queries.texts(queries[block])
                for places, values in self.asker.ask(asked, list(zip(*texts, strict=True))):
                    answered = values != UNANSWERED
                    rows = documents[0][block][places[answered]]
                    check_finite(self.asker.name, collection, queries[block][places[answered]], rows, values[answered])
                    self._cache.put(keys[block][places], values)
                    self.found["asked"] += len(places)
                    advance(len(places))

    def _characters(self, collection: Collection, queries: Rows, documents: Sequence[Rows], sample: int = 256) -> int:
        """Number of characters of all questions, estimated from a sample."""
        some = np.linspace(0, len(queries) - 1, min(sample, len(queries))).astype(np.int64)
        texts = zip(*(collection.corpus.texts(rows[some]) for rows in documents), strict=True)
        asked = collection.queries.texts(queries[some])
        lengths = [self.asker.length(query, given) for query, given in zip(asked, texts, strict=True)]
        return round(float(np.mean(lengths)) * len(queries))


class AskingTeacher(CountedTeacher):
    """A pointwise teacher: a language model asked about each candidate by itself.

    Args:
        asker: A question about one document.
        cache: As in `Questions`.
    """

    def __init__(self, asker: Asker, cache: Path | None = None) -> None:
        self.name = asker.name
        self._questions = Questions(asker, cache)

    def fingerprint(self, collection: Collection) -> str:
        """See `Asker.fingerprint`; the same for all collections."""
        return self._questions.asker.fingerprint()

    def calls(self) -> dict[str, int]:
        """See `Questions.calls`."""
        return self._questions.calls()

    def reads(self, query: str, document: str) -> bool:
        """See `Teacher.reads`."""
        return self._questions.asker.reads(query, document)

    def score(self, collection: Collection, queries: Rows, lists: Sequence[Rows]) -> list[Scores]:
        """Score candidate lists; see `Teacher.score`. NaN where the model gave no answer."""
        query_rows, document_rows, ends = flatten(queries, lists)
        keys = pair_keys(collection.queries, query_rows, collection.corpus, document_rows)
        scores = self._questions.answers(collection, keys, query_rows, [document_rows])
        return unflatten(scores, ends, len(lists))

    def known(self, collection: Collection, run: Run) -> int:
        """Number of a run's pairs that were asked about before; no model is loaded."""
        queries, documents, _ = flatten(run.queries, run.lists)
        return self._questions.known(pair_keys(collection.queries, queries, collection.corpus, documents))


class AskingPairs(PairwiseTeacher):
    """A pairwise teacher: a language model shown two documents.

    Args:
        asker: A question about two documents.
        distance: Ranks between the two at most, as published for its kind.
        cache: As in `Questions`.
    """

    def __init__(self, asker: Asker, distance: int, cache: Path | None = None) -> None:
        self.name, self.distance = asker.name, distance
        self._questions = Questions(asker, cache)

    def fingerprint(self) -> str:
        """See `Asker.fingerprint`."""
        return self._questions.asker.fingerprint()

    def calls(self) -> dict[str, int]:
        """See `Questions.calls`."""
        return self._questions.calls()

    def prefer(self, collection: Collection, queries: Rows, first: Rows, second: Rows) -> Scores:
        """Log-odds of aligned triples; see `PairwiseTeacher.prefer`."""
        keys = triple_keys(collection.queries, queries, collection.corpus, first, second)
        return self._questions.answers(collection, keys, queries, [first, second])
