"""Exact search with a student, to be written into a run's folder."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from distillir.base.arrays import Rows
from distillir.base.processes import Write
from distillir.collections import Collection
from distillir.collections.run import Run
from distillir.pipeline.mined_parts import teacher_depth
from distillir.pipeline.queries import evaluation_queries
from distillir.pipeline.rankings import read_ranking
from distillir.pipeline.run_folder import RunFolder
from distillir.retrieval.shared_search import searching_together
from distillir.retrieval.sources import load_retriever


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
    return written(rank_by_student(folder, model, collection, rows), collection, path, name)


def written(found: Run, collection: Collection, path: Path, name: str) -> Write:
    """A function that writes a ranking under a name; arguments as `search_into`."""
    from distillir.retrieval.trec import write_run

    def write() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_run(replace(found, name=name), collection, path)

    return write


def rank_by_student(folder: RunFolder, model: Path, collection: Collection, rows: Rows) -> Run:
    """Rank a collection as the recipe evaluates: with all of the corpus, or with candidates, as the kind does.

    All processes go through it together, and share the queries where the search is exact.

    Args:
        folder: The run's.
        model: The student's folder.
        collection: What is ranked.
        rows: Query rows [Q].
    """
    from distillir.evaluation.search import search_measured

    recipe, wanted = folder.recipe, folder.recipe.evaluation
    retriever = recipe.student.own_kind.retriever(
        str(model),
        precision=wanted.precision,
        trust_remote_code=recipe.student.trust_remote_code,
        candidates=evaluation_candidates(folder),
    )
    own_document = recipe.queries.own_document
    with searching_together():
        return search_measured(retriever, collection, rows, wanted.depth, own_document=own_document)


def first_stage(folder: RunFolder) -> Run:
    """The candidates of the evaluation queries in their own order, as many as a student ranks that does not search.

    Args:
        folder: The run's.
    """
    from distillir.retrieval.own_document import without_own

    found = evaluation_candidates(folder)(folder.collection, evaluation_queries(folder))
    own_document = folder.recipe.queries.own_document
    return without_own(found, folder.collection, own_document=own_document).top(folder.recipe.evaluation.depth)


def evaluation_candidates(folder: RunFolder) -> Callable[[Collection, Rows], Run]:
    """The search that finds documents for a student which ranks but does not search.

    Of the run's own collection the mined candidates of the evaluation queries, which the teacher ranks too; of others,
    and of a recipe that brings a teaching set, BM25's best.
    """

    def find(collection: Collection, rows: Rows) -> Run:
        mined = folder.evaluation_candidates
        if collection.fingerprint == folder.collection.fingerprint and mined.is_file():
            return read_ranking(folder, mined).select(rows.tolist())
        return load_retriever("bm25").search(collection, rows, teacher_depth(folder.recipe))

    return find
