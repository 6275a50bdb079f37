"""Quality of each layer of teacher and student as a ranker: ``layer_quality.json``, for the report."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from distillir.base.arrays import LayerScores, Rows
from distillir.base.errors import DistillirError
from distillir.base.files import write_json
from distillir.base.processes import barrier, rank, world_size
from distillir.base.progress import progress, say
from distillir.base.seeds import LAYER_QUALITY_ORDER
from distillir.collections import Qrels
from distillir.collections.run import Run, from_lists
from distillir.evaluation.measures import evaluate
from distillir.signals.layers.spec import LayerSpec
from distillir.signals.place import Place
from distillir.teachers.layered import LayeredTeacher
from distillir.teachers.load_layered import load_layered

LAYER_QUALITY = "layer_quality.json"
#: Folders of a run.
STUDENT, TEACHER = "student", "teacher"
MEASURE = "nDCG@10"
MOST_QUERIES, DOCUMENTS = 100, 20


def layer_quality(place: Place, spec: LayerSpec) -> None:
    """Write ``layer_quality.json``; nothing where it is there.

    The first process alone measures. Whatever goes wrong is told and passed over: the training is done by now.
    """
    if rank() == 0:
        try:
            _measure(place, spec)
        except Exception as error:  # of any library that loads or runs a model
            said = (str(error).splitlines() or [type(error).__name__])[0]
            say(f"How well each layer ranks could not be measured, and is left out of the report ({said})")
    barrier()


def _measure(place: Place, spec: LayerSpec) -> None:
    queries, lists, qrels = sample(place)
    own = place.work / "layer-scores"  # the students' scores are asked for once: they would fill the cache for nothing
    systems = layered_systems(place, spec, own)
    source = _source(place, systems, queries, lists)
    file = place.path / LAYER_QUALITY
    if _written_for(file) == source:
        return
    with place.timed("layer quality"):
        best = [np.isin(rows, qrels.relevant(int(query))) for query, rows in zip(queries, lists, strict=True)]
        values = {
            "source": source,
            "measure": MEASURE,
            "queries": len(queries),
            "documents": DOCUMENTS,
            "judged": place.recipe.evaluation.split is not None,
            "best": _quality([flags[None].astype(np.float32) for flags in best], queries, lists, qrels)[0],
        }
        for name in list(systems):
            found = _scores(place, systems.pop(name), queries, lists)  # popped: its model leaves the memory
            values[name] = _quality(found, queries, lists, qrels)
        write_json(file, values)
    shutil.rmtree(own, ignore_errors=True)


def sample(place: Place) -> tuple[Rows, list[Rows], Qrels]:
    """Some evaluation queries, what the layers are to rank for each, and the judgements of these queries.

    The documents are the first of the teacher's run (or else of the candidates, or the student's run before training)
    and what is judged relevant further down in it. Their order is drawn: a layer that gives all the same score must not
    be taken for the run's ranking.

    Raises:
        DistillirError: No evaluation query has a candidate.
    """
    judged = place.judged()
    rankings = (place.ranking(name) for name in ("teacher", "candidates", "before"))
    run = next(ranking for ranking in rankings if ranking is not None).select(judged.query_rows)
    known = np.flatnonzero(np.diff(run.offsets))
    if not len(known):
        raise DistillirError("no evaluation query has a candidate", where=place.path)
    chosen = known[np.unique(np.linspace(0, len(known) - 1, min(MOST_QUERIES, len(known))).astype(np.int64))]
    lists = []
    for number in chosen.tolist():
        documents, query = run.of(number)[0], int(run.queries[number])
        kept = (np.arange(len(documents)) < DOCUMENTS) | np.isin(documents, judged.relevant(query))
        lists.append(
            np.random.default_rng([place.recipe.query_seed, query, LAYER_QUALITY_ORDER]).permutation(documents[kept])
        )
    queries = run.queries[chosen]
    of_these = np.isin(judged.queries, queries)
    return queries, lists, Qrels(judged.queries[of_these], judged.documents[of_these], judged.grades[of_these])


def layered_systems(place: Place, spec: LayerSpec, cache: Path) -> dict[str, LayeredTeacher]:
    """Measured systems: ``teacher``, ``teacher_after`` where it was trained along, the student ``before``, ``after``.

    Args:
        place: Of the run.
        spec: Whose layers the student's followed.
        cache: Where scores of this run's own models are kept.
    """
    from distillir.teachers.load_layered import load_layered_files

    systems = {"teacher": load_layered(spec.teacher, spec.pooling)}
    if spec.joint and (place.path / TEACHER).is_dir():
        kind, value = next(iter(spec.teacher.items()))
        # Its prompts lie in its place.
        options = {**(value if isinstance(value, dict) else {}), "model": str(place.path / TEACHER), "prompts": None}
        systems["teacher_after"] = load_layered({kind: options}, spec.pooling, cache=cache)
    student = place.recipe.student
    options = {"precision": place.recipe.evaluation.precision, "trust_remote_code": student.trust_remote_code}
    for name, path in (("before", place.initial_student), ("after", place.path / STUDENT)):
        systems[name] = load_layered_files(
            student.own_kind.model_kind, str(path), pooling=spec.pooling, cache=cache, **options
        )
    return systems


def _source(place: Place, systems: dict[str, LayeredTeacher], queries: Rows, lists: list[Rows]) -> str:
    """Identity of all that the figures depend on (hex)."""
    names = " ".join(f"{name} {system.fingerprint()}" for name, system in systems.items())
    digest = xxhash.xxh3_128(f"{MEASURE} {names} {place.collection.fingerprint}".encode())
    for query, documents in zip(queries.tolist(), lists, strict=True):
        digest.update(np.int64(query).tobytes() + np.ascontiguousarray(documents).tobytes())
    return digest.hexdigest()


def _written_for(file: Path) -> Any:
    """The source that a file names; None where there is none, or it cannot be read."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))["source"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _scores(place: Place, system: LayeredTeacher, queries: Rows, lists: list[Rows]) -> list[LayerScores]:
    """Scores [depth, N] of each list."""
    if world_size() == 1:
        return system.layers(place.collection, queries, lists)
    # With several processes the cache is asked by all of them together, and this is the first one alone.
    sizes = [len(rows) for rows in lists]
    rows, documents = np.repeat(queries, sizes), np.concatenate(lists)
    found = np.empty((system.depth, len(rows)), dtype=np.float32)
    with progress(f"Layers of {system.name}", len(rows)) as advance:
        for places, values in system.scores(place.collection, rows, documents):
            found[:, places] = values.T
            advance(len(places))
    return np.split(found, np.cumsum(sizes)[:-1], axis=1)


def _quality(found: list[LayerScores], queries: Rows, lists: list[Rows], qrels: Qrels) -> list[float]:
    """The measure of each layer.

    Raises:
        DistillirError: A score is not finite.
    """
    if not all(np.isfinite(scores).all() for scores in found):
        raise DistillirError("a layer's score is not finite")
    runs = [_run(found, layer, queries, lists) for layer in range(len(found[0]))]
    return [round(evaluate(run, qrels, [MEASURE]).means[MEASURE], 6) for run in runs]


def _run(found: list[LayerScores], layer: int, queries: Rows, lists: list[Rows]) -> Run:
    return from_lists(queries, lists, [scores[layer] for scores in found], f"layer {layer + 1}")
