"""The cost of a teacher's scores in a run: pairs that it reads, texts that it encodes, less what is kept already."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.files import cache_root
from distillir.dry_run.encoding import Encoder
from distillir.dry_run.lists import DryLists
from distillir.dry_run.search import ENOUGH, Searches
from distillir.dry_run.speed import SAMPLE, seconds_each
from distillir.language_models.spec import ServerSpec
from distillir.retrieval.sources import MODEL_SOURCES
from distillir.specs.form import Chosen
from distillir.teachers.answers.cache import ScoreCache
from distillir.teachers.answers.keys import pair_keys
from distillir.teachers.cross_encoders.cross_encoder import CrossEncoderTeacher
from distillir.teachers.cross_encoders.kind import CROSS_ENCODER
from distillir.teachers.cross_encoders.load import load_cross_encoder
from distillir.teachers.cross_encoders.pair_scores import quantised, score_pairs
from distillir.teachers.kind import TeacherKind
from distillir.teachers.language_models.kinds import asks
from distillir.teachers.members import members

#: Pairs that a language model is asked about.
_ASKED = 8
_TIMED_LISTS = 64


class TeacherCosts:
    """Seconds of a recipe's teachers.

    Args:
        searches: Over the plan's collection.
        lists: Of which queries with candidates pairs are timed.
    """

    def __init__(self, searches: Searches, lists: DryLists) -> None:
        self.searches, self.collection, self.lists = searches, searches.collection, lists
        self._rates: dict[str, tuple[float, float, float]] = {}

    def seconds(self, spec: Any, lists: Sequence[DryLists]) -> float | None:
        """Seconds of scoring lists; None where a server would be asked, or for a kind from elsewhere."""
        return _sum(self._seconds(chosen, lists) for chosen in members(spec))

    def _seconds(self, chosen: Chosen[TeacherKind], lists: Sequence[DryLists]) -> float | None:
        pairs = sum(one.pairs for one in lists)
        if chosen.name in MODEL_SOURCES:
            return self._encoded(Encoder.of(chosen.name, chosen.written), lists)
        if chosen.name == "bm25":
            return self._bm25(chosen.written, lists)
        if not _timed(chosen):
            return None
        each, missing, loading = self._pair(chosen)
        return missing * pairs * each + (loading if missing * pairs else 0.0)

    def new_texts(self, spec: Any, texts: int) -> float | None:
        """Seconds of scoring so many texts that no model has read, each beside one query; None as in `seconds`."""
        return _sum(self._new_texts(chosen, texts) for chosen in members(spec))

    def _new_texts(self, chosen: Chosen[TeacherKind], texts: int) -> float | None:
        if chosen.name in MODEL_SOURCES:
            every = np.arange(len(self.collection.corpus), dtype=np.int64)
            return texts * self.searches.encodings.each(
                Encoder.of(chosen.name, chosen.written), self.collection.corpus, every, "document"
            )
        if chosen.name == "bm25":
            return 0.0
        return texts * self._pair(chosen)[0] if _timed(chosen) else None

    def layers(self, spec: Mapping[str, Any], lists: DryLists) -> float:
        """Seconds of the scores of every layer of a teacher; what is kept already is counted too."""
        (chosen,) = members(spec)
        if chosen.name in MODEL_SOURCES:
            return self._new_texts(chosen, len(lists.distinct())) or 0.0
        each, _, loading = self._pair(chosen)
        return loading + each * lists.pairs

    def vectors(self, spec: Mapping[str, Any], rows: Mapping[str, Rows]) -> float:
        """Seconds of encoding those ``queries`` and ``documents`` that are not encoded yet by a dense teacher."""
        (chosen,) = members(spec)
        encoder, encodings, none = Encoder.of(chosen.name, chosen.written), self.searches.encodings, np.empty(0, int)
        spent = encodings.seconds(encoder, self.collection.queries, rows.get("queries", none), "query")
        return spent + encodings.seconds(encoder, self.collection.corpus, rows.get("documents", none), "document")

    def _encoded(self, encoder: Encoder, lists: Sequence[DryLists]) -> float:
        """Seconds of encoding the distinct texts, and of the products that are scores."""
        collection, encodings = self.collection, self.searches.encodings
        documents = np.unique(np.concatenate([one.distinct() for one in lists]))
        spent = encodings.seconds(encoder, collection.corpus, documents, "document")
        for one in lists:
            spent += encodings.seconds(encoder, collection.queries, one.every, "query")
        if not len(self.lists):
            return spent
        return spent + self.searches.pair_seconds(encoder, self.lists.queries) * sum(one.pairs for one in lists)

    def _bm25(self, options: dict[str, Any], lists: Sequence[DryLists]) -> float:
        index, inside = self.searches.bm25(options)
        scale = 1.0 if inside is None else len(self.collection.corpus) / len(inside)
        spent = 0.0
        for one in lists:
            some_lists = one.rows[:_TIMED_LISTS]
            if not some_lists:
                continue
            if inside is not None:
                some_lists = [np.searchsorted(inside, rows).clip(max=len(inside) - 1) for rows in some_lists]
            start = time.monotonic()
            index.score_lists(one.queries[: len(some_lists)], some_lists)
            # A search in a posting list: its length matters little.
            spent += (time.monotonic() - start) / len(some_lists) * one.total * max(1.0, np.log2(scale) / 8)
        return spent

    def _pair(self, chosen: Chosen[TeacherKind]) -> tuple[float, float, float]:
        """Seconds of a pair, the share of pairs whose score is not kept, and seconds of loading."""
        key = repr((chosen.name, chosen.written))
        if key not in self._rates:
            queries, documents = self._some_pairs()
            if not len(queries):
                return 0.0, 0.0, 0.0
            time_pairs = self._asked if asks(chosen.kind) else self._read
            self._rates[key] = time_pairs(chosen, queries, documents)
        return self._rates[key]

    def _some_pairs(self) -> tuple[Rows, Rows]:
        queries = np.concatenate(
            [np.full(len(rows), q) for q, rows in zip(self.lists.queries, self.lists.rows, strict=True)]
        )
        documents = np.concatenate(self.lists.rows)
        chosen = np.random.default_rng(1).permutation(len(queries))[:SAMPLE]
        return queries[chosen].astype(np.int64), documents[chosen]

    def _read(self, chosen: Chosen[TeacherKind], queries: Rows, documents: Rows) -> tuple[float, float, float]:
        """A cross-encoder, on pairs of every length."""
        collection, teacher = self.collection, chosen.kind.make(chosen.options, None)
        assert isinstance(teacher, CrossEncoderTeacher)
        kept = ScoreCache(cache_root() / "scores" / teacher.fingerprint(collection), compacts=False)
        kept.refresh()
        keys = pair_keys(collection.queries, queries, collection.corpus, documents)
        missing = float(np.isnan(kept.get(keys)).mean())
        start = time.monotonic()
        model = load_cross_encoder(teacher.model, max_length=teacher.max_length, options=teacher.options)
        precision = teacher.precision
        if precision == "int8":  # quantised once, as for one call
            model, precision = quantised(model), "float32"
        loading = time.monotonic() - start
        pairs = list(zip(collection.queries.texts(queries), collection.corpus.texts(documents), strict=True))
        lengths = np.array([len(query) + len(document) for query, document in pairs], dtype=np.int64)
        each = seconds_each(
            lengths, lambda places: list(score_pairs(model, [pairs[place] for place in places], precision=precision))
        )
        return each, missing, loading

    def _asked(self, chosen: Chosen[TeacherKind], queries: Rows, documents: Rows) -> tuple[float, float, float]:
        """A language model that runs here, asked about a few pairs; nothing is kept."""
        teacher = chosen.kind.make(chosen.options, self.searches.folder.scratch / "asked")
        start = time.monotonic()
        teacher.score(self.collection, queries[:1], [documents[:1]])
        loading, count, spent = time.monotonic() - start, 0, 0.0
        for place in range(1, min(1 + 4 * _ASKED, len(queries)), _ASKED):
            part = slice(place, place + _ASKED)
            start = time.monotonic()
            teacher.score(self.collection, queries[part], list(documents[part, None]))
            spent, count = spent + time.monotonic() - start, count + len(queries[part])
            if spent > ENOUGH:
                break
        return spent / max(count, 1), 1.0, loading


def _timed(chosen: Chosen[TeacherKind]) -> bool:
    """Tell whether a teacher's pairs can be timed: its model runs here."""
    if isinstance(chosen.options, ServerSpec):
        return False
    return asks(chosen.kind) or chosen.kind is CROSS_ENCODER


def _sum(seconds: Iterable[float | None]) -> float | None:
    """Seconds together; None where some are not known."""
    every = list(seconds)
    known = [one for one in every if one is not None]
    return sum(known) if len(known) == len(every) else None
