"""``distillir compare``: train every cell with every seed, and keep the leaderboard."""

import time
from pathlib import Path

from distillir.comparison.cell import Cell, shared_key
from distillir.comparison.file import Comparison
from distillir.comparison.leaderboard import Leaderboard, make_leaderboard
from distillir.comparison.share import adopt, prepare
from distillir.errors import DistillirError
from distillir.files import write_json
from distillir.parallel import barrier, rank
from distillir.pipeline.estimate import duration
from distillir.pipeline.evaluate import evaluate
from distillir.pipeline.run import clean
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.train import train
from distillir.progress import say
from distillir.reporting.report import render_report


def run_comparison(comparison: Comparison, output: Path) -> Leaderboard:
    """Train and evaluate every cell with every seed; those that are done are passed over.

    Everything before training is done once for all cells that share it; the score cache answers whatever a later cell
    asks again. The leaderboard is written anew after each run, so that a comparison can be watched and stopped.

    Args:
        comparison: See `distillir.comparison.file.read_comparison`.
        output: Folder of the comparison; a rerun goes on where the last one was stopped.

    Returns:
        The leaderboard, which ``leaderboard.json`` and ``leaderboard.html`` hold too.

    Raises:
        DistillirError: Something shared failed, or every run did.
    """
    shared: dict[str, RunFolder] = {}
    for cell in comparison.cells:
        key = shared_key(cell.seeded(comparison.query_seed, comparison.query_seed))
        if key not in shared:
            shared[key] = prepare(output, cell, comparison.query_seed)
    done: list[tuple[Cell, int, RunFolder]] = []
    failed: list[str] = []
    spent: list[float] = []
    runs = comparison.runs
    for number, (cell, seed) in enumerate(runs, 1):
        recipe = cell.seeded(seed, comparison.query_seed)
        folder = adopt(shared[shared_key(recipe)], output / "cells" / cell.folder / f"seed-{seed}", recipe)
        left = f", about {duration((len(runs) - number + 1) * sum(spent) / len(spent))} left" if spent else ""
        if not folder.metrics.is_file():
            say(f"Run {number} of {len(runs)}: {cell.name}, seed {seed}{left}")
        start = time.monotonic()
        try:
            finished = folder.metrics.is_file()
            barrier()
            if not finished:
                _run(folder)
                spent.append(time.monotonic() - start)
        except DistillirError as error:
            failed.append(f"{cell.name}, seed {seed}: {error}")
            say(f"failed: {failed[-1]}")
            continue
        done.append((cell, seed, folder))
        if not finished:
            _write(comparison, done, list(shared.values()), failed, output)
    if not done:
        raise DistillirError("every run failed", where=output, remedy="the messages above say why")
    return _write(comparison, done, list(shared.values()), failed, output)


def _run(folder: RunFolder) -> None:
    """Train and evaluate one cell with one seed."""
    train(folder)
    evaluate(folder)
    if rank() == 0:
        render_report(folder.path, folder.collection)
    clean(folder)
    barrier()


def _write(
    comparison: Comparison,
    done: list[tuple[Cell, int, RunFolder]],
    shared: list[RunFolder],
    failed: list[str],
    output: Path,
) -> Leaderboard:
    from distillir.reporting.leaderboard import render_leaderboard

    board = make_leaderboard(comparison, done, shared, failed)
    if rank() == 0:
        write_json(output / "leaderboard.json", board.to_dict())
        render_leaderboard(board, output / "leaderboard.html")
    barrier()
    return board
