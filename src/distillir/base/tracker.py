"""Trackers: what a training logs, its settings and its measures, told to TensorBoard, Weights & Biases or Trackio.

transformers' own callbacks are not used: they make a run of each stage's trainer, keep TensorBoard's files among the
checkpoints, which are deleted, know nothing of a recipe, and Trackio's copies every run to the Hub.
"""

import importlib.util
import io
import json
import os
import shutil
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any, Literal, get_args

from distillir.base.errors import DistillirError
from distillir.base.files import read_json, write_json
from distillir.base.processes import rank
from distillir.base.progress import say
from distillir.base.yaml_file import dump_yaml

TrackerName = Literal["none", "tensorboard", "wandb", "trackio"]
NONE = "none"
#: Project of runs where the variable of the tracker (``WANDB_PROJECT``, ``TRACKIO_PROJECT``) names none.
PROJECT = "distillir"


def check_tracker(name: str, where: str) -> None:
    """Refuse a tracker that is not known or not installed, before anything is paid for.

    Args:
        name: One of `TrackerName`.
        where: What named it, for the message.

    Raises:
        DistillirError: The message has the line for pip.
    """
    known = get_args(TrackerName)
    if name not in known:
        raise DistillirError(f"no tracker {name!r}", where=where, remedy=f"choose one of: {', '.join(known)}")
    if name != NONE and importlib.util.find_spec(name) is None:
        raise DistillirError(f"{name} is not installed", where=where, remedy=f"pip install 'distillir[{name}]'")


class Tracker:
    """A run of a tracker, opened when there is something to tell; in process 0 alone.

    A training that begins anew is another run; one that goes on, a later stage and the measures at the end are of the
    same one, which ``state`` remembers. What goes wrong once it is open is told, and ends the tracking alone.

    Args:
        to: Which tracker; ``none`` tells nobody.
        folder: Where ``tensorboard/`` and ``wandb/`` lie. Trackio has a place of its own.
        state: File that remembers which run it is.
        name: Of the run.
        group: Of runs that belong together.
        config: Gives the settings, when the run is opened.
        part: Subfolder of ``tensorboard/``, where several runs share ``folder``.
    """

    def __init__(
        self,
        to: str,
        folder: Path,
        state: Path,
        *,
        name: str,
        group: str | None = None,
        config: Callable[[], Mapping[str, Any]] = dict,
        part: str = "",
    ) -> None:
        self.to, self.folder, self.state, self.config, self.part = to, folder, state, config, part
        self.name, self.group = name, group
        self._open: _Backend | None = None
        self._off = to == NONE or rank() != 0

    def begin(self, stage: int | None, step: int) -> None:
        """Begin, or go on with, a stage.

        Args:
            stage: Its number; None where there is one alone.
            step: After which step: 0, or that of a checkpoint.
        """
        if self._off:
            return
        if step == 0 and stage in (None, 1):
            self.close()
            self._opened(anew=True)
        opened = self._opened()
        self._try(lambda: opened.begin(stage, step))

    def log(self, stage: int | None, step: int, values: Mapping[str, Any]) -> None:
        """Tell values of a step; what is no number is left out."""
        numbers = _numbers(values)
        if not self._off and numbers:
            opened = self._opened()
            self._try(lambda: opened.log(stage, step, numbers))

    def summary(self, values: Mapping[str, Any]) -> None:
        """Tell the measures of a whole run, such as ``after/nDCG@10``."""
        numbers = _numbers(values)
        if not self._off and numbers:
            opened = self._opened()
            self._try(lambda: opened.summary(numbers))

    def close(self) -> None:
        """End the run; what comes later opens it again."""
        if self._open is not None:
            opened, self._open = self._open, None
            self._try(opened.close)

    def _opened(self, anew: bool = False) -> "_Backend":
        if self._open is None:
            known = read_json(self.state, "delete it") if self.state.is_file() else {}
            if anew or known.get("to") != self.to:
                known = {"to": self.to, "id": uuid.uuid4().hex[:12]}
                self.state.parent.mkdir(parents=True, exist_ok=True)
                write_json(self.state, known)
                if self.to == "tensorboard":
                    shutil.rmtree(self.folder / "tensorboard" / self.part, ignore_errors=True)
            try:
                self._open = _BACKENDS[self.to](self, known["id"], json.loads(json.dumps(self.config(), default=str)))
            except Exception as error:  # of any library's own exceptions
                said = " ".join(str(error).split())[:200]
                mode = "; WANDB_MODE=offline needs no login" if self.to == "wandb" else ""
                raise DistillirError(
                    f"{self.to} cannot be opened ({type(error).__name__}: {said})",
                    where=f"report_to: {self.to}",
                    remedy=f"mend it, or go on with --report-to none{mode}",
                ) from None
        return self._open

    def _try(self, tell: Callable[[], object]) -> None:
        try:
            tell()
        except Exception as error:  # a training is worth more than its curves
            opened, self._off, self._open = self._open, True, None
            with suppress(Exception):
                if opened is not None:
                    opened.close()
            said = " ".join(str(error).split())[:200]
            say(f"{self.to} is told nothing more ({type(error).__name__}: {said}); the log file has everything")


