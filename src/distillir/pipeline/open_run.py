"""Opening a run folder for some stages: locked, of the same recipe, and with nothing in it that does not fit."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.base.lock import locked
from distillir.base.output_folder import make_output
from distillir.base.processes import barrier, rank
from distillir.pipeline.provenance import check, check_report, finish, seal
from distillir.pipeline.run_folder import RunFolder
from distillir.recipe import Recipe

#: A verb that reads what is there and makes nothing of it.
READ_ONLY = "report"


@contextmanager
def open_run(path: Path, recipe: Recipe, verb: str | None = None, *, anew: bool = False) -> Iterator[RunFolder]:
    """A run's folder for some stages; an error before anything was made leaves nothing of it behind.

    Args:
        path: The folder; made if it is missing.
        recipe: What the run is made of.
        verb: The verb that opens it (one of `distillir.pipeline.products.VERBS` or ``report``); None: all stages.
        anew: Whether what does not fit is deleted, to be made anew, and not refused.

    Raises:
        DistillirError: As `locked`, `RunFolder`, `distillir.pipeline.provenance.check`, and what the stages raise.
    """
    new = not path.exists()
    barrier()
    if rank() == 0 and (new or path.is_dir()):
        make_output(path)
    barrier()
    if not path.is_dir():
        raise DistillirError("is no folder", where=path, remedy="choose another --output")
    try:
        with locked(path, reading=verb == READ_ONLY):
            by = "distillir run --anew" if verb == READ_ONLY else "--anew"
            folder = RunFolder(path, recipe, anew=anew, anew_by=by)
            try:
                if verb == READ_ONLY:
                    check_report(folder)
                else:
                    if rank() == 0:
                        seal(folder, signals=False)
                    check(folder, verb, anew=anew)
                    finish(folder)
                yield folder
                if rank() == 0:
                    seal(folder, signals=True)
                barrier()
            except DistillirError:
                folder.release()
                raise
            finally:
                folder.close_tracker()
    finally:
        if rank() == 0:
            with suppress(OSError):
                path.rmdir()  # where nothing is in it
