"""Exact search with a student, written into a run's folder."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from distillir.base.processes import barrier, rank
from distillir.collections import Collection
from distillir.collections.table import Rows
from distillir.pipeline.rankings import read_ranking
from distillir.pipeline.run_folder import RunFolder
from distillir.retrieval.run import Run
from distillir.retrieval.sources import load_retriever


def search_into(folder: RunFolder, model: Path, collection: Collection, rows: Rows, path: Path, name: str) -> None:
    """Rank a collection as the recipe evaluates, and write the run.

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
        kind=folder.recipe.student.own_kind,
        candidates=evaluation_candidates(folder),
    )
    if rank() == 0:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_run(replace(found, name=name), collection, path)
    barrier()


def evaluation_candidates(folder: RunFolder) -> Callable[[Collection, Rows], Run]:
    """What finds the documents that a student ranks which does not search itself.

    Of the run's own collection the mined candidates of the evaluation queries, which the teacher ranks too; of others,
    and of a recipe that brings a teaching set, BM25's best.
    """

    def find(collection: Collection, rows: Rows) -> Run:
        mined = folder.evaluation_candidates
        if collection.fingerprint == folder.collection.fingerprint and mined.is_file():
            return read_ranking(folder, mined).select(rows.tolist())
        wanted = folder.recipe.evaluation
        return load_retriever("bm25").search(collection, rows, wanted.teacher_depth or wanted.depth)

    return find
