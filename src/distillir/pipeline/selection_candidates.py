"""Candidates for the dev queries that the best student is chosen by."""

from distillir.base.processes import barrier, rank
from distillir.base.progress import say
from distillir.pipeline.provenance import reusable
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.selection_queries import dev_queries

#: Candidates of a query that come into the pool at most.
DEPTH = 16


def mine_selection(folder: RunFolder) -> None:
    """Write ``runs/selection-candidates.trec``; nothing where it is there, or no dev split is chosen by.

    Judgements play no part: judged documents come into the pool anyway.

    Raises:
        DistillirError: A source cannot be read or loaded.
    """
    from distillir.retrieval.recipe_form import mine_from_spec
    from distillir.retrieval.trec import write_run

    chosen = dev_queries(folder)
    if chosen is None or reusable(folder, "selection candidates"):
        return
    recipe = folder.recipe
    with folder.timed("mine"):
        run = mine_from_spec(
            folder.collection,
            chosen.rows,
            {**recipe.candidates.form(), "exclude_judged": False, "add_judged": False, "depth": DEPTH},
            default_model=str(folder.initial_student),
            trust_default=recipe.student.trust_remote_code,
            own_document=recipe.queries.own_document,
            queries=f"queries of {chosen.name}",
        )
        if rank() == 0:
            write_run(run, folder.collection, folder.selection_candidates)
        say(f"Candidates: {len(run.documents)} for {len(run)} queries of {chosen.name}, to choose the best student by")
    barrier()
