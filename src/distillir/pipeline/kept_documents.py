"""Kept documents in a run: the documents' own query encoder as a reference, and what a query costs by each."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from distillir.base.processes import Write, first_decides
from distillir.base.progress import say
from distillir.pipeline.queries import evaluation_qrels, evaluation_queries
from distillir.pipeline.rankings import read_ranking
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.step import make_once

if TYPE_CHECKING:
    from distillir.evaluation.measures import Evaluation

#: The fact, and its key in ``metrics.json``.
KEPT = "kept"
#: Queries that are encoded one by one to time it, after the first ones.
_TIMED, _WARM = 32, 4


def search_by_documents_model(folder: RunFolder) -> None:
    """Write ``runs/documents.trec``: the kept index searched by its own query encoder, where there is one."""
    student, wanted = folder.recipe.student, folder.recipe.evaluation
    retriever = student.own_kind.reference(precision=wanted.precision)
    if retriever is None:
        return

    def search() -> Write:
        from distillir.evaluation.search import search_measured
        from distillir.pipeline.search import written
        from distillir.retrieval.shared_search import searching_together

        rows = evaluation_queries(folder)
        own = folder.recipe.queries.own_document
        with searching_together():
            found = search_measured(retriever, folder.collection, rows, wanted.depth, own_document=own)
        return written(found, folder.collection, folder.documents_run, "documents")

    make_once(folder, "run of the documents' model", search, timed="evaluate documents")


def measure_kept(folder: RunFolder, after: "Evaluation") -> None:
    """Note how the student compares with the documents' own query encoder, and say it; nothing without kept documents.

    Args:
        folder: The run's.
        after: Measures of the trained student.
    """
    from distillir.evaluation.measures import evaluate
    from distillir.evaluation.significance import compare

    kind, measures = folder.recipe.student.own_kind, folder.recipe.evaluation.measures
    told = kind.kept_facts(folder.collection)
    if told is None:
        return
    own: Evaluation | None = None
    if folder.documents_run.is_file():
        own = evaluate(read_ranking(folder, folder.documents_run), evaluation_qrels(folder), measures)
        compared = [asdict(compare(own, after, name)) for name in dict.fromkeys(measures)]
        told |= {"measures": own.means, "comparison": compared}
    told["query"] = first_decides(lambda: _costs(folder))
    folder.facts.note(**{KEPT: told})
    for line in lines(told, after.means, measures[0]):
        say(line)


def lines(told: Mapping[str, Any], after: Mapping[str, float], measure: str) -> list[str]:
    """Lines on kept documents for the terminal.

    Args:
        told: What `measure_kept` notes.
        after: Measures of the trained student.
        measure: The main one.
    """
    kept = f"{told.get('units', told['documents'])} {told.get('unit', 'vectors')}"
    found = [f"No document was encoded again: the {kept} of {told['name']} are searched as they are"]
    cost = {name: f"{one['parameters'] / 1e6:.1f} M parameters, {one['ms']:.1f} ms" for name, one in _of(told).items()}
    own = f"; by the documents' own query encoder {cost['documents']}" if "documents" in cost else ""
    found.append(f"A query costs {cost['student']}{own}")
    if "measures" in told and told["measures"].get(measure):
        share = after[measure] / told["measures"][measure]
        found.append(
            f"By the documents' own query encoder {measure} is {told['measures'][measure]:.3f}; the student has "
            f"{100 * share:.0f} % of it"
        )
    return found


def _of(told: Mapping[str, Any]) -> Mapping[str, Any]:
    query: Mapping[str, Any] = told["query"]
    return query


def _costs(folder: RunFolder) -> dict[str, dict[str, float]]:
    """Parameters, and milliseconds of one query by itself on this machine, of the student and the documents' own."""
    kind, rows = folder.recipe.student.own_kind, evaluation_queries(folder)[: _TIMED + _WARM]
    texts = folder.collection.queries.texts(rows.tolist())
    loaders = kind.query_encoders(str(folder.student))
    return {name: _cost(kind.model_kind, load, texts) for name, load in loaders.items()}


def _cost(kind: str, load: Any, texts: list[str]) -> dict[str, float]:
    from distillir.encoding.kinds import ENCODERS

    model, spent = load(), []
    for text in texts:
        start = time.perf_counter()
        ENCODERS[kind].encode(model, [text], "query", "float32")
        spent.append(time.perf_counter() - start)
    timed = spent[_WARM:] or spent
    parameters = sum(each.numel() for each in model.parameters())
    return {"parameters": parameters, "ms": round(1000 * statistics.median(timed), 3)}
