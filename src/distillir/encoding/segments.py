"""Texts to rows of varying length (token vectors, sparse vectors): encoded once, kept on disk in segments of rows."""

import os
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from distillir.base.allocator import keep_freed_memory
from distillir.base.arrays import Rows
from distillir.base.environment import raise_if_refused
from distillir.base.errors import DistillirError
from distillir.base.fan_out import named_workers
from distillir.base.files import atomic_directory, cache_root
from distillir.base.processes import barrier, rank, world_size
from distillir.base.progress import progress
from distillir.collections.table import TextTable
from distillir.encoding.batches import token_batches
from distillir.encoding.device import pick_device
from distillir.encoding.identity import model_identity
from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.encoding.narrow import Stored
from distillir.encoding.narrow_segments import narrowed_arrays
from distillir.encoding.precision import Precision, autocast, resolve_precision
from distillir.encoding.segment_manifest import keep_manifest, spans_of
from distillir.encoding.vectors import LABEL, Kind, prompt_for

# A kill loses at most this many texts.
ROWS_PER_SEGMENT = 1024
#: Share of the segments that whoever adds some leaves out of the manifest at most.
_UNNOTED = 1 / 16

#: What a segment holds: ``ends`` [rows], where each row's part of the other arrays ends, and those arrays.
Arrays = dict[str, npt.NDArray[Any]]


