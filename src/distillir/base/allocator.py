"""Memory between steps: freed memory is kept, so that the kernel need not hand out fresh pages each time."""

import ctypes
import sys
from functools import cache
from typing import Any

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def keep_freed_memory(device: Any) -> bool:
    """Tell glibc to keep freed blocks, large ones too, for this process's next allocation.

    By default every tensor above 32 MiB is mapped anew and zeroed page by page by the kernel, which takes a good part
    of a CPU's time in training (benchmarks/results/training_step.md). The process, a program that imports distillir
    too, then keeps its peak of memory until it ends.

    Args:
        device: The torch device that is computed on.

    Returns:
        Whether it was done: on a CPU, with glibc.
    """
    return device.type == "cpu" and _set_glibc()


@cache
def _set_glibc() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, -1))
