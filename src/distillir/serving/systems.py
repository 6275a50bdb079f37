"""Systems that answer side by side: the student before and after training, BM25, other runs' students."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.collections import Collection
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.search import evaluation_candidates
from distillir.retrieval.bm25_settings import BM25Settings
from distillir.retrieval.opened import OpenedFusion, OpenedRetriever, open_retriever
from distillir.retrieval.sources import load_retriever, read_sources

BEFORE, AFTER, BM25, TEACHER = "before", "after", "bm25", "teacher"


@dataclass(frozen=True)
class System:
    """Something that answers queries.

    Attributes:
        name: As requests name it.
        description: For people.
        retriever: What is asked.
        deep: Whether a deep ranking costs no more than a short one.
    """

    name: str
    description: str
    retriever: OpenedRetriever
    deep: bool = True


def open_systems(folder: RunFolder, others: Sequence[RunFolder]) -> list[System]:
    """Open every system on a run's corpus; encodings that the cache lacks are made, resumably, with progress.

    Args:
        folder: The run that is served.
        others: Further runs on the same documents; their trained students join.

    Raises:
        DistillirError: A model cannot be loaded.
    """
    collection, found = folder.collection, list[System]()
    name = folder.recipe.student.model
    if folder.initial_student.is_dir():
        found.append(_student(BEFORE, f"{Path(name).name} before training", folder, folder.initial_student, collection))
    else:
        say(f"The student before training is gone ({folder.initial_student}): ranks are compared to nothing")
    found.append(_student(AFTER, f"{Path(name).name} after training", folder, folder.student, collection))
    found.append(System(BM25, "words alone", _open({BM25: bm25_options(folder)}, collection)))
    for other in others:
        own = _free_name(other.path, {BEFORE, AFTER, BM25, TEACHER, *(system.name for system in found)})
        found.append(_student(own, f"student of {other.path.name}", other, other.student, collection))
    return found


def bm25_options(folder: RunFolder) -> dict[str, Any]:
    """Options of the BM25 that a recipe names among its sources of candidates; the defaults where it names none."""
    for kind, options in read_sources(folder.recipe.candidates.from_):
        if kind == BM25:
            return dict(options)
    return {}


def bm25_settings(folder: RunFolder) -> BM25Settings:
    """The same as settings of an index."""
    return BM25Settings(**bm25_options(folder))


def _student(name: str, description: str, folder: RunFolder, model: Path, collection: Collection) -> System:
    say(f"Opening {name} ({model})")
    recipe, kind = folder.recipe, folder.recipe.student.own_kind
    retriever = kind.retriever(
        str(model),
        precision=recipe.evaluation.precision,
        trust_remote_code=recipe.student.trust_remote_code,
        candidates=evaluation_candidates(folder),
    )
    first = None if kind.searches else _first_stage(folder, collection)
    return System(name, description, open_retriever(retriever, collection, first), deep=kind.searches)


def _first_stage(folder: RunFolder, collection: Collection) -> OpenedRetriever:
    """The candidates of a run's student that does not search: its recipe's sources, but for files of rankings."""
    recipe, wanted = folder.recipe, folder.recipe.candidates
    model = recipe.student.own_kind.source_of(
        None, initial=str(folder.initial_student), trust_remote_code=recipe.student.trust_remote_code
    )
    sources = [] if recipe.teaching is not None else read_sources(wanted.from_)
    usable = [place for place, (kind, _) in enumerate(sources) if kind != "trec"]
    if not usable:
        return _open(BM25, collection)
    parts = [_open({sources[place][0]: sources[place][1]}, collection, model) for place in usable]
    weights = None if wanted.weights is None else [wanted.weights[place] for place in usable]
    return OpenedFusion(parts, wanted.fusion, weights)


def _open(source: object, collection: Collection, model: Any = None) -> OpenedRetriever:
    return open_retriever(load_retriever(source, model), collection)


def _free_name(path: Path, taken: set[str]) -> str:
    """A name for another run: its folder's, with the one above it or a number where that is taken."""
    own = path.resolve()
    for name in (own.name, f"{own.parent.name}/{own.name}", *(f"{own.name} {number}" for number in range(2, 100))):
        if name not in taken:
            return name
    raise DistillirError("too many runs of one name", where=f"--with {path}")
