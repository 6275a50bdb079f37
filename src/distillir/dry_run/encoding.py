"""The cost of encoding texts in a run: each text once by each model, and what the cache holds not at all."""

import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows
from distillir.collections.table import TextTable
from distillir.dry_run.speed import seconds_each, some
from distillir.encoding.device import pick_device
from distillir.encoding.identity import model_identity
from distillir.encoding.kinds import ENCODERS
from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.encoding.narrow import Stored
from distillir.encoding.precision import Precision, resolve_precision
from distillir.encoding.vectors import Kind


@dataclass(frozen=True)
class Encoder:
    """A model that encodes texts, as a source, a teacher or an evaluation names it.

    Attributes:
        kind: ``dense``, ``multi-vector`` or ``sparse``.
        model: Folder or name.
        max_length: Tokens per text at most; None: the model's own.
        precision: As a recipe names it.
        options: How it is loaded.
        stored: Form of documents on disk.
    """

    kind: str
    model: str
    max_length: int | None = None
    precision: str = "auto"
    options: ModelOptions = PLAIN
    stored: Stored = "float32"

    @classmethod
    def of(cls, kind: str, options: Any, default: str | None = None, trust: bool = False) -> "Encoder":
        """The encoder of a source's or a teacher's options; ``default`` is the model where they name none."""
        model = options.get("model")
        prompts, trusted = options.get("prompts"), bool(options.get("trust_remote_code"))
        own = ModelOptions.of(prompts, trusted if model is not None else trust)
        precision = str(options.get("precision", "auto"))
        name, stored = str(model if model is not None else default), options.get("stored", "float32")
        return cls(kind, name, options.get("max_length"), precision, own, stored)

    @property
    def resolved(self) -> Precision:
        """The precision that it computes in here."""
        return resolve_precision(self.precision, pick_device())

    def encode(self, model: Any, texts: list[str], side: Kind) -> Any:
        """Encode texts by a loaded model, without a cache, as the stages do."""
        return ENCODERS[self.kind].encode(model, texts, side, self.resolved)


@dataclass
class Encodings:
    """Texts that are encoded already, in the cache or earlier in the plan, and the cost of the others."""

    _done: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    _rates: dict[tuple[str, ...], float] = field(default_factory=dict)
    _loaded: dict[tuple[str, ...], tuple[Any, float]] = field(default_factory=dict)

    def seconds(self, encoder: Encoder, table: TextTable, rows: Rows, side: Kind, *, trained: str = "") -> float:
        """Seconds of encoding those of some rows that are not encoded yet; from now on they count as encoded.

        Args:
            encoder: The model.
            table: Corpus or queries.
            rows: Those that are needed.
            side: Which of the model's prompts and routes they take.
            trained: A word for weights that the model will have by then, of which the cache can hold nothing.
        """
        missing = self._missing(encoder, table, rows, side, trained)
        if not len(missing):
            return 0.0
        _, loading = self.load(encoder)
        return loading + len(missing) * self.each(encoder, table, missing, side)

    def each(self, encoder: Encoder, table: TextTable, rows: Rows, side: Kind) -> float:
        """Mean seconds of encoding one of some rows, len(rows) > 0."""
        key = (*_key(encoder), side, table.fingerprint)
        if key not in self._rates:
            model, _ = self.load(encoder)
            texts = table.texts(some(rows))
            lengths = np.array([len(text) for text in texts], dtype=np.int64)
            self._rates[key] = seconds_each(
                lengths, lambda places: encoder.encode(model, [texts[place] for place in places], side)
            )
        return self._rates[key]

    def load(self, encoder: Encoder) -> tuple[Any, float]:
        """The loaded model, and how many seconds loading takes."""
        key = _key(encoder)
        if key not in self._loaded:
            import sentence_transformers  # noqa: F401  whose import is not the model's

            start = time.monotonic()
            load = ENCODERS[encoder.kind].load
            model = load(encoder.model, max_length=encoder.max_length, options=encoder.options)
            self._loaded[key] = model, time.monotonic() - start
        return self._loaded[key]

    def _missing(self, encoder: Encoder, table: TextTable, rows: Rows, side: Kind, trained: str) -> Rows:
        done = self._known(encoder, table, side, trained)
        missing: Rows = np.unique(rows)
        missing = missing[~done[missing]]
        done[missing] = True
        if encoder.stored != "float32" and len(missing):  # what is there as float32 is narrowed
            plain = self._known(replace(encoder, stored="float32"), table, side, trained)
            missing = missing[~plain[missing]]
        return missing

    def _known(self, encoder: Encoder, table: TextTable, side: Kind, trained: str) -> npt.NDArray[np.bool_]:
        """Flags of the rows of a table that count as encoded."""
        key = f"{_folder(encoder, table, side)}{trained}"
        if key not in self._done:
            done = np.zeros(len(table), dtype=bool)
            if not trained:
                every = np.arange(len(table), dtype=np.int64)
                done[:] = True
                done[_not_stored(encoder, table, every, side)] = False
            self._done[key] = done
        return self._done[key]


def _folder(encoder: Encoder, table: TextTable, side: Kind) -> Any:
    settings = encoder.max_length, encoder.resolved
    form = {"stored": encoder.stored} if side == "document" and encoder.stored != "float32" else {}
    return ENCODERS[encoder.kind].folder(encoder.model, table, side, *settings, options=encoder.options, **form)


def _not_stored(encoder: Encoder, table: TextTable, rows: Rows, side: Kind) -> Rows:
    return ENCODERS[encoder.kind].missing(_folder(encoder, table, side), table, rows)


def _key(encoder: Encoder) -> tuple[str, ...]:
    identity = model_identity(encoder.model, encoder.options)
    return encoder.kind, identity, str(encoder.max_length), encoder.resolved
