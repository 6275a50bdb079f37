"""Threads that search, with a bound on how many searches wait for one."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class BusyError(Exception):
    """There are as many searches as may wait."""


class SearchPool:
    """A bounded pool; used from one event loop.

    Args:
        threads: Searches at once, with one thread of torch each.
        waiting: Searches that may wait beside them.
    """

    def __init__(self, threads: int, waiting: int) -> None:
        self._most, self._now = threads + waiting, 0
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="search", initializer=_one_thread)

    async def run(self, call: Callable[[], Answer]) -> Answer:
        """Call a function in a thread.

        Raises:
            BusyError: Too many are waiting.
        """
        if self._now >= self._most:
            raise BusyError
        loop = asyncio.get_running_loop()
        self._now += 1
        future = self._threads.submit(call)

        def ended(_: Future[Any]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._free)

        # Not when the asker has gone: the thread is busy until its search ends.
        future.add_done_callback(ended)
        return await asyncio.wrap_future(future)

    def _free(self) -> None:
        self._now -= 1

    def close(self) -> None:
        """Give up what waits; what runs ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
