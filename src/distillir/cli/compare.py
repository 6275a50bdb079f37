"""``compare``: several recipes on one teaching set."""

from pathlib import Path
from typing import Annotated

import typer

from distillir.cli.allow_code import AllowCode
from distillir.cli.report_to import ReportTo, with_report_to

ComparisonPath = Annotated[Path, typer.Argument(metavar="COMPARISON", help="YAML file; see docs/compare.md")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="change a key of every recipe; may be repeated")
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="DIR", help="folder [default: runs/COMPARISON's name]")
]

Anew = Annotated[
    bool,
    typer.Option("--anew", help="make anew what does not fit its texts, models or settings, and all that follows"),
]


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command()(compare)


def compare(
    comparison: ComparisonPath,
    settings: Settings = None,
    output: Output = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="list the cells, with an estimate of the time")] = False,
    anew: Anew = False,
    report_to: ReportTo = None,
    allow_code: AllowCode = False,
) -> None:
    """Train several recipes, with several seeds, and tell which is better. A rerun goes on where it stopped."""
    from distillir.base.progress import console, is_first_process, say
    from distillir.cli.error_log import keep_errors_beside
    from distillir.comparison.file import read_comparison
    from distillir.recipe import default_output

    read = read_comparison(comparison, with_report_to(settings, report_to))
    folder = output or default_output(comparison)
    if dry_run:
        from distillir.comparison.estimate import print_comparison_plan

        keep_errors_beside(None)  # nothing of the comparison's folder is touched
        print_comparison_plan(read, folder)
        return
    keep_errors_beside(folder)
    from distillir.base.errors import DistillirError
    from distillir.comparison.leaderboard_page import elsewhere_table, leaderboard_headline, leaderboard_table
    from distillir.comparison.run import run_comparison

    board = run_comparison(read, folder, anew=anew)
    if is_first_process():
        console.print(leaderboard_table(board))
        if board.also:
            console.print(elsewhere_table(board))
    say(leaderboard_headline(board))
    calls = board.shared["calls"]
    say(f"Shared by all: {calls['asked']} pairs asked of the teacher, {calls['cached']} from the cache")
    say(f"Leaderboard: {folder / 'leaderboard.html'}")
    if board.failed:
        raise DistillirError(f"{len(board.failed)} of {board.planned} runs failed", where=folder)
