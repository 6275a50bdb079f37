"""``mine --shard``: candidates of a share of the queries, into the cache."""

from pathlib import Path

from filelock import FileLock, Timeout

from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.pipeline.mined_parts import MinedPart
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.shards.encodings import encode_all, encodings_to_mine, mined_here
from distillir.pipeline.shards.merge import mine_rows
from distillir.pipeline.shards.open_shard import open_shard
from distillir.pipeline.shards.parts import MinedLists, keep_lists, parts_folder
from distillir.pipeline.shards.share import Share
from distillir.recipe import Recipe
from distillir.retrieval.retriever import QUERY_BLOCK

#: Queries whose candidates are kept together: a kill loses at most these.
QUERIES_PER_FILE = 8192
#: Said by a file in a part's folder: the sources' indices were made.
_READY = "ready"


def mine_shard(path: Path, recipe: Recipe, share: Share, *, anew: bool = False) -> None:
    """Mine candidates for a share of each part of the queries; what is there already is passed over.

    Args:
        path: Folder of the run.
        recipe: What the run is made of.
        share: Which part of the work.
        anew: As in `distillir.pipeline.open_run.open_run`.

    Raises:
        DistillirError: As `open_shard`, the recipe mines nothing, or a source cannot be read or loaded.
    """
    if recipe.teaching is not None:
        raise DistillirError(
            "there is nothing to mine in shards: the recipe brings a teaching set",
            where="--shard",
            remedy="leave it out",
        )
    with open_shard(path, recipe, "mine", share, anew=anew) as folder:
        parts = mined_here(folder)
        if not parts:
            raise DistillirError(
                "there is nothing to mine in shards: nothing in the recipe needs candidates",
                where="--shard",
                remedy="leave it out",
            )
        for part in parts:
            _mine(folder, part, share)


def _mine(folder: RunFolder, part: MinedPart, share: Share) -> None:
    own, target = share.rows(part.rows, QUERY_BLOCK), parts_folder(folder, part)
    missing = own[~MinedLists(target).known(own)]
    if len(missing):
        encode_all(encodings_to_mine(folder), share)
        _make_ready(folder, part, target)
        for start in range(0, len(missing), QUERIES_PER_FILE):
            keep_lists(target, mine_rows(folder, part, missing[start : start + QUERIES_PER_FILE]))
    before = f", {len(own) - len(missing)} of them before" if len(missing) < len(own) else ""
    say(f"Shard {share}: candidates of {len(own)} of {len(part.rows)} {part.queries}{before}")


def _make_ready(folder: RunFolder, part: MinedPart, target: Path) -> None:
    """Have the sources make their indices once, by searching for one query; other shards wait for it."""
    ready = target / _READY
    if ready.exists():
        return
    target.mkdir(parents=True, exist_ok=True)
    lock = FileLock(target / f".{_READY}.lock")
    held = True
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say("waiting for another shard that makes the indices of the sources")
        lock.acquire()
    except NotImplementedError:  # a file system without locks: at worst an index is made twice
        held = False
    try:
        if not ready.exists():
            mine_rows(folder, part, part.rows[:1])
            ready.touch()
    finally:
        if held:
            lock.release()
