"""Concurrent calls, in threads that do not keep the program from ending."""

import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Found = TypeVar("Found")

#: Seconds for which an interrupted program still takes answers that are already paid for.
GRACE = 1.0
# Where a wait for a queue cannot be interrupted (Windows) it must end by itself.
_LOOK_UP = 0.5


class StoppedError(Exception):
    """The program is about to end, so that a call is not made or not repeated."""


class InFlight(Generic[Found]):
    """Concurrent calls of a function, up to a number at once.

    Threads of `concurrent.futures` are joined when Python ends, also those that sleep for as long as a server said or
    wait for one that hangs: Ctrl-C would then end nothing. These are not joined.

    Args:
        call: Told a place and the event that is set when the program is to end: whoever sleeps wakes by it.
        count: Places are 0 to ``count`` - 1, begun in order.
        at_once: Calls under way at most.
    """

    def __init__(self, call: Callable[[int, threading.Event], Found], count: int, at_once: int) -> None:
        self._call, self._count, self._at_once = call, count, at_once
        self._more = True
        self._ended = threading.Event()
        self._places: SimpleQueue[int | None] = SimpleQueue()
        self._found: SimpleQueue[tuple[int, Found | Exception]] = SimpleQueue()

    def no_more(self) -> None:
        """Begin no further call; those under way are waited for."""
        self._more = False

    def results(self) -> Iterator[tuple[int, Found | Exception]]:
        """Places, with what the call returned or raised, in the order they come.

        Where Ctrl-C interrupts the wait, answers that come within `GRACE` are given before it goes on its way.
        """
        threads = min(self._at_once, self._count)
        for _ in range(threads):
            threading.Thread(target=self._work, daemon=True).start()
        begun = running = 0
        try:
            while True:
                while self._more and running < self._at_once and begun < self._count:
                    self._places.put(begun)
                    begun, running = begun + 1, running + 1
                if not running:
                    return
                try:
                    place, found = self._found.get(timeout=_LOOK_UP)
                except Empty:
                    continue
                running -= 1
                yield place, found
        except KeyboardInterrupt:
            self._ended.set()
            yield from self._last(running)
            raise
        finally:
            self._ended.set()
            for _ in range(threads):
                self._places.put(None)

    def _last(self, running: int) -> Iterator[tuple[int, Found | Exception]]:
        until = time.monotonic() + GRACE
        for _ in range(running):
            try:
                place, found = self._found.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                return
            if not isinstance(found, Exception):
                yield place, found

    def _work(self) -> None:
        while (place := self._places.get()) is not None and not self._ended.is_set():
            found: Found | Exception
            try:
                found = self._call(place, self._ended)
            except Exception as error:
                found = error
            self._found.put((place, found))
