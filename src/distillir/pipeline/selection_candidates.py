"""Candidates for the dev queries that the best student is chosen by."""

from functools import partial

from distillir.base.processes import Write
from distillir.base.progress import say
from distillir.pipeline.mined_parts import MinedPart, selection_part
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.shards.merge import mine_merged
from distillir.pipeline.step import make_once


def mine_selection(folder: RunFolder) -> None:
    """Write ``runs/selection-candidates.trec``; nothing where it is there, or no dev split is chosen by.

    Raises:
        DistillirError: A source cannot be read or loaded.
    """
    part = selection_part(folder)
    if part is not None:
        make_once(folder, part.product, partial(_mine, folder, part), timed="mine")


def _mine(folder: RunFolder, part: MinedPart) -> Write:
    from distillir.retrieval.trec import write_run

    run = mine_merged(folder, part)

    def write() -> None:
        write_run(run, folder.collection, folder.selection_candidates)
        say(f"Candidates: {len(run.documents)} for {len(run)} {part.queries}, to choose the best student by")

    return write
