"""Stage ``evaluate_stage``: the student before and after, teacher and first stage, on the evaluation split."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from distillir.base.arrays import Rows
from distillir.base.files import write_json
from distillir.base.processes import Write, barrier, rank
from distillir.base.progress import say
from distillir.base.version import __version__
from distillir.composition.compose import compose
from distillir.evaluation.held_out import HELD_OUT
from distillir.pipeline.also import measure_others, search_others_after, search_others_before
from distillir.pipeline.card_measures import write_measures
from distillir.pipeline.facts import EvaluationFacts
from distillir.pipeline.kept_documents import measure_kept, search_by_documents_model
from distillir.pipeline.mine import prepare_student
from distillir.pipeline.queries import evaluation_qrels, evaluation_queries
from distillir.pipeline.rankings import read_ranking
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.search import first_stage, search_into
from distillir.pipeline.signals import measure_signals
from distillir.pipeline.step import made, make_once

#: A mean that is told as 1.000.
SATURATED = 0.9995


def search_before(folder: RunFolder) -> None:
    """Write ``runs/before.trec``, and those of other collections: exact search with the untrained student."""
    prepare_student(folder)
    _search(folder, folder.initial_student, folder.before_run, "before")
    search_by_documents_model(folder)
    search_others_before(folder)


def evaluate_stage(folder: RunFolder) -> dict[str, Any]:
    """Write ``runs/before.trec``, ``runs/after.trec`` and ``metrics.json``, and return what the last holds.

    Signals may measure themselves into files of their own; where the recipe has other collections, ``runs/also/``.

    Raises:
        DistillirError: There is no trained student.
    """
    from distillir.evaluation.measures import evaluate as measure
    from distillir.evaluation.significance import compare

    folder.need(folder.student, "train")
    search_before(folder)
    _search(folder, folder.student, folder.after_run, "after")
    search_others_after(folder)
    made(folder, "metrics")  # they are computed anew each time, but never over others
    recipe, collection = folder.recipe, folder.collection
    qrels = evaluation_qrels(folder)
    measures = recipe.evaluation.measures
    runs = {"teacher": folder.teacher_run, "before": folder.before_run, "after": folder.after_run}
    found = {
        name: measure(read_ranking(folder, path), qrels, measures) for name, path in runs.items() if path.is_file()
    }
    # What a student that does not search is given to rank, in the order in which it was found.
    beside = {} if recipe.student.own_kind.searches else {"first_stage": measure(first_stage(folder), qrels, measures)}
    _say_saturated(folder, measures[0], found["before"].means[measures[0]])
    others = measure_others(folder)
    measure_signals(folder)
    measure_kept(folder, found["after"])
    measured = EvaluationFacts(
        means={part: evaluation.means for part, evaluation in {**found, **beside}.items()},
        comparison=_comparisons(found["before"], found["after"], measures, compare),
        also=others,
        collection=collection.name,
        split=recipe.evaluation.split or HELD_OUT,
        queries=len(qrels.query_rows),
        student=_student_figures(folder, qrels.query_rows),
        method=compose(recipe),
        hardware=hardware(),
        versions=versions(),
        against_first_stage=[
            one for first in beside.values() for one in _comparisons(first, found["after"], measures, compare)
        ],
    )
    metrics = measured.metrics(folder.facts.read())
    if rank() == 0:
        write_json(folder.metrics, metrics)
        write_measures(folder.student / "README.md", metrics)
        for system, evaluation in {**found, **beside}.items():
            folder.tracker.summary({f"{system}/{name}": value for name, value in evaluation.means.items()})
    barrier()
    return metrics


def _student_figures(folder: RunFolder, query_rows: Rows) -> dict[str, Any]:
    """The student's kind, and what the kind says of its size."""
    student, precision = folder.recipe.student, folder.recipe.evaluation.precision
    options: dict[str, Any] = {"precision": precision, "options": student.saved_options}
    return {
        "kind": student.kind,
        **student.own_kind.size(str(folder.student), folder.collection, query_rows, **options),
    }


def _say_saturated(folder: RunFolder, measure: str, before: float) -> None:
    """Warn where the main measure is at its highest before training already: these queries cannot show a gain."""
    if before < SATURATED:
        return
    wanted, ways = folder.recipe.queries, ""
    made = folder.recipe.evaluation.split is None and wanted.split is None and not wanted.unjudged
    if made and wanted.titles:
        ways = (
            f" (titles stand in their documents): take sentences (queries: {{sentences: {wanted.titles}}}), or queries "
            "that a language model makes (queries.generated)"
        )
    elif made and wanted.sentences:
        ways = (
            " (sentences stand in their documents): take queries that a language model makes "
            "(queries.generated), or a judged split (evaluation)"
        )
    say(f"{measure} is {before:.3f} before training: these evaluation queries cannot show a gain{ways}")


def _search(folder: RunFolder, model: Path, path: Path, name: str) -> None:
    def search() -> Write:
        return search_into(folder, model, folder.collection, evaluation_queries(folder), path, name)

    make_once(folder, f"run {name} training", search, timed=f"evaluate {name}")


def _comparisons(before: Any, after: Any, measures: Sequence[str], compare: Any) -> list[dict[str, Any]]:
    return [asdict(compare(before, after, name)) for name in dict.fromkeys(measures)]


def hardware() -> str:
    """One line on the machine a figure was measured on."""
    import torch

    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name(0)}"
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores"


def versions() -> dict[str, str]:
    """Versions of distillir and of what its figures depend on."""
    from importlib.metadata import version

    packages = ("torch", "transformers", "sentence-transformers", "faiss-cpu", "bm25s", "ir-measures", "numpy")
    return {"distillir": __version__, "python": platform.python_version(), **{p: version(p) for p in packages}}
