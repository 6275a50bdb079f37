"""Waits that a server asks for: their length, the line that the user sees, and the longest that is accepted."""

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from distillir.base.progress import say
from distillir.language_models.in_flight import StoppedError

# Waits from this long on are told, and a line at most every half minute.
_TOLD_FROM, _TOLD_EVERY = 5.0, 30.0


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a response asks to wait: ``retry-after-ms``, or ``Retry-After`` in seconds or as a date (RFC 9110).

    Args:
        headers: The response's, found whatever their capitals.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        told = headers.get(name)
        if told is None:
            continue
        try:
            return max(0.0, float(told) * unit)
        except ValueError:
            pass
        try:
            date = parsedate_to_datetime(told)
        except (ValueError, TypeError):
            continue
        date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
        return max(0.0, (date - datetime.now(UTC)).total_seconds())
    return None


def span(seconds: float) -> str:
    """A length of time for people."""
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


class Waiting:
    """Sleeps that the program's end cuts short, with a line that gives the reason.

    Args:
        who: Whom the user reads is waited for.
    """

    def __init__(self, who: str) -> None:
        self.who = who
        self._last = -_TOLD_EVERY
        self._lock = threading.Lock()

    def tell(self, seconds: float, reason: str, attempt: int, attempts: int) -> None:
        """Say that a wait begins, where it is long and the last such line is half a minute old."""
        with self._lock:
            now = time.monotonic()
            if seconds < _TOLD_FROM or now - self._last < _TOLD_EVERY:
                return
            self._last = now
        say(f"{self.who}: waits {span(seconds)} before attempt {attempt} of {attempts} ({reason})")


def sleep(seconds: float, ended: threading.Event) -> None:
    """Sleep.

    Raises:
        StoppedError: The program is to end, before or meanwhile.
    """
    if ended.wait(max(0.0, seconds)):
        raise StoppedError
