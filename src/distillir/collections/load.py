"""Open a collection of any accepted form, importing it once into the cache."""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xxhash
from filelock import FileLock, Timeout

from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory, cache_root
from distillir.base.progress import say
from distillir.collections.collection import Collection
from distillir.collections.importing import import_source
from distillir.collections.spec import ParsedSpec, parse_spec

FORM = 1  # of the imported folder: raise it when what is written changes


def load_collection(spec: str | Path | Mapping[str, Any], cache: Path | None = None) -> Collection:
    """Open a collection, importing it on first use.

    Args:
        spec: One of

            - the path of a BEIR folder, of an MS MARCO folder, or of an imported collection,
            - ``stdlib``, ``irds:<dataset id>``, ``hf:<repository or local folder>``,
            - a mapping ``{path: <any of these>}`` or ``{documents: file, queries: file or {split: file}, qrels: ...}``,
              with the options ``name``, ``empty: skip``, ``unknown: skip`` and ``splits: [...]``.

            docs/collections.md shows each with an example.
        cache: Used instead of `distillir.base.files.cache_root`.

    Returns:
        The collection; a second load of the same files only opens it.

    Raises:
        DistillirError: The source is missing or malformed; the message names file and line.
    """
    parsed = parse_spec(spec)
    if isinstance(parsed, Path):
        return Collection(parsed)
    target = _target(parsed, cache)
    if not (target / "info.json").is_file():
        try:
            _import(parsed, target)
        except OSError as error:
            raise DistillirError(
                f"the import cannot be written ({os.strerror(error.errno) if error.errno else error})",
                where=target,
                remedy="free space there, or set DISTILLIR_CACHE to a folder with room",
            ) from error
    return Collection(target)


def is_imported(spec: str | Path | Mapping[str, Any], cache: Path | None = None) -> bool:
    """Tell whether `load_collection` would only open a collection; nothing is imported.

    Raises:
        DistillirError: The source is missing or malformed.
    """
    parsed = parse_spec(spec)
    return isinstance(parsed, Path) or (_target(parsed, cache) / "info.json").is_file()


def _target(parsed: ParsedSpec, cache: Path | None) -> Path:
    return (cache or cache_root()) / "collections" / _folder_name(parsed)


def _folder_name(parsed: ParsedSpec) -> str:
    """Name and hash of all that the import depends on."""
    key = f"{FORM}\n{parsed.options}\n{parsed.source.identity()}"
    name = re.sub(r"[^\w.-]+", "-", parsed.source.name).strip("-.") or "collection"
    return f"{name[:80]}-{xxhash.xxh3_64_hexdigest(key.encode('utf-8', 'surrogateescape'))}"


def _import(parsed: ParsedSpec, target: Path) -> None:
    """Import once, however many processes ask at the same time."""
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(target.parent / f"{target.name}.lock")
    try:
        lock.acquire(timeout=1)
    except Timeout:
        say(f"waiting for another process that imports {parsed.source.name}")
        lock.acquire()
    try:
        if (target / "info.json").is_file():
            return
        # Whoever holds the lock is alone: what else lies here was left by an import that was killed.
        for leftover in target.parent.glob(f".{target.name}.*.part"):
            shutil.rmtree(leftover, ignore_errors=True)
        with atomic_directory(target) as folder:
            import_source(parsed.source, folder, parsed.options)
    finally:
        lock.release()
