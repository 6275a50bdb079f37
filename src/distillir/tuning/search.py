"""``distillir tune``: trial after trial until the time is up, each kept before the next one begins."""

import json
import shutil
import time
from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xxhash

from distillir.base.errors import DistillirError
from distillir.base.files import read_json, write_json
from distillir.base.lock import locked
from distillir.base.output_folder import is_empty, make_output
from distillir.base.processes import barrier, first_decides, rank
from distillir.base.progress import say
from distillir.base.tracker import check_tracker
from distillir.dry_run.plan import duration, quiet
from distillir.pipeline.ownership import difference, without_idle
from distillir.pipeline.selection_queries import CHOSEN_BY
from distillir.plans.settings import REPORT_TO
from distillir.recipe import Recipe
from distillir.training.selection import MEASURE
from distillir.tuning.budget import TrialBudget, expected, work
from distillir.tuning.optuna_there import optuna
from distillir.tuning.result import RECIPE, RESULT, TRIALS, SearchResult, make_result, trial_file, write_result
from distillir.tuning.shared import Shared, prepared, trial_recipe
from distillir.tuning.space import Space, build_space, check_names, check_tunable
from distillir.tuning.study import FAILED, FILE, KILLED, UNFITTING, Asked, Study, Tried
from distillir.tuning.trial import FINISHED, STOPPED, Outcome, forget_trial, run_trial, trial_tracker

#: What says that a folder is a search's, and of what.
MARK = "tuning.json"
#: Proposals in a row that are passed over (too long for the time left, known already) or fail, before the search ends.
PASSED_OVER = 10


@dataclass(frozen=True)
class Limits:
    """Limits of a search: its time and its number of trials.

    Attributes:
        minutes: Of all trials, those of earlier calls included.
        trials: At most so many, those of earlier calls included; None: as many as fit.
    """

    minutes: float
    trials: int | None = None


def tune(
    recipe: Recipe,
    output: Path,
    limits: Limits,
    *,
    seed: int = 0,
    only: Sequence[str] | None = None,
    anew: bool = False,
) -> SearchResult:
    """Search the keys of a recipe; a search that was stopped goes on.

    The first trial is the recipe itself, so that what is found is never below it. No trial is measured on what the
    recipe reports.

    Args:
        recipe: A checked recipe.
        output: Folder of the search.
        limits: When it ends. The first trial is always finished.
        seed: Of the draws.
        only: Names of the keys to search; None: all (`distillir.tuning.space.NAMES`).
        anew: Whether a search that is there is begun anew; candidates and scores that fit are kept.

    Returns:
        What was found, which ``result.json`` and ``recipe.yaml`` hold too.

    Raises:
        DistillirError: Optuna is missing, the folder holds something else or is in use, or the recipe cannot be
            trained or measured.
    """
    optuna()
    base = trial_recipe(recipe)
    check_tunable(base)
    check_names(only)
    check_tracker(recipe.training.report_to, REPORT_TO)
    mark = _claim(recipe, output, seed, only, anew)
    with locked(output):
        if rank() == 0:
            if anew:
                _forget(output)
            write_json(output / MARK, mark)
        barrier()
        try:
            with prepared(output / "shared", base, anew=anew) as shared:
                return _Search(recipe, shared, output, limits, seed, only).run()
        except DistillirError as error:
            if rank() == 0 and is_empty(output, MARK):
                (output / MARK).unlink()  # nothing was made: a mended recipe finds the folder free
            if error.where == CHOSEN_BY:
                # Its remedy, to choose none, is no way out here: trials are compared by these queries.
                remedy = "add training queries or a dev split, or set training.select_queries lower"
                raise DistillirError(error.what, where="distillir tune", remedy=remedy) from None
            raise


def _claim(recipe: Recipe, output: Path, seed: int, only: Sequence[str] | None, anew: bool) -> dict[str, Any]:
    """Take a folder that is empty, or that holds a search of the same recipe, keys and seed; returns these.

    Raises:
        DistillirError: It holds something else; the message names the first difference.
    """
    own: dict[str, Any] = {
        "recipe": without_idle(recipe.resolved()),
        "seed": seed,
        "keys": None if only is None else sorted(only),
    }
    own = json.loads(json.dumps(own))
    mark = output / MARK
    barrier()
    if mark.is_file() and not anew:
        before = read_json(mark, "mend it, or choose another --output")
        if before != own:
            what = "the search of another recipe" if before.get("recipe") != own["recipe"] else "another search"
            changed = difference(before, own).removeprefix("recipe.")
            raise DistillirError(
                f"holds {what} (differs in {changed})",
                where=output,
                remedy="choose another --output, or give --anew to begin anew",
            )
    elif not mark.is_file() and output.exists() and (not output.is_dir() or not is_empty(output)):
        raise DistillirError("is not empty and holds no search", where=output, remedy="choose another --output")
    barrier()
    if rank() == 0:
        make_output(output)
    barrier()
    return own


