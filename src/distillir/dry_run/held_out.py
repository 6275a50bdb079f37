"""The number of training lists that a plan holds out to choose the best student by."""

from pathlib import Path

from distillir.dry_run.folder import DryFolder
from distillir.dry_run.lists import DryLists
from distillir.pipeline.selection_queries import held_out_lists, most_held_out, selects
from distillir.teaching.teaching_set import open_teaching_set


def held_out_count(folder: DryFolder, lists: DryLists) -> int:
    """Count them: by the stages' own code where there is a teaching set, else as many as there will be at most.

    Args:
        folder: Of the plan; its collection has no dev split to choose by.
        lists: That are learnt from.
    """
    if not selects(folder.recipe):
        return 0
    made = folder.teaching if folder.teaching.is_dir() else folder.recipe.teaching
    if made is None:
        return most_held_out(folder.recipe, lists.total)
    return int(held_out_lists(folder, open_teaching_set(Path(made), folder.collection)).sum())
