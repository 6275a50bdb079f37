"""Rankings of a run's folder, without the queries' own documents."""

from pathlib import Path

from distillir.collections import Collection
from distillir.collections.run import Run
from distillir.pipeline.run_folder import RunFolder
from distillir.retrieval.own_document import without_own
from distillir.retrieval.trec import read_run


def read_ranking(folder: RunFolder, path: Path, collection: Collection | None = None) -> Run:
    """Read a TREC run of a folder without the queries' own documents, unless the recipe keeps them.

    Files of this version have none; those of earlier versions, and those that a user put there, may.

    Args:
        folder: The run's.
        path: The file.
        collection: What it ranks; None: the run's own.

    Raises:
        DistillirError: As `distillir.retrieval.trec.read_run`.
    """
    ranked = folder.collection if collection is None else collection
    return without_own(read_run(path, ranked), ranked, own_document=folder.recipe.queries.own_document)
