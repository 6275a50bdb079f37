"""Candidates for the dev queries that the best student is chosen by."""

from functools import partial

from distillir.base.progress import say
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.selection_queries import SelectionQueries, dev_queries
from distillir.pipeline.step import Write, make_once

#: Candidates of a query that come into the pool at most.
DEPTH = 16


def mine_selection(folder: RunFolder) -> None:
    """Write ``runs/selection-candidates.trec``; nothing where it is there, or no dev split is chosen by.

    Judgements play no part: judged documents come into the pool anyway.

    Raises:
        DistillirError: A source cannot be read or loaded.
    """
    chosen = dev_queries(folder)
    if chosen is not None:
        make_once(folder, "selection candidates", partial(_mine, folder, chosen), timed="mine")


def _mine(folder: RunFolder, chosen: SelectionQueries) -> Write:
    from distillir.retrieval.recipe_form import mine_from_spec
    from distillir.retrieval.trec import write_run

    recipe = folder.recipe
    run = mine_from_spec(
        folder.collection,
        chosen.rows,
        {**recipe.candidates.form(), "exclude_judged": False, "add_judged": False, "depth": DEPTH},
        default_model=str(folder.initial_student),
        trust_default=recipe.student.trust_remote_code,
        own_document=recipe.queries.own_document,
        queries=f"queries of {chosen.name}",
    )

    def write() -> None:
        write_run(run, folder.collection, folder.selection_candidates)
        say(f"Candidates: {len(run.documents)} for {len(run)} queries of {chosen.name}, to choose the best student by")

    return write
