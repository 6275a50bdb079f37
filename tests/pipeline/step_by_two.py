"""A program for two processes, of which the second is late: they ask for a part of a run's work, and make it."""

import sys
import time
from pathlib import Path

import torch.distributed

from distillir.base.errors import DistillirError
from distillir.base.processes import Write, rank
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.step import made, make_once
from distillir.recipe.read import parse_recipe


def main(path: Path) -> None:
    """Make a file in the run's folder in two shares; then ask for a product that was changed by hand."""
    value = {"collection": str(path.parent / "text"), "teacher": "bm25", "student": "all-MiniLM-L6-v2"}
    folder = RunFolder(path, parse_recipe(value))
    target = folder.work / "target"

    def make() -> Write:
        (folder.work / f"share-{rank()}").write_text("made")
        return lambda: target.write_text(f"by {rank()}")

    time.sleep(rank())  # the first could have made it before the second looks
    assert make_once(folder, target, make)
    time.sleep(1 - rank())
    assert not make_once(folder, target, make)
    if rank() == 0:
        folder.candidates.parent.mkdir()
        folder.candidates.write_text("nobody knows what from")
    try:
        made(folder, "candidates")
    except DistillirError as error:
        (folder.work / f"refused-{rank()}").write_text(str(error))
    torch.distributed.destroy_process_group()


main(Path(sys.argv[1]))