def no_tracker() -> Tracker:
    """A tracker that tells nobody."""
    return Tracker(NONE, Path(), Path(), name="")


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _prefix(stage: int | None) -> str:
    return "train" if stage is None else f"train-{stage}"


class _Backend(ABC):
    """A run of one kind of tracker."""

    @abstractmethod
    def begin(self, stage: int | None, step: int) -> None:
        """Begin or go on with a stage."""

    @abstractmethod
    def log(self, stage: int | None, step: int, numbers: Mapping[str, float]) -> None:
        """Tell numbers of a step."""

    @abstractmethod
    def summary(self, numbers: Mapping[str, float]) -> None:
        """Tell numbers of the whole run."""

    @abstractmethod
    def close(self) -> None:
        """End."""


class _TensorBoard(_Backend):
    """Event files, a folder a stage (whose steps begin at 0 again): what a kill has undone is purged from it alone."""

    def __init__(self, tracker: Tracker, run: str, config: dict[str, Any]) -> None:
        self._folder = tracker.folder / "tensorboard" / tracker.part
        self._writers: dict[str, Any] = {}
        self._writer("").add_text("settings", f"```yaml\n{dump_yaml(config)}\n```")

    def _writer(self, part: str, purge: int | None = None) -> Any:
        if part not in self._writers:
            from torch.utils.tensorboard import SummaryWriter

            writer: Any = SummaryWriter
            self._writers[part] = writer(log_dir=str(self._folder / part), purge_step=purge)
        return self._writers[part]

    def begin(self, stage: int | None, step: int) -> None:
        self._writer(_prefix(stage), step + 1 if step else None)

    def log(self, stage: int | None, step: int, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            self._writer(_prefix(stage)).add_scalar(name, value, step)

    def summary(self, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            self._writer("").add_scalar(name, value, 0)

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()


class _Wandb(_Backend):
    """A run of Weights & Biases, or its files under ``wandb/`` where WANDB_MODE=offline."""

    def __init__(self, tracker: Tracker, run: str, config: dict[str, Any]) -> None:
        import wandb

        tracker.folder.mkdir(parents=True, exist_ok=True)
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=tracker.name,
            group=tracker.group,
            id=run,
            resume="allow",
            dir=str(tracker.folder),
            config=config,
            # Its lines and its copy of the terminal would break our bars.
            settings=wandb.Settings(silent=True, console="off"),
        )

    def begin(self, stage: int | None, step: int) -> None:
        self._run.define_metric(f"{_prefix(stage)}/*", step_metric=f"{_prefix(stage)}/step")

    def log(self, stage: int | None, step: int, numbers: Mapping[str, float]) -> None:
        prefix = _prefix(stage)
        self._run.log({f"{prefix}/step": step, **{f"{prefix}/{name}": value for name, value in numbers.items()}})

    def summary(self, numbers: Mapping[str, float]) -> None:
        self._run.summary.update(dict(numbers))

    def close(self) -> None:
        self._run.finish()


class _Trackio(_Backend):
    """A run of Trackio in its own folder (TRACKIO_DIR); to the Hub only where TRACKIO_SPACE_ID names a Space."""

    def __init__(self, tracker: Tracker, run: str, config: dict[str, Any]) -> None:
        import trackio

        with redirect_stdout(io.StringIO()):
            self._run = trackio.init(
                project=os.environ.get("TRACKIO_PROJECT", PROJECT),
                name=f"{tracker.name}-{run}",
                group=tracker.group,
                config=config,
                resume="allow",
                embed=False,
                auto_log_cpu=False,
                auto_log_gpu=False,
            )

    def begin(self, stage: int | None, step: int) -> None:
        pass

    def log(self, stage: int | None, step: int, numbers: Mapping[str, float]) -> None:
        self._run.log({f"{_prefix(stage)}/{name}": value for name, value in numbers.items()}, step=step)

    def summary(self, numbers: Mapping[str, float]) -> None:
        self._run.log(dict(numbers))

    def close(self) -> None:
        import trackio

        with redirect_stdout(io.StringIO()):
            trackio.finish()  # and not the run's own method, which leaves it among those to be ended at exit


_BACKENDS: dict[str, Callable[[Tracker, str, dict[str, Any]], _Backend]] = {
    "tensorboard": _TensorBoard,
    "wandb": _Wandb,
    "trackio": _Trackio,
}
