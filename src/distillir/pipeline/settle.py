"""Settling of a recipe's ``auto`` values, from the teacher's scores and the student before training."""

from collections.abc import Mapping

from distillir.base.processes import first_decides, rank
from distillir.base.progress import say
from distillir.composition.settled import Settled, settle, settled_before, unsettled
from distillir.pipeline.inputs import Inputs
from distillir.pipeline.provenance import read, write
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.suggested import labels_weight, suggested_temperature

#: Under what ``provenance.json`` holds the fingerprints of what was settled from.
SETTLED = "settled"


def settle_recipe(folder: RunFolder) -> None:
    """Replace every ``auto`` of the folder's recipe and keep the recipe so.

    Nothing where an earlier start did it from the same teaching set and student. Both must be there.
    """
    keys = unsettled(folder.asked)
    if not keys:
        return
    inputs = Inputs(folder)
    grounds = first_decides(lambda: {**inputs.teaching, **inputs.initial_student})
    if first_decides(lambda: not unsettled(folder.recipe) and read(folder).get(SETTLED) == grounds):
        if not folder.student.exists():  # a training goes on, and its first start is out of sight
            _tell(settled_before(folder.asked, folder.recipe), "by an earlier start")
        return
    teacher = suggested_temperature(folder) if "teacher_temperature" in keys else None
    if teacher is None and "teacher_temperature" in keys:
        say(
            "No temperature brings the teacher's lists to half of the uniform entropy: its scores are taken as they are"
        )
    kind, model = folder.recipe.student.own_kind, folder.initial_student
    labels = labels_weight(folder) if "weight" in keys else 1.0
    found = Settled(teacher or 1.0, kind.temperature(model), kind.rate(model), labels)
    folder.keep_recipe(settle(folder.asked, found))
    if rank() == 0:
        write(folder, {**read(folder), SETTLED: grounds})
    _tell({key: value for key, value in found.by_key().items() if key in keys}, "auto")


def _tell(values: Mapping[str, float], how: str) -> None:
    told = [f"{'weight of info_nce' if key == 'weight' else key} {value:g}" for key, value in values.items()]
    say(f"Settled ({how}): {', '.join(told)}")
