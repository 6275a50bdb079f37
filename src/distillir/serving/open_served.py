"""Opening of a finished run to be served: its folder, refused where it holds no student or fits no more."""

from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.base.lock import locked
from distillir.pipeline.provenance import check_reading
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.trained import trained_student
from distillir.recipe import RECIPE_FILE, read_recipe


def open_served(path: Path) -> RunFolder:
    """Open a run's folder; it is not locked while it is served.

    Args:
        path: The folder that ``distillir run`` wrote.

    Raises:
        DistillirError: It is no such folder, has no trained student, or its products do not fit the collection and the
            models of now.
    """
    recipe = path / RECIPE_FILE
    if not recipe.is_file():
        raise DistillirError(
            "is no folder of a run", where=path, remedy="name the folder that `distillir run` wrote, as runs/quickstart"
        )
    trained_student(path)
    read = read_recipe(recipe)
    with locked(path, reading=True):
        folder = RunFolder(path, read)
        check_reading(folder, "metrics" if folder.metrics.is_file() else "student")
    return folder


def check_same_documents(own: RunFolder, other: RunFolder) -> None:
    """Refuse a run on other documents.

    Raises:
        DistillirError: It has others; the message has both fingerprints.
    """
    mine, others = own.collection.corpus, other.collection.corpus
    if mine.fingerprint != others.fingerprint:
        raise DistillirError(
            f"is a run on other documents ({other.collection.name}: {len(others)}, {others.fingerprint[:12]}) than "
            f"{own.path} ({own.collection.name}: {len(mine)}, {mine.fingerprint[:12]})",
            where=f"--with {other.path}",
            remedy="name runs on the same collection",
        )
