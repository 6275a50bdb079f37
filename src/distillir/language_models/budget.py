"""Budget of calls and tokens for a server: counted on disk, never exceeded, not even over a kill."""

import os
import threading
import time
import uuid
from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.base.processes import world_size
from distillir.language_models.patience import sleep


class BudgetSpentError(DistillirError):
    """The budget does not pay for another call."""


class ServerBudget:
    """Calls and tokens that may still be spent, counted on disk.

    Before a call is made, the most it can cost is written down; when it comes back, what it cost. A kill leaves the
    calls that were under way counted as dear as they could have been. Each process writes a file of its own and, where
    there are several, may spend its share.

    Args:
        calls: At most so many, over all runs that ask the same (``folder``); None: any number.
        tokens: Of prompts and answers, likewise.
        folder: Where it is written down.
    """

    def __init__(self, calls: int | None, tokens: int | None, folder: Path) -> None:
        self.folder = folder
        spent = [0, 0]
        for file in folder.glob("*.spent"):
            for line in file.read_text(encoding="ascii", errors="ignore").splitlines():
                parts = line.split()
                if len(parts) == 2 and all(part.lstrip("-").isdigit() for part in parts):
                    spent[0], spent[1] = spent[0] + int(parts[0]), spent[1] + int(parts[1])
        self._limits = tuple(
            None if limit is None else (limit - before) // world_size()
            for limit, before in zip((calls, tokens), spent, strict=True)
        )
        self._own = [0, 0]
        self._lock = threading.Lock()
        self._file = folder / f"{time.time_ns()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.spent"

    @property
    def left(self) -> tuple[int | None, int | None]:
        """Calls and tokens that this process may still spend."""
        calls, tokens = (
            None if limit is None else limit - own for limit, own in zip(self._limits, self._own, strict=True)
        )
        return calls, tokens

    def take(self, tokens: int) -> None:
        """Reserve one call of at most so many tokens.

        Raises:
            BudgetSpentError: It is not there.
        """
        with self._lock:
            for name, left, need in zip(("calls", "tokens"), self.left, (1, tokens), strict=True):
                if left is not None and left < need:
                    raise BudgetSpentError(
                        f"the budget of {name} is spent ({max(left, 0)} left of it)",
                        where="budget",
                        remedy=f"what was paid for is kept: raise budget.{name} and run again",
                    )
            self._write(1, tokens)

    def give_back(self, tokens: int) -> None:
        """Undo `take` for a call that reached nobody."""
        with self._lock:
            self._write(-1, -tokens)

    def settle(self, reserved: int, used: int) -> None:
        """Replace the tokens that were reserved for a call by those that it used."""
        with self._lock:
            if used != reserved:
                self._write(0, used - reserved)

    def _write(self, calls: int, tokens: int) -> None:
        self._own[0], self._own[1] = self._own[0] + calls, self._own[1] + tokens
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="ascii") as file:
            file.write(f"{calls} {tokens}\n")


class Rate:
    """Limit of calls that begin within a minute, evenly spread.

    Args:
        per_minute: None: any number.
    """

    def __init__(self, per_minute: float | None) -> None:
        self._between = 0.0 if per_minute is None else 60.0 * world_size() / per_minute
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self, ended: threading.Event | None = None) -> None:
        """Sleep until another call may begin.

        Raises:
            StoppedError: ``ended`` is set, before or meanwhile.
        """
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + self._between
        sleep(start - now, ended or threading.Event())
