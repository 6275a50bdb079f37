"""Locks and notes of shards in ``shards/`` of the run's folder: who is at work, and how far they came."""

import json
import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xxhash

from distillir.base.files import write_json
from distillir.base.lock import HOLDER_FILE, LOCK_FILE, locked
from distillir.pipeline.ownership import without_idle, without_payment
from distillir.pipeline.shards.share import Share
from distillir.recipe import Recipe

#: Folder of the shards' locks and notes in that of the run.
SHARDS = "shards"
RUNNING, DONE, DIED = "running", "done", "died"


@dataclass(frozen=True)
class Mark:
    """State of one shard.

    Attributes:
        verb: Of the command line.
        share: Which.
        state: ``running`` (its lock is held), ``done``, or ``died`` (it began, and is neither).
        holder: Process and machine.
    """

    verb: str
    share: Share
    state: str
    holder: str


def recipe_key(recipe: Recipe) -> str:
    """Hash of a recipe as it was asked for: notes of shards of another one do not count."""
    told = json.dumps(without_idle(without_payment(recipe.resolved())), default=str, sort_keys=True)
    return xxhash.xxh3_64_hexdigest(told.encode("utf-8", "surrogatepass"))


def mark_path(output: Path, verb: str, share: Share) -> Path:
    """The note of a shard; its lock lies beside it."""
    return output / SHARDS / f"{verb}-{share.number}-of-{share.of}"


@contextmanager
def at_work(output: Path, verb: str, share: Share, recipe: Recipe) -> Iterator[None]:
    """Hold a shard's lock, and note that it works, and then that it is done.

    Raises:
        DistillirError: Another process is this very shard.
    """
    path = mark_path(output, verb, share)
    path.parent.mkdir(exist_ok=True)
    held = (f"shard {share} of `distillir {verb}` is at work already", "give each process a number of its own")
    with locked(path, beside=True, held=held):
        note: dict[str, Any] = {"recipe": recipe_key(recipe), "holder": f"process {os.getpid()} on {platform.node()}"}
        write_json(_file(path), {**note, "state": RUNNING, "begun": round(time.time())})
        yield
        write_json(_file(path), {**note, "state": DONE, "ended": round(time.time())})


def marks(output: Path, recipe: Recipe) -> list[Mark]:
    """State of the shards of a recipe in a run's folder, by verb and number; nothing is written."""
    found, key = [], recipe_key(recipe)
    for file in (output / SHARDS).glob("*-of-*.json"):
        verb, number, _, of = file.stem.rsplit("-", 3)
        with suppress(OSError, ValueError):
            note: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            if not number.isdigit() or not of.isdigit() or note.get("recipe") != key:
                continue
            state = RUNNING if _is_held(file.with_suffix("")) else DONE if note.get("state") == DONE else DIED
            found.append(Mark(verb, Share(int(number), int(of)), state, str(note.get("holder", ""))))
    return sorted(found, key=lambda mark: (mark.verb, mark.share.of, mark.share.number))


def have_worked(output: Path, verb: str) -> bool:
    """Tell whether any shard of a verb ever began in a run's folder."""
    return any((output / SHARDS).glob(f"{verb}-*-of-*.json"))


def run_is_held(output: Path) -> str:
    """Name who holds the lock of a run's folder; empty where nobody does."""
    if not _holds(output / LOCK_FILE):
        return ""
    with suppress(OSError):
        return (output / HOLDER_FILE).read_text(encoding="utf-8").strip()
    return "another command"


def _file(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _is_held(path: Path) -> bool:
    return _holds(path.with_name(f".{path.name}{LOCK_FILE}"))


def _holds(lock: Path) -> bool:
    """Tell whether a process holds a lock, without taking it."""
    import fcntl  # not there on Windows, where nobody asks

    try:
        handle = os.open(lock, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(handle)
    return False
