"""Memory between steps: keep what was freed, so that the kernel need not hand out fresh pages each time."""

import ctypes
import sys
from functools import cache

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


@cache
def keep_freed_memory() -> bool:
    """Tell glibc to keep freed blocks, large ones too, for this process's next allocation.

    By default every tensor above 32 MiB is mapped anew and zeroed page by page by the kernel, which took a fifth of a
    CPU's time in training (benchmarks/README.md). The process then keeps its peak of memory until it ends.

    Returns:
        Whether it was done: not where the C library is another one.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, -1))
