"""The study: past trials, kept in one file, and the choice of the next (Optuna). Process 0 alone uses it."""

import json
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from distillir.base.errors import DistillirError
from distillir.tuning.optuna_there import optuna
from distillir.tuning.space import Space
from distillir.tuning.trial import FINISHED, PRUNED, STOPPED, Outcome

FILE = "study.log"
NAME = "distillir"
#: Trials drawn at random before any are drawn by what was measured, the given recipe not counted.
RANDOM = 6
#: Finished trials before any is pruned, and the first measure after which one is.
JUDGED_AFTER, FIRST_JUDGED = 3, 2
FAILED, UNFITTING, KILLED = "failed", "not begun", "killed"


@dataclass(frozen=True)
class Asked:
    """The next trial.

    Attributes:
        number: Of the trial.
        params: Drawn values by key.
        own: Whether it is the given recipe.
        files: Number that its files are called by: that of the trial that it repeats, or its own.
    """

    number: int
    params: dict[str, Any]
    own: bool
    files: int


@dataclass(frozen=True)
class Tried:
    """A trial that has ended.

    Attributes:
        number: Of the trial.
        params: Drawn values by key.
        own: Whether it is the given recipe.
        ended: ``finished``, ``pruned``, ``out of time``, ``failed``, ``not begun`` or ``killed``.
        value: The best measure; None where it has none.
        seconds: That it took.
        done: Steps that were made.
        best_step: After which it measured best.
        error: What a failed one said.
        files: As in `Asked`.
    """

    number: int
    params: dict[str, Any]
    own: bool
    ended: str
    value: float | None
    seconds: float
    done: int
    best_step: int
    error: str
    files: int