def _forget(output: Path) -> None:
    """Delete the trials and results of a search."""
    for name in (FILE, RECIPE, RESULT):
        (output / name).unlink(missing_ok=True)
    for name in (TRIALS, "work"):
        shutil.rmtree(output / name, ignore_errors=True)


class _Search:
    """The trials of one call. Process 0 alone has the study; it decides for all."""

    def __init__(
        self, given: Recipe, shared: Shared, output: Path, limits: Limits, seed: int, only: Sequence[str] | None
    ) -> None:
        self.given, self.shared, self.output, self.limits = given, shared, output, limits
        self.lists, self.longest = shared.learnt, int(shared.taught.sizes.max())
        self.space: Space = build_space(
            shared.folder.recipe,
            shared.suggested,
            longest=self.longest,
            lists=self.lists,
            judged=shared.judged,
            only=only,
        )
        self.queries = (shared.chosen.split, len(shared.chosen.queries))
        self._study: Study | None = None
        self.passed, self.last = 0, ""
        self.tried: list[Tried] = []
        first_decides(lambda: self._open(seed))
        self._update()
        self.budget = TrialBudget(60 * limits.minutes, sum(trial.seconds for trial in self.tried))

    @property
    def study(self) -> Study:
        """The study, in process 0."""
        assert self._study is not None
        return self._study

    def _open(self, seed: int) -> None:
        (self.output / TRIALS).mkdir(exist_ok=True)
        self._study = Study(self.output, self.space, seed)
        if not self._study.measured_by(self.shared.chosen.fingerprint):
            raise DistillirError(
                "its trials were measured by other queries, judgements or documents than those of now",
                where=self.output,
                remedy="give --anew to begin anew, or choose another --output",
            )
        if told := self._study.take_up():
            say(f"{told[0].upper()}{told[1:]}")

    def _update(self) -> SearchResult | None:
        """Read the trials of the study, and write the result so far."""
        self.tried = first_decides(lambda: self.study.tried())
        return first_decides(self._write)

    def _write(self) -> SearchResult | None:
        importances = self.study.importances()
        result = make_result(self.output, self.space, self.tried, importances, self.queries)
        if result is not None:
            write_result(self.output, result, self.given, self.space, self.tried)
        return result

    @property
    def counted(self) -> int:
        """Trials that count among ``--trials``."""
        return sum(trial.ended not in (KILLED, UNFITTING) for trial in self.tried)

    def run(self) -> SearchResult:
        """Try until the time is up or the trials are made."""
        told = "; ".join(f"{key.name} {key.range()}" for key in self.space.keys)
        say(f"Searched: {told}")
        for name, why in self.space.left_out.items():
            say(f"Not searched: {name}: {why}")
        self.passed = 0
        while (reason := first_decides(self._ends)) is None:
            asked = first_decides(lambda: self.study.ask())
            tries = self._try(asked)
            self._update()
            self.passed = 0 if tries else self.passed + 1
            if self.passed >= PASSED_OVER:
                reason = f"{self.passed} proposals in a row were passed over; the last one {self.last}"
                break
        say(f"The search ends: {reason}")
        forget_trial(self.output / "work")
        if rank() == 0:
            shutil.rmtree(self.output / "work", ignore_errors=True)
        barrier()
        result = self._update()
        if result is None:
            raise DistillirError(
                "the given recipe has not finished a trial", where=self.output, remedy="the messages above say why"
            )
        return result

    def _ends(self) -> str | None:
        """The reason why the search is over, None where it goes on. The given recipe is tried whatever the time."""
        if not any(trial.own and trial.ended == FINISHED for trial in self.tried):
            return None
        if self.budget.left <= 0:
            return f"the {self.limits.minutes:g} minutes are spent (--minutes)"
        if self.limits.trials is not None and self.counted >= self.limits.trials:
            return f"{self.counted} trials are made (--trials)"
        return None

    def _try(self, asked: Asked) -> bool:
        """Make a trial; returns whether it was trained."""
        start = time.monotonic()
        try:
            recipe = self.space.recipe(asked.params)
            if not asked.own and self._passes_over(asked, recipe):
                return False
            outcome = self._train(asked, recipe)
        except DistillirError as error:
            seconds, said = round(time.monotonic() - start, 2), str(error)
            first_decides(lambda: self.study.fail(FAILED, seconds, said))
            forget_trial(self.output / "work")
            if asked.own:
                raise
            say(f"Trial {asked.number} failed: {said}")
            self.last = "failed"
            return False
        seconds = round(time.monotonic() - start, 2)
        first_decides(lambda: self.study.end(outcome, seconds))
        self._say(asked, outcome, seconds)
        return True

    def _train(self, asked: Asked, recipe: Recipe) -> Outcome:
        name = trial_file(self.output, asked.files)
        own_work = self.output / "work"
        first_decides(lambda: _only_of(own_work, recipe))

        def prunes(measure: int, value: float) -> bool:
            return first_decides(lambda: self.study.prunes(measure, value))

        def late() -> bool:
            return not asked.own and self.budget.left <= 0

        if asked.own:
            say("Trial 0 is the given recipe")
        # What the first one said holds for all.
        with nullcontext() if asked.own else quiet(), closing(trial_tracker(recipe, self.output, name)) as tracker:
            return run_trial(self.shared, recipe, own_work, name, prunes, late, tracker)

    def _passes_over(self, asked: Asked, recipe: Recipe) -> bool:
        """Tell whether a proposal was tried already, or would take longer than the time that is left."""
        known = [trial for trial in self.tried if trial.ended == FINISHED and self._recipe(trial) == recipe]
        if known:
            self.last = f"is the same as trial {known[0].number}"
            first_decides(lambda: self.study.fail(UNFITTING, error=self.last))
            return True
        done = [(trial, self._size(self._recipe(trial))[1]) for trial in self.tried if trial.done]
        seconds, left = first_decides(lambda: (expected(self._size(recipe), done), self.budget.left))
        if seconds <= left:
            return False
        self.last = f"would take about {duration(seconds)}, and {duration(left)} are left"
        if not self.passed:
            say(
                f"Trial {asked.number} is not begun: it would take about {duration(seconds)}, {duration(left)} are left"
            )
        first_decides(lambda: self.study.fail(UNFITTING, error=self.last))
        return True

    def _recipe(self, trial: Tried) -> Recipe:
        return self.space.recipe(trial.params)

    def _size(self, recipe: Recipe) -> tuple[int, int]:
        return work(recipe, self.lists, self.longest)

    def _say(self, asked: Asked, outcome: Outcome, seconds: float) -> None:
        finished = [trial for trial in self.tried if trial.ended == FINISHED and trial.value is not None]
        values = [(trial.value or 0.0, trial.number) for trial in finished]
        if outcome.ended == FINISHED:
            values.append((outcome.value, asked.number))
        best = ""
        if values:
            value, number = max(values, key=lambda one: (one[0], -one[1]))
            best = "; the best so far" if number == asked.number else f"; best {value:.4f} (trial {number})"
        changes = ", ".join(
            f"{path.rsplit('.', 1)[-1] if 'info_nce' not in path else 'info_nce'} {value}"
            for path, value in self.space.changes(asked.params).items()
        )
        ended = "" if outcome.ended == FINISHED else f" {outcome.ended} after step {outcome.done} of {outcome.steps}:"
        say(
            f"Trial {asked.number}:{ended} {MEASURE} {outcome.value:.4f}{best}; {changes or 'the given recipe'}; "
            f"{duration(seconds)}, {duration(self.budget.left)} left"
        )
        if outcome.ended == STOPPED:
            say(f"Trial {asked.number} was stopped since the time was up: it does not count among those compared")


def _only_of(work: Path, recipe: Recipe) -> None:
    """Keep the checkpoints in a folder only if they are of the same trial, which a kill had stopped."""
    mark = work / "trial.json"
    key = xxhash.xxh3_64_hexdigest(json.dumps(without_idle(recipe.resolved()), sort_keys=True).encode())
    before = read_json(mark, "delete it") if mark.is_file() else {}
    if before.get("trial") != key:
        shutil.rmtree(work / "checkpoints", ignore_errors=True)
        write_json(mark, {"trial": key})
