"""The student before and after on other collections: rankings in ``runs/also/``, and what is measured of them."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.processes import Write, barrier
from distillir.base.progress import say
from distillir.collections.text_identity import text_keys
from distillir.pipeline.other_collections import OtherCollection, same_documents
from distillir.pipeline.queries import training_queries
from distillir.pipeline.rankings import read_ranking
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.search import search_into
from distillir.pipeline.step import made, make_once


def tell_others(folder: RunFolder) -> None:
    """Open the other collections before anything is paid for, and say what will be measured on each; once a run.

    Raises:
        DistillirError: As `distillir.pipeline.other_collections.open_others`.
    """
    others = folder.others
    told = [f"{one.name} {one.split} {len(one.rows)} {one.collection.fingerprint}" for one in others]
    if not others or folder.facts.hold("also_of", told):
        return
    barrier()
    learnt = _learnt_from(folder)
    for other in others:
        say(f"Also measured on {said(other)}")
        if same_documents(folder.collection, other):
            say(f"{other.name} has the documents of {folder.collection.name}: it tells nothing of other domains")
        known = int(np.isin(text_keys(other.collection.queries)[other.rows], learnt).sum())
        if known:
            say(
                f"{known} of {len(other.rows)} queries of {other.name} have the text of a training query: it was learnt"
            )
    folder.facts.note(also_of=told)


def said(other: OtherCollection) -> str:
    """A collection in words, with how much of it is measured on."""
    part = f"{len(other.rows)}" if len(other.rows) == other.judged else f"{len(other.rows)} of {other.judged}"
    return f"{other.name}: {part} {other.split} queries, {len(other.collection.corpus)} documents"


def search_others_before(folder: RunFolder) -> None:
    """Write ``runs/also/NAME/before.trec`` of each other collection; nothing where they are there."""
    _search(folder, folder.initial_student, "before")


def search_others_after(folder: RunFolder) -> None:
    """Write ``runs/also/NAME/after.trec`` of each other collection; nothing where they are there."""
    _search(folder, folder.student, "after")


def other_run(folder: RunFolder, other: OtherCollection, when: str) -> Path:
    """The file of a ranking of another collection, ``before`` or ``after``."""
    return folder.other_runs / other.folder / f"{when}.trec"


def measure_others(folder: RunFolder) -> dict[str, Any]:
    """Measures on each other collection, by its name, for ``metrics.json``."""
    from distillir.evaluation.measures import evaluate
    from distillir.evaluation.significance import compare

    measures = folder.recipe.evaluation.measures
    found: dict[str, Any] = {}
    for other in folder.others:
        before, after = (
            evaluate(read_ranking(folder, other_run(folder, other, when), other.collection), other.qrels, measures)
            for when in ("before", "after")
        )
        found[other.name] = {
            "collection": other.collection.name,
            "split": other.split,
            "queries": len(other.rows),
            "judged": other.judged,
            "documents": len(other.collection.corpus),
            "before": before.means,
            "after": after.means,
            "comparison": [asdict(compare(before, after, name)) for name in dict.fromkeys(measures)],
        }
    return found


def _search(folder: RunFolder, model: Path, when: str) -> None:
    if not folder.others:
        return
    made(folder, f"runs {when} training on other collections")
    for other in folder.others:  # each by itself: a kill between two leaves the first

        def search(other: OtherCollection = other) -> Write:
            say(f"Student {when} training on {said(other)}")
            path = other_run(folder, other, when)
            return search_into(folder, model, other.collection, other.rows, path, f"{when} on {other.name}")

        make_once(folder, other_run(folder, other, when), search, timed=f"also {when}")


def _learnt_from(folder: RunFolder) -> "Rows":
    """Identities of the texts of the training queries."""
    from distillir.teaching.teaching_set import open_teaching_set

    brought = folder.recipe.teaching
    rows = training_queries(folder) if brought is None else open_teaching_set(Path(brought), folder.collection).queries
    return text_keys(folder.collection.queries)[rows]