class Study:
    """Trials of a search.

    The draws of a trial depend on the seed, on how many were tried and on what they measured, not on how often the
    search was stopped.

    Args:
        folder: Of the search.
        space: What is searched.
        seed: Of the draws.

    Raises:
        DistillirError: Its file is damaged.
    """

    def __init__(self, folder: Path, space: Space, seed: int) -> None:
        library = optuna()
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        self.space, self.seed = space, seed
        file = folder / FILE
        mend(file)
        try:
            storage = JournalStorage(JournalFileBackend(str(file)))
            there = NAME in library.get_all_study_names(storage)
            pruner = library.pruners.MedianPruner(JUDGED_AFTER, FIRST_JUDGED)
            if there:
                self.study = library.load_study(study_name=NAME, storage=storage, pruner=pruner)
            else:
                self.study = library.create_study(storage=storage, study_name=NAME, direction="maximize", pruner=pruner)
        except (ValueError, KeyError) as error:
            raise DistillirError(
                f"is damaged ({type(error).__name__})", where=file, remedy="choose another --output, or give --anew"
            ) from None
        self._trial: Any = None

    def take_up(self) -> str:
        """Repeat a trial that a kill has stopped, once; returns a message about it."""
        from optuna.trial import TrialState

        told = []
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            attributes = {key: value for key, value in trial.user_attrs.items() if key in ("own", "again")}
            again = attributes.get("own", False) or not attributes.get("again", False)
            if again:  # first, so that a kill between the two loses nothing
                files = trial.user_attrs.get("files", trial.number)
                self.study.enqueue_trial(trial.params, {**attributes, "again": True, "files": files})
            told.append(f"trial {trial.number} was stopped: it is {'repeated' if again else 'counted out'}")
            self._tell(trial.number, KILLED, {})
        there = self.study.get_trials(deepcopy=False)
        if not any(
            trial.user_attrs.get("own") and trial.state in (TrialState.WAITING, TrialState.COMPLETE) for trial in there
        ):
            self.study.enqueue_trial(self.space.own, {"own": True})
        return "; ".join(told)

    def ask(self) -> Asked:
        """Choose the next trial: the given recipe, a trial to be repeated, or new draws."""
        counted = [trial for trial in self.tried() if trial.ended != KILLED]
        seed = int(np.random.default_rng([self.seed, len(counted)]).integers(2**32))
        self.study.sampler = optuna().samplers.TPESampler(n_startup_trials=RANDOM + 1, seed=seed)
        self._trial = self.study.ask({key.name: key.distribution() for key in self.space.keys})
        number, attributes = self._trial.number, self._trial.user_attrs
        return Asked(number, dict(self._trial.params), attributes.get("own", False), attributes.get("files", number))

    def prunes(self, measure: int, value: float) -> bool:
        """Take a measure of the running trial, by its number, and say whether the trial is to end."""
        self._trial.report(value, measure)
        own = self._trial.user_attrs.get("own", False)
        return bool(self._trial.should_prune()) and not own

    def end(self, outcome: Outcome, seconds: float) -> None:
        """Keep the outcome of the running trial."""
        facts = {"value": outcome.value, "seconds": seconds, "done": outcome.done, "best_step": outcome.best_step}
        self._tell(self._trial.number, outcome.ended, facts)

    def fail(self, ended: str, seconds: float = 0.0, error: str = "") -> None:
        """Keep the failure of the running trial."""
        self._tell(self._trial.number, ended, {"seconds": seconds, "error": error})

    def _tell(self, number: int, ended: str, facts: dict[str, Any]) -> None:
        from optuna.trial import TrialState

        storage, trial = self.study._storage, self.study.get_trials(deepcopy=False)[number]
        storage.set_trial_user_attr(trial._trial_id, "ended", ended)
        for name, value in facts.items():
            storage.set_trial_user_attr(trial._trial_id, name, value)
        if ended == FINISHED:
            self.study.tell(number, facts["value"])
        elif ended in (PRUNED, STOPPED) and trial.intermediate_values:
            self.study.tell(number, state=TrialState.PRUNED)
        else:
            self.study.tell(number, state=TrialState.FAIL)

    def tried(self) -> list[Tried]:
        """Every trial that has ended, in order."""
        return [
            Tried(
                trial.number,
                dict(trial.params),
                bool(trial.user_attrs.get("own", False)),
                str(trial.user_attrs.get("ended", KILLED)),
                trial.user_attrs.get("value"),
                float(trial.user_attrs.get("seconds", 0.0)),
                int(trial.user_attrs.get("done", 0)),
                int(trial.user_attrs.get("best_step", 0)),
                str(trial.user_attrs.get("error", "")),
                int(trial.user_attrs.get("files", trial.number)),
            )
            for trial in self.study.get_trials(deepcopy=False)
            if trial.state.is_finished()
        ]

    def measured_by(self, fingerprint: str) -> bool:
        """Note the fingerprint of the trials' measure; returns whether earlier trials had the same."""
        known = self.study.user_attrs.get("measured_by")
        if known is None:
            self.study.set_user_attr("measured_by", fingerprint)
        return known in (None, fingerprint)

    def importances(self) -> tuple[str, dict[str, float]]:
        """Shares of the spread of finished trials that keys explain, and by which method; empty where too few are."""
        library = optuna()
        if find_spec("sklearn"):
            name, evaluator = "fANOVA", library.importance.FanovaImportanceEvaluator(seed=self.seed)
        else:
            name, evaluator = "PED-ANOVA", library.importance.PedAnovaImportanceEvaluator()
        if sum(trial.ended == FINISHED for trial in self.tried()) < ENOUGH:
            return name, {}
        with suppress(ValueError, RuntimeError):  # all values are the same
            found = library.importance.get_param_importances(self.study, evaluator=evaluator)
            return name, {key: float(share) for key, share in found.items()}
        return name, {}


#: Finished trials from which importances are told.
ENOUGH = 4


def mend(file: Path) -> None:
    """Drop a last line that a kill tore, and the lock of the process that was killed: the folder's own is held."""
    if file.is_file():
        text = file.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        with suppress(ValueError):
            json.loads(text[len(whole) :])
            whole = text + b"\n"
        if whole != text:
            file.write_bytes(whole)
    for left in file.parent.glob(f"{file.name}.lock*"):
        left.unlink(missing_ok=True)
