"""Base of teachers that encode query and document apart: encodings are kept, and a score is a product of them."""

import json
import os
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xxhash

from distillir.base.arrays import Rows, Scores
from distillir.collections import Collection
from distillir.encoding.device import pick_device
from distillir.encoding.identity import model_identity
from distillir.encoding.model_options import ModelOptions
from distillir.encoding.precision import resolve_precision
from distillir.encoding.reading import reads_whole
from distillir.encoding.vectors import prompt_for
from distillir.teachers.counted import CountedTeacher, check_finite, flatten, unflatten

#: Queries whose candidates' vectors stand in memory together.
QUERIES_PER_BLOCK = 4096


class EncoderTeacher(CountedTeacher):
    """A model that encodes texts one by one. Encoding is the costly part, so that encodings are kept, not scores.

    Args:
        model: Folder, alias or hub name.
        max_length: Tokens per text at most (default: the model's own).
        precision: ``auto``, ``float32`` or ``bf16``, of the encoder; scores are made in float32.
        cache: Folder of encodings (default: that of the cache).
        prompts: What stands before texts; see `distillir.encoding.model_options.check_prompts`.
        trust_remote_code: Whether code that comes with the model may run.
    """

    #: The kind of model, and what loads one.
    kind: ClassVar[str]
    load: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        max_length: int | None = None,
        precision: str = "auto",
        cache: Path | None = None,
        prompts: Mapping[str, Any] | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        self.options = ModelOptions.of(prompts, trust_remote_code)
        self.model, self.max_length = os.fspath(model), max_length
        self.name = Path(self.model).name
        self.precision = resolve_precision(precision, pick_device())
        self.encoding: dict[str, Any] = {"max_length": max_length, "precision": self.precision, "cache": cache}
        self.encoding["options"] = self.options
        self._reader: Any = None

    def fingerprint(self, collection: Collection) -> str:
        """Hash of weights, prompts, ``max_length`` and precision (hex); the same for all collections."""
        identity = [self.kind, model_identity(self.model, self.options), self.max_length, self.precision]
        return xxhash.xxh3_128_hexdigest(json.dumps(identity).encode())

    def reads(self, query: str, document: str) -> bool:
        """See `Teacher.reads`."""
        if self._reader is None:
            self._reader = type(self).load(self.model, max_length=self.max_length, device="cpu", options=self.options)
        return reads_whole(self._reader, (prompt_for(self._reader, "document") or "") + document)

    @abstractmethod
    def pairs(self, collection: Collection, queries: Rows, documents: Rows) -> Scores:
        """Scores [N] of aligned query rows and document rows [N], N > 0; a query's pairs stand side by side."""

    def score(self, collection: Collection, queries: Rows, lists: Sequence[Rows]) -> list[Scores]:
        """Score candidate lists; see `Teacher.score`."""
        scores: list[Scores] = []
        for start in range(0, len(lists), QUERIES_PER_BLOCK):
            block = lists[start : start + QUERIES_PER_BLOCK]
            query_rows, document_rows, ends = flatten(queries[start : start + QUERIES_PER_BLOCK], block)
            flat = np.empty(0, dtype=np.float32)
            if len(query_rows):
                flat = self.pairs(collection, query_rows, document_rows)
                check_finite(self.name, collection, query_rows, document_rows, flat)
            scores += unflatten(flat, ends, len(block))
        return scores
