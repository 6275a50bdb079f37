"""Progress in plain lines, one every half minute, for logs and pipes."""

import threading
import time
from collections.abc import Callable
from types import TracebackType

SECONDS = 30.0


class ProgressLines:
    """Lines that say how much is done and how long the rest takes; silent for work of less than one interval.

    The clock decides, not the steps: a line comes while one long step is under way, too.

    Args:
        description: What is being done.
        total: Units of it.
        say: Prints a line.
        silent: Print nothing at all.
        seconds: Between lines.
    """

    def __init__(
        self,
        description: str,
        total: int,
        say: Callable[[str], None],
        *,
        silent: bool = False,
        seconds: float | None = None,
    ) -> None:
        self._description, self._total, self._say, self._silent = description, total, say, silent
        self._seconds = SECONDS if seconds is None else seconds
        self._done = 0
        self._said = False
        self._start = time.monotonic()
        # The first step may be what an earlier process did (a resumed training): speed is measured after it.
        self._base: tuple[float, int] | None = None
        self._ended = threading.Event()
        self._clock: threading.Thread | None = None

    def advance(self, amount: int) -> None:
        """Count so many units as done."""
        self._done += amount
        if self._base is None:
            self._base = time.monotonic(), self._done

    def line(self, now: float) -> str:
        """The line for a moment of `time.monotonic`, such as ``Train: 120 of 400 (30 %), 2:05, about 4:52 left``."""
        share = f" ({100 * self._done // self._total} %)" if self._total else ""
        return f"{self._description}: {self._done} of {self._total}{share}, {clock(now - self._start)}{self._left(now)}"

    def _left(self, now: float) -> str:
        if self._base is None:
            return ""
        since, before = self._base
        done, spent = self._done - before, now - since
        if done <= 0 or spent <= 0 or self._done >= self._total:
            return ""
        return f", about {clock((self._total - self._done) * spent / done)} left"

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            self._said = True
            self._say(self.line(time.monotonic()))

    def __enter__(self) -> "ProgressLines":
        if not self._silent:
            self._clock = threading.Thread(target=self._run, name="progress", daemon=True)
            self._clock.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._clock is not None:
            self._clock.join()
        if self._said and error is None:
            self._say(f"{self._description}: done in {clock(time.monotonic() - self._start)}")


def clock(seconds: float) -> str:
    """Seconds as ``m:ss`` or ``h:mm:ss``."""
    whole = max(0, round(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
