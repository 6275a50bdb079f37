"""Stage ``layers``: scores of a teacher's layers for the teaching set, once (where asked for)."""

from pathlib import Path

from distillir.base.processes import barrier, rank
from distillir.base.progress import say
from distillir.composition.compose import compose
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.signal_sources import layer_source
from distillir.signals.layers.layer_set import LAYERS, LayerSet, open_layers, write_layers
from distillir.signals.layers.spec import LayerSpec
from distillir.teachers.counted import added, calls_told
from distillir.teachers.load_layered import load_layered
from distillir.teaching.teaching_set import open_teaching_set


def layers(folder: RunFolder) -> None:
    """Write ``layers/``; nothing where it is there, or where the recipe asks for no layers of a frozen teacher.

    Raises:
        DistillirError: The teaching set is missing, or the layered teacher cannot be loaded.
    """
    spec = compose(folder.recipe).layers
    if spec is not None and not spec.joint and not folder.student.is_dir():  # a finished run needs them no more
        folder.need(folder.teaching, "score")
        make_layers(folder, spec, folder.teaching, folder.layers)


def make_layers(folder: RunFolder, spec: LayerSpec, teaching: Path, target: Path) -> None:
    """Score a teaching set by every layer of a teacher; what is there already is kept.

    Args:
        folder: The run's.
        spec: Whose layers.
        teaching: The teaching set.
        target: Folder of the scores.
    """
    teacher = load_layered(spec.teacher, spec.pooling)
    lists = open_teaching_set(teaching, folder.collection)
    source = layer_source(folder, lists, teacher)
    barrier()
    done = (target / LAYERS).is_file()
    barrier()
    if done:
        open_layers(target, source)
        return
    with folder.timed("layers"):
        found = teacher.layers(folder.collection, lists.queries, lists.lists)
        calls = teacher.calls()
        folder.note(layer_calls=added(folder.noted().get("layer_calls", {}), calls))
        say(f"Layered teacher {teacher.name}: {teacher.depth} layers; {calls_told(calls)}")
        if rank() == 0:
            write_layers(LayerSet(teacher.depth, found), target, source)
    barrier()
