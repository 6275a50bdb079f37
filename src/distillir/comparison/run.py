"""``distillir compare``: train every cell with every seed, and keep the leaderboard."""

import time
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from distillir.base.errors import DistillirError
from distillir.base.files import atomic_file, read_json, write_json
from distillir.base.lock import locked
from distillir.base.output_folder import is_empty, make_output
from distillir.base.processes import barrier, rank
from distillir.base.progress import say
from distillir.base.tracker import check_tracker
from distillir.comparison.cell import Cell, shared_key
from distillir.comparison.file import ComparisonPlan
from distillir.comparison.leaderboard import Leaderboard, make_leaderboard
from distillir.comparison.share import adopt, prepare_shared
from distillir.dry_run.plan import duration
from distillir.evaluation.measures import Evaluation
from distillir.pipeline.also import other_run
from distillir.pipeline.provenance import seal
from distillir.pipeline.run import clean
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.step import walk
from distillir.pipeline.steps import SIGNALS, named
from distillir.plans.settings import REPORT_TO
from distillir.recipe import EvaluationSpec
from distillir.reporting.metrics import read_metrics
from distillir.reporting.report import render_report

#: What says that a folder is a comparison's.
MARK = "comparison.json"


def run_comparison(comparison: ComparisonPlan, output: Path, *, anew: bool = False) -> Leaderboard:
    """Train and evaluate every cell with every seed; those that are done are passed over.

    Everything before training is done once for all cells that share it; the score cache answers whatever a later cell
    asks again. The leaderboard is written anew after each run, so that a comparison can be watched and stopped.

    Args:
        comparison: See `distillir.comparison.file.read_comparison`.
        output: Folder of the comparison; a rerun goes on where the last one was stopped.
        anew: Whether what was made from other texts, models or settings than those of now is deleted and made anew,
            and not refused.

    Returns:
        The leaderboard, which ``leaderboard.json`` and ``leaderboard.html`` hold too.

    Raises:
        DistillirError: The folder holds something else or is in use, what is in it does not fit, or every run failed.
    """
    for cell in comparison.cells:
        check_tracker(cell.recipe.training.report_to, REPORT_TO)
    _claim(comparison, output)
    with locked(output):
        return _run_cells(comparison, output, anew)


def _run_cells(comparison: ComparisonPlan, output: Path, anew: bool) -> Leaderboard:
    seed = comparison.query_seed
    keys = {cell.name: shared_key(cell.seeded(seed, seed)) for cell in comparison.cells}
    with_lists = {keys[cell.name] for cell in comparison.cells if cell.needs_lists}
    shared: dict[str, RunFolder] = {}
    broken: dict[str, str] = {}
    for cell in comparison.cells:
        key = keys[cell.name]
        if key not in shared and key not in broken:
            try:
                shared[key] = prepare_shared(output, cell, seed, lists=key in with_lists, anew=anew)
            except DistillirError as error:
                broken[key] = str(error)
                with suppress(OSError):
                    (output / "shared").rmdir()
                say(f"failed: {cell.name}: {error}")
    done: list[tuple[Cell, int, RunFolder]] = []
    failed: list[str] = []
    spent: list[float] = []
    known: dict[Path, Evaluation] = {}
    runs = comparison.runs
    for number, (cell, seed) in enumerate(runs, 1):
        recipe = cell.seeded(seed, comparison.query_seed)
        key = keys[cell.name]
        if key in broken:
            failed.append(f"{cell.name}, seed {seed}: {broken[key]}")
            continue
        folder = adopt(shared[key], output / "cells" / cell.folder / f"seed-{seed}", recipe, anew=anew)
        finished = _finished(folder)
        barrier()
        left = f", about {duration((len(runs) - number + 1) * sum(spent) / len(spent))} left" if spent else ""
        if not finished:
            say(f"Run {number} of {len(runs)}: {cell.name}, seed {seed}{left}")
        start = time.monotonic()
        try:
            _run(folder)
        except DistillirError as error:
            failed.append(f"{cell.name}, seed {seed}: {error}")
            say(f"failed: {failed[-1]}")
            continue
        finally:
            folder.close_tracker()
        done.append((cell, seed, folder))
        if not finished:
            spent.append(time.monotonic() - start)
            _write(comparison, done, list(shared.values()), failed, output, known)
    if not done:
        raise DistillirError("every run failed", where=output, remedy="the messages above say why")
    return _write(comparison, done, list(shared.values()), failed, output, known)


def _claim(comparison: ComparisonPlan, output: Path) -> None:
    """Take a folder that is empty, or that holds a comparison of the same queries.

    Raises:
        DistillirError: It holds something else.
    """
    recipe = comparison.cells[0].recipe.resolved()
    own = {"collection": recipe["collection"], "evaluation": recipe["evaluation"]}
    mark = output / MARK
    barrier()
    if mark.is_file():
        before = read_json(mark, "mend it, or choose another --output")
        with suppress(ValidationError):  # keys that are new since then stand at their defaults
            before["evaluation"] = EvaluationSpec.model_validate(before.get("evaluation")).model_dump(mode="json")
        if before != own:
            raise DistillirError(
                "holds a comparison on another collection or evaluation", where=output, remedy="choose another --output"
            )
    elif output.exists() and (not output.is_dir() or not is_empty(output)):
        raise DistillirError("is not empty and holds no comparison", where=output, remedy="choose another --output")
    barrier()
    if rank() == 0 and not mark.is_file():
        make_output(output)
        write_json(mark, own)
    barrier()


def _finished(folder: RunFolder) -> bool:
    """Tell whether a run is complete; a metrics file that cannot be read is deleted, so that it is made again."""
    if not _measured(folder):
        return False
    try:
        read_metrics(folder.metrics)
    except DistillirError:
        folder.metrics.unlink(missing_ok=True)
        return False
    return folder.report.is_file()


def _measured(folder: RunFolder) -> bool:
    """Tell whether a run has its rankings, those of other collections too, and its measures."""
    others = [other_run(folder, other, when) for other in folder.others for when in ("before", "after")]
    return all(path.is_file() for path in (folder.metrics, folder.after_run, *others))


def _run(folder: RunFolder) -> None:
    """Train and evaluate one cell with one seed; what is there already is passed over."""
    walk(folder, (*SIGNALS, *named("train")))
    if not _measured(folder):
        walk(folder, named("evaluate"))
    if rank() == 0 and not folder.report.is_file():
        render_report(folder.path, folder.collection)
    clean(folder)
    if rank() == 0:
        seal(folder, signals=True)
    barrier()


def _write(
    comparison: ComparisonPlan,
    done: list[tuple[Cell, int, RunFolder]],
    shared: list[RunFolder],
    failed: list[str],
    output: Path,
    known: dict[Path, Evaluation],
) -> Leaderboard:
    from distillir.comparison.leaderboard_page import leaderboard_markdown, render_leaderboard

    board = make_leaderboard(comparison, done, shared, failed, known)
    if rank() == 0:
        write_json(output / "leaderboard.json", board.to_dict())
        render_leaderboard(board, output / "leaderboard.html")
        with atomic_file(output / "leaderboard.md") as temporary:
            temporary.write_text(leaderboard_markdown(board), encoding="utf-8")
    barrier()
    return board
