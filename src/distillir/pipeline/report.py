"""Stage ``report``: the HTML page and the table in the terminal."""

from pathlib import Path

from distillir.base.processes import barrier, rank
from distillir.base.progress import console, is_first_process, say
from distillir.pipeline.run_folder import RunFolder
from distillir.students.load import CLASSES


def report(folder: RunFolder) -> Path:
    """Write ``report.html`` and print what was gained.

    Raises:
        DistillirError: There are no metrics yet.
    """
    folder.need(folder.metrics, "evaluate")
    if rank() == 0:
        from distillir.reporting.metrics import read_metrics
        from distillir.reporting.report import render_report
        from distillir.reporting.summary import elsewhere, headline, summary_table

        render_report(folder.path, folder.collection)
        metrics = read_metrics(folder.metrics)
        if is_first_process():
            console.print(summary_table(metrics))
        say(headline(metrics))
        for line in elsewhere(metrics):
            say(line)
        if folder.student.is_dir():
            say(f"Student: {folder.student} ({CLASSES[folder.recipe.student.kind]} loads it)")
        if folder.teacher.is_dir():
            say(f"Teacher: {folder.teacher} (as it was trained along)")
        say(f"Report:  {folder.report}")
    barrier()
    return folder.report
