"""What a recipe leaves to the run (``auto``): settled from the teacher's scores and the student before training."""

from distillir.methods.settled import Settled, settle, unsettled
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.temperature import suggested_temperature
from distillir.progress import say
from distillir.students.scale import own_rate, own_temperature


def settle_recipe(folder: RunFolder) -> None:
    """Replace every ``auto`` of the folder's recipe and keep the recipe so; nothing where an earlier start did it.

    The folder's teaching set and student before training must be there.
    """
    keys = unsettled(folder.recipe)
    if not keys:
        return
    teacher = suggested_temperature(folder) if "teacher_temperature" in keys else None
    if teacher is None and "teacher_temperature" in keys:
        say(
            "No temperature brings the teacher's lists to half of the uniform entropy: its scores are taken as they are"
        )
    kind, model = folder.recipe.student.kind, folder.initial_student
    found = Settled(teacher or 1.0, own_temperature(kind, model), own_rate(model))
    folder.keep_recipe(settle(folder.recipe, found))
    told = [f"{key} {value:g}" for key, value in found.by_key().items() if key in keys]
    say(f"Settled (auto): {', '.join(told)}")
