"""Scores of a teacher's layers for a teaching set: asked for once."""

from pathlib import Path

import numpy as np
import xxhash

from distillir.base.processes import barrier, rank
from distillir.base.progress import say
from distillir.signals.layers.layer_set import LAYERS, LayerSet, open_layers, write_layers
from distillir.signals.layers.spec import LayerSpec
from distillir.signals.place import Place
from distillir.teachers.counted import added, calls_told
from distillir.teachers.layered import LayeredTeacher
from distillir.teachers.load_layered import load_layered
from distillir.teaching.teaching_set import TeachingSet


def make_layers(place: Place, spec: LayerSpec, target: Path) -> None:
    """Score a stage's lists by every layer of a teacher; what is there already is kept.

    Args:
        place: The stage of the run.
        spec: Whose layers.
        target: Folder of the scores.
    """
    teacher, lists = load_layered(spec.teacher, spec.pooling), place.lists()
    source = layer_source(place, lists, teacher)
    barrier()
    done = (target / LAYERS).is_file()
    barrier()
    if done:
        open_layers(target, source)
        return
    with place.timed("layers"):
        found = teacher.layers(place.collection, lists.queries, lists.lists)
        calls = teacher.calls()
        place.note(layer_calls=added(place.noted().get("layer_calls", {}), calls))
        say(f"Layered teacher {teacher.name}: {teacher.depth} layers; {calls_told(calls)}")
        if rank() == 0:
            write_layers(LayerSet(teacher.depth, found), target, source)
    barrier()


def layer_source(place: Place, lists: TeachingSet, teacher: LayeredTeacher) -> str:
    """Identity of all that the layers' scores of a teaching set depend on (hex)."""
    digest = xxhash.xxh3_128(f"{teacher.fingerprint()} {place.collection.fingerprint}".encode())
    for index, query in enumerate(lists.queries.tolist()):
        digest.update(np.int64(query).tobytes() + np.ascontiguousarray(lists.documents(index)).tobytes())
    return digest.hexdigest()


def open_layer_set(place: Place, spec: LayerSpec, target: Path) -> LayerSet:
    """Scores of a frozen teacher's layers that a stage learns from.

    Raises:
        DistillirError: They are missing, or of another teaching set or teacher.
    """
    place.need(target / LAYERS, "score")
    return open_layers(target, layer_source(place, place.lists(), load_layered(spec.teacher, spec.pooling)))