class Segments:
    """The encoded rows of a table: folders, each with ``rows.npy`` (ascending) and the arrays of `Arrays`.

    Which rows they hold stands in one manifest beside them; only segments that it does not name are opened.

    Args:
        folder: Where the segments are.
        rows: Rows of the table.

    Attributes:
        rows: Rows of the table.
    """

    def __init__(self, folder: Path, rows: int) -> None:
        self.folder, self.rows = folder, rows
        self._names = sorted(name for name in _listed(folder) if not name.startswith("."))
        self._spans, self._unnoted = spans_of(
            folder, self._names, lambda name: load_array(folder / name / "rows.npy").astype(np.int64, copy=False)
        )

    @cached_property
    def paths(self) -> list[Path]:
        """The segments."""
        return [self.folder / name for name in self._names]

    @cached_property
    def _places(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        return self._spans.places(self.rows)

    @property
    def segment(self) -> npt.NDArray[np.int32]:
        """Segment that each row of the table is in [rows]; -1 where it is not encoded."""
        return self._places[0]

    @property
    def place(self) -> npt.NDArray[np.int32]:
        """Place of each row in its segment [rows]."""
        return self._places[1]

    @property
    def sizes(self) -> Rows:
        """Rows of each segment."""
        return self._spans.sizes

    def missing(self, rows: Rows) -> Rows:
        """The rows among those given that are not encoded yet, each once, ascending."""
        # numpy hashes whole numbers to find distinct ones: half a minute for 20 million that are distinct already.
        ascending = bool((rows[1:] > rows[:-1]).all())
        return self._spans.missing(rows if ascending else np.unique(rows))

    def note(self, *, at_least: float = 0.0) -> None:
        """Write the manifest, where it differs from what is there.

        Args:
            at_least: Segments by which it must differ, as a share of all: who adds a few to many need not write them
                all.
        """
        if rank() == 0 and self._unnoted > at_least * len(self._names):
            keep_manifest(self.folder, self._names, self._spans)
            self._unnoted = 0


def _listed(folder: Path) -> list[str]:
    """Names in a folder; none where it is not there."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except (FileNotFoundError, NotADirectoryError):
        return []


def load_array(file: Path, mapped: bool = False) -> npt.NDArray[Any]:
    """An array of a segment.

    Args:
        file: One that `encode_segments` wrote.
        mapped: Whether it stays on disk.

    Raises:
        DistillirError: It is damaged.
    """
    try:
        found: npt.NDArray[Any] = np.load(file, mmap_mode="r" if mapped else None)
    except (OSError, ValueError, EOFError) as error:
        raise_if_refused(error)
        reason = " ".join(str(error).split())
        raise DistillirError(
            f"is damaged ({reason})", where=file, remedy=f"delete the folder {file.parent}; it is encoded again"
        ) from None
    return found


def encode_segments(
    model: str,
    table: TextTable,
    rows: Rows,
    *,
    kind: Kind,
    load: Callable[..., Any],
    encode: Callable[[Any, list[str], Kind, Precision], Arrays],
    store: str,
    max_length: int | None = None,
    precision: str = "auto",
    cache: Path | None = None,
    options: ModelOptions = PLAIN,
    stored: Stored = "float32",
) -> Segments:
    """Encode the rows of a table that are missing, each process its share.

    Args:
        model: A folder or name; it is loaded only if a row is missing.
        table: Corpus or queries.
        rows: Those that are wanted.
        kind: Which of the model's prompts and routes the texts take.
        load: Makes a model of its name, ``max_length`` and ``options``.
        encode: Makes the arrays of a segment of a model, texts, ``kind`` and precision.
        store: Name of the folder in the cache.
        max_length: Tokens per text at most (default: the model's own).
        precision: Of the encoder; ``auto`` takes bf16 where the device computes it in hardware.
        cache: Folder in place of ``store``.
        options: How the model is loaded.
        stored: Form of the numbers on disk; what is there as float32 is narrowed, and not encoded again.

    Returns:
        All encoded rows, those that were wanted among them.

    Raises:
        DistillirError: The model cannot be loaded, or gives a value that is not finite.
    """
    resolved = resolve_precision(precision, pick_device())
    where: dict[str, Any] = {"cache": cache, "options": options}
    folder = segments_folder(store, model, table, kind, max_length, resolved, stored=stored, **where)
    if stored != "float32":
        plain = segments_folder(store, model, table, kind, max_length, resolved, **where)
        barrier()
        _narrow_known(Segments(folder, len(table)), Segments(plain, len(table)), rows, stored)
    barrier()
    there = Segments(folder, len(table))
    missing = there.missing(rows)
    barrier()
    if not len(missing):
        there.note()
        return there
    load_model = partial(load, model, max_length=max_length, options=options)
    parts = np.array_split(missing, max(world_size(), -(-len(missing) // ROWS_PER_SEGMENT)))
    mine = [part for part in parts[rank() :: world_size()] if len(part)]
    with progress(LABEL[kind], sum(len(part) for part in mine)) as advance:
        answers: Iterable[tuple[Rows, Arrays]]
        tasks = ((part, table.texts(part)) for part in mine)
        if (workers := named_workers()) is not None:
            answers = workers.each(load_model, partial(_encoded, encode=encode, kind=kind, precision=resolved), tasks)
        else:
            loaded = load_model()
            answers = ((part, encode(loaded, texts, kind, resolved)) for part, texts in tasks)
        for part, arrays in answers:
            _check_finite(arrays, model, kind, table, part)
            narrow = narrowed_arrays(arrays, stored)
            with atomic_directory(folder / xxhash.xxh3_64_hexdigest(part.tobytes())) as made:
                np.save(made / "rows.npy", part)
                for name, array in narrow.items():
                    np.save(made / f"{name}.npy", array)
            advance(len(part))
    barrier()
    made_now = Segments(folder, len(table))
    made_now.note(at_least=_UNNOTED)
    return made_now


def _narrow_known(own: Segments, plain: Segments, rows: Rows, stored: Stored) -> None:
    """Narrow the segments of another folder that hold rows which this one lacks, each process its share."""
    numbers = np.unique(plain.segment[own.missing(rows)])
    for path in [plain.paths[number] for number in numbers[numbers >= 0].tolist()][rank() :: world_size()]:
        arrays = {file.stem: load_array(file) for file in path.glob("*.npy")}
        kept = arrays.pop("rows")
        with atomic_directory(own.folder / path.name) as made:
            np.save(made / "rows.npy", kept)
            for name, array in narrowed_arrays(arrays, stored).items():
                np.save(made / f"{name}.npy", array)


def _encoded(
    model: Any,
    texts: list[str],
    *,
    encode: Callable[[Any, list[str], Kind, Precision], Arrays],
    kind: Kind,
    precision: Precision,
) -> Arrays:
    return encode(model, texts, kind, precision)


def segments_folder(
    store: str,
    model: str,
    table: TextTable,
    kind: Kind,
    max_length: int | None,
    precision: Precision,
    *,
    cache: Path | None = None,
    options: ModelOptions = PLAIN,
    stored: Stored = "float32",
) -> Path:
    """Folder of a table's segments, made or not; arguments as `encode_segments`."""
    # The last is the form on disk: another one is another folder.
    own = model_identity(model, options, (kind,))
    identity = [own, table.fingerprint, kind, str(max_length), precision, "segments"]
    identity += [] if stored == "float32" else [stored]
    return (cache or cache_root() / store) / xxhash.xxh3_128_hexdigest("\0".join(identity).encode())


def outputs(
    model: Any, texts: list[str], kind: Kind, precision: Precision, batch_tokens: int
) -> Iterator[tuple[Rows, dict[str, Any]]]:
    """Yield positions in ``texts`` and the model's outputs for those texts, in batches of similar length."""
    import torch
    from sentence_transformers.util import batch_to_device

    device = model.device
    model.eval()
    keep_freed_memory(device)
    batches = token_batches(model, texts, batch_tokens=batch_tokens, prompt=prompt_for(model, kind), task=kind)
    for places, batch in batches:
        with torch.inference_mode(), autocast(precision, device):
            found = model(batch_to_device(batch, device), task=kind)
        yield places, found


def _check_finite(arrays: Arrays, model: str, kind: Kind, table: TextTable, rows: Rows) -> None:
    for values in arrays.values():
        if not len(values) or values.dtype.kind != "f":
            continue
        wrong = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))
        if len(wrong):
            row = int(rows[np.searchsorted(arrays["ends"], wrong[0], side="right")])
            raise DistillirError(
                f"a vector of {kind} {table.id(row)!r} is not finite",
                where=model,
                remedy="check the model, or use precision float32",
            )
