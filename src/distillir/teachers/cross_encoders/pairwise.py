"""A pairwise cross-encoder as teacher: query and two documents read together, one logit."""

import json
import os
from pathlib import Path
from typing import Any

import xxhash

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.base.files import cache_root
from distillir.base.progress import progress
from distillir.collections import Collection
from distillir.encoding.device import pick_device
from distillir.encoding.identity import check_own_code, model_identity
from distillir.encoding.model_files import resolve_model
from distillir.encoding.model_options import ModelOptions
from distillir.teachers.answers.cache import ScoreCache
from distillir.teachers.answers.keys import Keys, triple_keys
from distillir.teachers.answers.score_missing import score_missing
from distillir.teachers.counted import check_finite
from distillir.teachers.cross_encoders.load import PAIRWISE_FILE, load_cross_encoder
from distillir.teachers.cross_encoders.pair_scores import resolve_pair_precision, score_pairs
from distillir.teachers.cross_encoders.pair_text import PairText
from distillir.teachers.pairwise import PairwiseTeacher

# Pairs whose texts stand in memory together; within it they are sorted by length.
PAIRS_PER_BLOCK = 32_768


class PairwiseCrossEncoder(PairwiseTeacher):
    """A cross-encoder that ``distillir train-teacher --pairwise`` fine-tuned. Ours: the paper's reads by duoT5.

    Args:
        model: Its folder.
        precision: ``auto``, ``float32``, ``bf16`` or ``int8``; see `distillir.teachers.cross_encoders.cross_encoder`.
        batch_tokens: Padded tokens per batch (default: by device).
        cache: Folder of the scores of all teachers (default: ``scores`` of the cache).
        trust_remote_code: Whether code that comes with the model may run.

    Raises:
        DistillirError: There is no such folder, or it holds no pairwise cross-encoder.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        precision: str = "auto",
        batch_tokens: int | None = None,
        cache: Path | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        self.options = ModelOptions(trust_remote_code=trust_remote_code)
        self.model, self.batch_tokens = os.fspath(model), batch_tokens
        self.name = Path(self.model).name
        if not Path(resolve_model(self.model)).is_dir():
            raise DistillirError("there is no such folder", where=self.model, remedy="check the path")
        if not (Path(resolve_model(self.model)) / PAIRWISE_FILE).is_file():
            raise DistillirError(
                "is no pairwise cross-encoder", where=self.model, remedy="make one: distillir train-teacher --pairwise"
            )
        check_own_code(self.model, self.options)
        self.precision = resolve_pair_precision(precision, pick_device())
        self._root = cache
        self._loaded: Any = None
        self._cache: ScoreCache | None = None
        self._calls = {"asked": 0, "cached": 0}

    def fingerprint(self) -> str:
        """Hash of weights and precision (hex)."""
        identity = ["pairwise-cross-encoder", model_identity(self.model, self.options), self.precision]
        return xxhash.xxh3_128_hexdigest(json.dumps(identity).encode())

    def calls(self) -> dict[str, int]:
        """See `PairwiseTeacher.calls`."""
        return dict(self._calls)

    def prefer(self, collection: Collection, queries: Rows, first: Rows, second: Rows) -> Scores:
        """Log-odds of aligned triples; see `PairwiseTeacher.prefer`."""
        keys = triple_keys(collection.queries, queries, collection.corpus, first, second)
        if self._cache is None:
            self._cache = ScoreCache((self._root or cache_root() / "scores") / self.fingerprint())

        def ask(places: Rows) -> None:
            self._ask(collection, queries[places], first[places], second[places], keys[places])

        return score_missing(self._cache, keys, ask, self._calls)

    def _ask(self, collection: Collection, queries: Rows, first: Rows, second: Rows, keys: Keys) -> None:
        assert self._cache is not None
        if self._loaded is None:
            self._loaded = load_cross_encoder(self.model, pairwise=True, options=self.options)
        model = self._loaded
        text = PairText(model.tokenizer, model.max_seq_length)
        with progress(f"Ask {self.name}", len(keys)) as advance:
            for start in range(0, len(keys), PAIRS_PER_BLOCK):
                block = slice(start, start + PAIRS_PER_BLOCK)
                asked = text.queries(collection.queries.texts(queries[block]))
                joined = text.joined(collection.corpus.texts(first[block]), collection.corpus.texts(second[block]))
                pairs = list(zip(asked, joined, strict=True))
                for places, found in score_pairs(
                    model, pairs, batch_tokens=self.batch_tokens, precision=self.precision
                ):
                    check_finite(self.name, collection, queries[block][places], first[block][places], found)
                    self._cache.put(keys[block][places], found)
                    self._calls["asked"] += len(places)
                    advance(len(places))
