"""Seeds of a run's random streams, no two of them the same."""

import numpy as np

#: A stage after the first draws from a stream that no seed's first stage has.
_STAGE = 0x57A6E


def stage_seed(seed: int, number: int | None) -> int:
    """Seed of a stage of a plan: of order, sampling, dropout and draws of layers.

    Args:
        seed: The recipe's.
        number: Of the stage, from 1; None for a plan of one stage, whose seed is the recipe's own, as the first's is.

    Returns:
        A number below 2**32.
    """
    if number in (None, 1):
        return seed
    return int(np.random.SeedSequence([_STAGE, seed, number]).generate_state(1)[0])
