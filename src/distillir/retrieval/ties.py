"""Detection of scores that are all the same."""

import numpy as np
import numpy.typing as npt

#: So many steps of float32, at the largest score's size, are taken for rounding.
ROUNDING = 8 * float(np.finfo(np.float32).eps)


def all_tied(scores: npt.NDArray[np.floating]) -> bool:
    """Tell whether scores [N] are all the same but for rounding, or fewer than two, so that they order nothing."""
    if len(scores) < 2:
        return True
    low, high = float(scores.min()), float(scores.max())
    return high - low <= ROUNDING * max(abs(low), abs(high))
