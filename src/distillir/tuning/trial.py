"""One trial: a student trained with some settings, measured on the way, and stopped where it is not worth its time."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
from transformers import TrainerControl, TrainerState, TrainingArguments

from distillir.base.files import read_json, write_json
from distillir.base.processes import barrier, rank
from distillir.base.seeds import stage_seed
from distillir.base.tracker import Tracker, no_tracker
from distillir.base.trainer_callbacks import first_says
from distillir.composition.compose import compose
from distillir.pipeline.same_texts import own_judgements
from distillir.pipeline.signal_place import SignalPlace
from distillir.recipe import Recipe
from distillir.training.measure_watcher import MeasureWatcher
from distillir.training.selection import measure_steps
from distillir.tuning.shared import Shared

#: How a trial may end, besides by an error.
FINISHED, PRUNED, STOPPED = "finished", "pruned", "out of time"


@dataclass(frozen=True)
class Outcome:
    """The outcome of a trial.

    Attributes:
        ended: `FINISHED`, `PRUNED` or `STOPPED`.
        value: The best measure, the one before training included.
        best_step: After which step.
        done: Steps that were made.
        steps: Steps of the whole training.
    """

    ended: str
    value: float
    best_step: int
    done: int
    steps: int


class TrialWatcher(MeasureWatcher):
    """A callback that hands measures on, keeps those of each query, and ends the training on request.

    Args:
        measures: Times that the student is measured.
        file: Where the measures of each query are kept by step (``{"7": [...]}``).
        prunes: Told the number of a measure, from 1, and its value; says whether the trial is to end.
        late: Says whether the time is up.
    """

    def __init__(
        self, measures: int, file: Path, prunes: Callable[[int, float], bool], late: Callable[[], bool]
    ) -> None:
        self.measures, self.file, self.prunes, self.late = measures, file, prunes, late
        self.ended, self.done = FINISHED, 0

    def on_measure(self, step: int, steps: int, value: float, values: npt.NDArray[Any] | None) -> None:
        """Keep a measure, and ask whether to go on."""
        if values is not None and rank() == 0:
            write_json(self.file, {**step_values(self.file), str(step): [round(float(one), 6) for one in values]})
        if step > 0 and self.prunes(measure_steps(steps, self.measures).index(step) + 1, value) and step < steps:
            self.ended = PRUNED

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """End the training where the trial is pruned or the time is up."""
        self.done = state.global_step
        if self.ended == FINISHED and state.global_step < state.max_steps and first_says(self.late()):
            self.ended = STOPPED
        if self.ended != FINISHED:
            control.should_training_stop = True


def step_values(file: Path) -> dict[str, list[float]]:
    """Measures of each query by step that a trial has kept; empty where there are none."""
    return read_json(file, "delete it") if file.is_file() else {}


def run_trial(
    shared: Shared,
    recipe: Recipe,
    work: Path,
    name: Path,
    prunes: Callable[[int, float], bool],
    late: Callable[[], bool],
    tracker: Tracker | None = None,
) -> Outcome:
    """Train a student with some settings; one that a kill stopped goes on from its last checkpoint.

    Args:
        shared: What it learns from.
        recipe: Its settings.
        work: Folder for tokens, which all trials share, and checkpoints, which are deleted at the end.
        name: Path of its files, without their endings: ``.jsonl``, the log, and ``.json``, measures of each query.
        prunes: As in `TrialWatcher`.
        late: As in `TrialWatcher`.
        tracker: Told what its log holds.

    Raises:
        DistillirError: The settings do not go together, or training fails.
    """
    from distillir.base.best_state import BestState
    from distillir.students.load import load_student_of
    from distillir.teaching.mined_order import MinedOrder
    from distillir.training.train import checkpoint_folder, train_student

    folder = shared.folder
    [stage] = compose(recipe).stages
    model = load_student_of(recipe.student, folder.initial_student)
    values = name.with_suffix(".json")
    watcher = TrialWatcher(stage.training.select_measures, values, prunes, late)
    examples = train_student(
        model,
        folder.collection,
        shared.taught if shared.taught.has_scores else MinedOrder(shared.taught),
        stage.training,
        work,
        name.with_suffix(".jsonl"),
        samplers=stage.samplers,
        signals=[signal.open(SignalPlace.of_run(folder), stage.objective) for signal in stage.learnt],
        judged=own_judgements(folder),
        selection=shared.chosen,
        penalties=recipe.student.penalties(),
        seed=stage_seed(recipe.seed, None),
        watchers=[watcher],
        tracker=tracker,
    )
    best_step, value = BestState.read(checkpoint_folder(work)).kept
    (tracker or no_tracker()).summary({"best": value, "best step": best_step})
    barrier()
    forget_trial(work)
    return Outcome(watcher.ended, value, best_step, watcher.done, len(examples) // stage.training.queries_per_step)


def trial_tracker(recipe: Recipe, output: Path, name: Path) -> Tracker:
    """The recipe's tracker, of which each trial is a run, in a group that has the name of the search's folder.

    Args:
        recipe: Of the trial.
        output: Folder of the search.
        name: As in `run_trial`.
    """
    return Tracker(
        recipe.training.report_to,
        output,
        name.with_suffix(".tracker"),
        name=name.name,
        group=output.absolute().name,
        config=recipe.resolved,
        part=name.name,
    )


def forget_trial(work: Path) -> None:
    """Delete the checkpoints of a trial that has ended."""
    if rank() == 0:
        shutil.rmtree(work / "checkpoints", ignore_errors=True)
    barrier()
