"""Exact search with a student, to be written into a run's folder."""

from dataclasses import replace
from pathlib import Path

from distillir.collections import Collection
from distillir.collections.table import Rows
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.step import Write


def search_into(folder: RunFolder, model: Path, collection: Collection, rows: Rows, path: Path, name: str) -> Write:
    """Rank a collection as the recipe evaluates; what this gives writes the run.

    Args:
        folder: The run's.
        model: The student's folder.
        collection: What is searched.
        rows: Query rows [Q].
        path: The TREC file.
        name: Of the run.
    """
    from distillir.evaluation.search import search_student
    from distillir.retrieval.trec import write_run

    wanted = folder.recipe.evaluation
    found = search_student(
        model,
        collection,
        rows,
        wanted.depth,
        precision=wanted.precision,
        trust_remote_code=folder.recipe.student.trust_remote_code,
        own_document=folder.recipe.queries.own_document,
    )

    def write() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_run(replace(found, name=name), collection, path)

    return write
