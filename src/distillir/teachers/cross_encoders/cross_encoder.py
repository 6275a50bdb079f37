"""A cross-encoder as teacher: query and document read together, one raw logit a pair."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from distillir.base.arrays import Rows, Scores
from distillir.base.fan_out import Workers, named_workers
from distillir.base.files import cache_root
from distillir.base.progress import progress
from distillir.collections import Collection
from distillir.collections.run import Run
from distillir.encoding.batches import input_chunks
from distillir.encoding.device import pick_device
from distillir.encoding.identity import model_identity
from distillir.encoding.model_options import ModelOptions
from distillir.encoding.reading import reads_whole
from distillir.teachers.answers.cache import ScoreCache
from distillir.teachers.answers.keys import Keys, pair_keys
from distillir.teachers.answers.score_missing import score_missing
from distillir.teachers.answers.share import InShare, new_keys
from distillir.teachers.counted import CountedTeacher, check_finite, flatten, unflatten
from distillir.teachers.cross_encoders.load import load_cross_encoder, pair_prompt
from distillir.teachers.cross_encoders.pair_scores import resolve_pair_precision, score_pairs

# Pairs whose texts stand in memory together; within it they are sorted by length.
PAIRS_PER_BLOCK = 65_536


class CrossEncoderTeacher(CountedTeacher):
    """Any sentence-transformers CrossEncoder with one label.

    Scores are raw logits: the activation that the model's configuration names (often a sigmoid) is not applied, as it
    flattens the differences that a student is to learn.

    Args:
        model: Folder or hub name; nothing is loaded before a score is missing.
        max_length: Tokens of query and document together at most (default: the model's own).
        precision: ``auto`` (bf16 where the device computes it in hardware, else float32), ``float32``, ``bf16``, or
            ``int8`` (dynamic quantisation of the linear layers, CPU only).
        batch_tokens: Padded tokens per batch (default: by device).
        cache: Folder of the scores of all teachers (default: ``scores`` of the cache).
        prompts: ``{query: ...}``, put before the query in place of the model's own default prompt.
        trust_remote_code: Whether code that comes with the model may run.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        max_length: int | None = None,
        precision: str = "auto",
        batch_tokens: int | None = None,
        cache: Path | None = None,
        prompts: Mapping[str, Any] | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        self.options = ModelOptions.of(prompts, trust_remote_code)
        self.model, self.max_length, self.batch_tokens = os.fspath(model), max_length, batch_tokens
        self.name = Path(self.model).name
        self.precision = resolve_pair_precision(precision, pick_device())
        self._root = cache
        self._loaded: Any = None
        self._cache: ScoreCache | None = None
        self._calls = {"asked": 0, "cached": 0}

    def fingerprint(self, collection: Collection) -> str:
        """Hash of weights, prompt, ``max_length`` and precision (hex); the same for all collections."""
        identity = ["cross-encoder", model_identity(self.model, self.options), self.max_length, self.precision]
        return xxhash.xxh3_128_hexdigest(json.dumps(identity).encode())

    def calls(self) -> dict[str, int]:
        """See `CountedTeacher.calls`."""
        return dict(self._calls)

    def reads(self, query: str, document: str) -> bool:
        """See `Teacher.reads`."""
        model = self._model()
        return reads_whole(model, (pair_prompt(model) or "") + query, document)

    def score(self, collection: Collection, queries: Rows, lists: Sequence[Rows]) -> list[Scores]:
        """Score candidate lists; see `Teacher.score` and `score_missing`."""
        query_rows, document_rows, ends = flatten(queries, lists)
        keys = pair_keys(collection.queries, query_rows, collection.corpus, document_rows)
        self._open(collection)
        assert self._cache is not None

        def ask(places: Rows) -> None:
            self._ask(collection, query_rows[places], document_rows[places], keys[places])

        scores = score_missing(self._cache, keys, ask, self._calls)
        check_finite(self.name, collection, query_rows, document_rows, scores)
        return unflatten(scores, ends, len(lists))

    def score_share(self, collection: Collection, runs: Sequence[Run], span: tuple[float, float]) -> int:
        """Score a share of the pairs of some runs into the score cache, in the batches that `score` makes of all.

        Args:
            collection: Where the texts are.
            runs: In the order in which one process asks about them.
            span: Where the share begins and ends in the pairs of each run, from 0 to 1.

        Returns:
            Number of pairs that were asked; what the cache has is not.
        """
        cache, before = self._open(collection), self._calls["asked"]
        seen = np.empty((0, 2), dtype=np.uint64)
        for run in runs:
            queries, documents, _ = flatten(run.queries, run.lists)
            keys = pair_keys(collection.queries, queries, collection.corpus, documents)
            places, seen = new_keys(keys, seen)
            self._ask(collection, queries[places], documents[places], keys[places], span)
        cache.close()
        return self._calls["asked"] - before

    def known(self, collection: Collection, run: Run) -> int:
        """Number of a run's pairs that the score cache has; no model is loaded, and nothing is written."""
        queries, documents, _ = flatten(run.queries, run.lists)
        keys = pair_keys(collection.queries, queries, collection.corpus, documents)
        cache = ScoreCache((self._root or cache_root() / "scores") / self.fingerprint(collection), compacts=False)
        return int(np.count_nonzero(~np.isnan(cache.get(keys))))

    def _open(self, collection: Collection) -> ScoreCache:
        if self._cache is None:
            self._cache = ScoreCache((self._root or cache_root() / "scores") / self.fingerprint(collection))
        return self._cache

    def _model(self) -> Any:
        if self._loaded is None:
            self._loaded = load_cross_encoder(self.model, max_length=self.max_length, options=self.options)
        return self._loaded

    def _ask(
        self,
        collection: Collection,
        queries: Rows,
        documents: Rows,
        keys: Keys,
        span: tuple[float, float] | None = None,
    ) -> None:
        """Score aligned pairs, each batch into the cache as soon as it is there.

        Args:
            collection: Where the texts are.
            queries: Query rows [N].
            documents: Document rows [N].
            keys: Of the pairs [N, 2].
            span: Which share of the pairs is asked about, less what the cache has; None: all of them.
        """
        assert self._cache is not None
        workers = named_workers()
        if workers is not None:
            assert span is None  # the command line refuses --shard beside --on
            self._ask_workers(workers, collection, queries, documents, keys)
            return
        blocks = -(-len(keys) // PAIRS_PER_BLOCK)
        share = 1.0 if span is None else span[1] - span[0]
        with progress(f"Ask {self.name}", round(share * len(keys))) as advance:
            for number in range(blocks):
                wanted = None
                if span is not None:
                    inside = span[0] * blocks - number, span[1] * blocks - number
                    if inside[0] >= 1 or inside[1] <= 0:
                        continue
                block = slice(number * PAIRS_PER_BLOCK, (number + 1) * PAIRS_PER_BLOCK)
                query_rows, document_rows = queries[block], documents[block]
                if span is not None:
                    missing = np.isnan(self._cache.get(keys[block]))
                    if not missing.any():
                        advance(len(missing))
                        continue
                    wanted = InShare(missing, *inside)
                pairs = list(
                    zip(collection.queries.texts(query_rows), collection.corpus.texts(document_rows), strict=True)
                )
                found_by = score_pairs(
                    self._model(), pairs, batch_tokens=self.batch_tokens, precision=self.precision, wanted=wanted
                )
                for places, found in found_by:
                    check_finite(self.name, collection, query_rows[places], document_rows[places], found)
                    self._cache.put(keys[block][places], found)
                    self._calls["asked"] += len(places)
                    advance(len(places))

    def _ask_workers(
        self, workers: Workers, collection: Collection, queries: Rows, documents: Rows, keys: Keys
    ) -> None:
        """`_ask` by workers, in the same batches: each task is what would be tokenised together here."""
        assert self._cache is not None

        def tasks() -> Iterator[tuple[Rows, list[tuple[str, str]]]]:
            for start in range(0, len(keys), PAIRS_PER_BLOCK):
                block = slice(start, start + PAIRS_PER_BLOCK)
                texts = collection.queries.texts(queries[block]), collection.corpus.texts(documents[block])
                pairs = list(zip(*texts, strict=True))
                for chunk in input_chunks(pairs):
                    yield start + chunk, [pairs[place] for place in chunk]

        load = partial(load_cross_encoder, self.model, max_length=self.max_length, options=self.options)
        score = partial(_scores_of, batch_tokens=self.batch_tokens, precision=self.precision)
        with progress(f"Ask {self.name}", len(keys)) as advance:
            for places, found in workers.each(load, score, tasks()):
                check_finite(self.name, collection, queries[places], documents[places], found)
                self._cache.put(keys[places], found)
                self._calls["asked"] += len(places)
                advance(len(places))


def _scores_of(model: Any, pairs: list[tuple[str, str]], *, batch_tokens: int | None, precision: str) -> Scores:
    """Raw logits [N] of pairs."""
    scores = np.full(len(pairs), np.nan, dtype=np.float32)
    for places, found in score_pairs(model, pairs, batch_tokens=batch_tokens, precision=precision):
        scores[places] = found
    return scores
