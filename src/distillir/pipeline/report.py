"""Stage ``report_stage``: the HTML page and the table in the terminal."""

from pathlib import Path

from distillir.base.processes import barrier, rank
from distillir.base.progress import console, is_first_process, say
from distillir.composition.compose import compose
from distillir.pipeline.run_folder import RunFolder


def report_stage(folder: RunFolder) -> Path:
    """Write ``report.html`` and print what was gained.

    Raises:
        DistillirError: There are no metrics yet.
    """
    folder.need(folder.metrics, "evaluate")
    if rank() == 0:
        from distillir.reporting.metrics import read_metrics
        from distillir.reporting.report import render_report
        from distillir.reporting.summary import beside, headline, summary_table

        render_report(folder.path, folder.collection)
        metrics = read_metrics(folder.metrics)
        if is_first_process():
            console.print(summary_table(metrics))
        say(headline(metrics))
        for line in beside(metrics):
            say(line)
        if folder.student.is_dir():
            say(f"Student: {folder.student} ({folder.recipe.student.own_kind.loader} loads it)")
        for name in (name for signal in compose(folder.recipe).signals for name in signal.trains_along):
            if (folder.path / name).is_dir():
                say(f"{name.capitalize()}: {folder.path / name} (as it was trained along)")
        say(f"Report:  {folder.report}")
    barrier()
    return folder.report
