"""Opening a run's folder for a shard: prepared by whoever comes first, then read, and never locked for long."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.base.files import cache_root
from distillir.base.lock import LockHeldError
from distillir.base.processes import world_size
from distillir.base.progress import say
from distillir.pipeline.checks import check_queries
from distillir.pipeline.cut_texts import tell_cut_texts
from distillir.pipeline.facts import FactsInMemory
from distillir.pipeline.mine import prepare_student
from distillir.pipeline.named_models import look_at_models
from distillir.pipeline.open_run import open_run
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.shards.marks import at_work, run_is_held
from distillir.pipeline.shards.share import Share
from distillir.recipe import RECIPE_FILE, Recipe

#: Seconds between two looks at a folder that another command holds.
_LOOKS = 0.5


class ReadFolder(RunFolder):
    """A run's files as they are, for a process that writes none of them."""

    def __init__(self, path: Path, recipe: Recipe) -> None:
        super().__init__(path, recipe)
        self.facts = FactsInMemory(self.facts.file)

    def _claim(self, anew: bool) -> None:
        self._check_owner(anew)

    def write_recipe(self) -> None:
        """Write nothing."""


@contextmanager
def open_shard(path: Path, recipe: Recipe, verb: str, share: Share, *, anew: bool = False) -> Iterator[ReadFolder]:
    """A run's folder for a shard, whose own lock is held.

    What all shards need (the imported collection, queries that a language model writes, the student before training)
    is made by the first of them under the run's lock; the others wait for it. Where another command holds the folder
    and all of it is there, a shard goes on beside it.

    Args:
        path: The folder; made if it is missing.
        recipe: What the run is made of.
        verb: Of the command line.
        share: Which part of the work.
        anew: As in `distillir.pipeline.open_run.open_run`.

    Raises:
        DistillirError: As `open_run`, another process is this very shard, it was started by a launcher of processes
            that work together, or the cache may not be written.
    """
    if world_size() > 1:
        raise DistillirError(
            f"{share} is a process of its own, and {world_size()} were started to work together",
            where="--shard",
            remedy="start it without torchrun or accelerate launch, once for each shard",
        )
    check_cache()
    _prepare(path, recipe, verb, anew)
    with at_work(path, verb, share, recipe):
        yield ReadFolder(path, recipe)


def check_cache() -> None:
    """Refuse a cache that may not be written: shards meet there.

    Raises:
        DistillirError: It may not.
    """
    root = cache_root()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        raise DistillirError(
            f"the cache may not be written ({error.strerror}), and shards meet there",
            where=root,
            remedy="set DISTILLIR_CACHE to a folder that all shards may write",
        ) from None


def _prepare(path: Path, recipe: Recipe, verb: str, anew: bool) -> None:
    """Make what every shard needs, or wait for whoever makes it."""
    prepare = _to_score if verb == "score" else _to_encode if verb == "encode" else _to_mine
    told = False
    while True:
        try:
            with open_run(path, recipe, "score" if verb == "score" else "mine", anew=anew) as folder:
                prepare(folder)
            return
        except LockHeldError as held:
            if not anew and _is_ready(path, recipe, verb):
                say(f"{path}: another command is at work here ({run_is_held(path)}); this shard goes on beside it")
                return
            if not told:
                say(f"waiting for what all shards need: {held.what}")
                told = True
            time.sleep(_LOOKS)


def _is_ready(path: Path, recipe: Recipe, verb: str) -> bool:
    """Tell whether all is there that a shard of a verb needs before it begins."""
    if verb == "encode" and recipe.student.documents is not None:
        return (path / RECIPE_FILE).exists()
    needed = "runs/candidates.trec" if verb == "score" else "work/initial-student"
    return (path / RECIPE_FILE).exists() and (path / needed).exists()


def _to_mine(folder: RunFolder) -> None:
    if folder.recipe.teaching is None:
        check_queries(folder)
    look_at_models(folder)
    tell_cut_texts(folder)
    prepare_student(folder)


def _to_encode(folder: RunFolder) -> None:
    """Check as to mine; beside documents that are kept without the student, which is fitted to their vectors."""
    if folder.recipe.student.documents is None:
        _to_mine(folder)
        return
    look_at_models(folder)
    tell_cut_texts(folder)
    folder.collection  # noqa: B018


def _to_score(folder: RunFolder) -> None:
    look_at_models(folder)
    tell_cut_texts(folder)
    folder.collection  # noqa: B018
