"""Stage ``report_stage``: the HTML page and the table in the terminal."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.base.processes import barrier, rank
from distillir.base.progress import console, is_first_process, say
from distillir.collections import Collection
from distillir.composition.compose import compose
from distillir.pipeline.run_folder import RunFolder


def report_stage(folder: RunFolder) -> Path:
    """Write ``report.html`` and print what was gained.

    Raises:
        DistillirError: There are no metrics yet.
    """
    folder.need(folder.metrics, "evaluate")
    along = (name for signal in compose(folder.recipe).signals for name in signal.trains_along)
    return _report(folder.path, folder.collection, folder.recipe.student.own_kind.loader, along)


def report_folder(path: Path) -> Path:
    """Write ``report.html`` of what lies in the folder of a run, without its recipe, so that no code of its own runs.

    Whether the texts and models of now are those of the run is not looked at.

    Args:
        path: The folder.

    Raises:
        DistillirError: It holds no run, or no metrics yet.
    """
    from distillir.reporting.metrics import read_metrics
    from distillir.students.registry import STUDENTS
    from distillir.teaching.teaching_set import open_teaching_set

    metrics = path / "metrics.json"
    if not metrics.is_file():
        raise DistillirError("is missing", where=metrics, remedy="run `distillir evaluate` with this recipe first")
    collection, loader, student = None, None, read_metrics(metrics).student
    with suppress(DistillirError):  # moved or deleted: then single queries are left out
        collection = open_teaching_set(path / "teaching").open_collection()
    with suppress(DistillirError):  # code of a recipe's own
        loader = STUDENTS.get(student.kind).loader if student is not None else None
    return _report(path, collection, loader)


def _report(path: Path, collection: Collection | None, loader: str | None, along: Iterable[str] = ()) -> Path:
    """Write the page, print the table, and say where everything lies.

    Args:
        path: Folder of the run.
        collection: The run's; None: single queries are left out.
        loader: What loads the student; None where that is not known.
        along: Names of the folders of teachers that were trained along.
    """
    report = path / "report.html"
    if rank() == 0:
        from distillir.reporting.metrics import read_metrics
        from distillir.reporting.report import render_report
        from distillir.reporting.summary import beside, headline, summary_table

        render_report(path, collection)
        metrics = read_metrics(path / "metrics.json")
        if is_first_process():
            console.print(summary_table(metrics))
        say(headline(metrics))
        for line in beside(metrics):
            say(line)
        if (path / "student").is_dir():
            say(f"Student: {path / 'student'}{f' ({loader} loads it)' if loader else ''}")
        for name in along:
            if (path / name).is_dir():
                say(f"{name.capitalize()}: {path / name} (as it was trained along)")
        say(f"Report:  {report}")
    barrier()
    return report
