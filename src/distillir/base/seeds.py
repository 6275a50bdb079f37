"""Seeds of a run's random streams, no two of them the same."""

import numpy as np

# Streams: numbers that stand in a seed sequence beside the seed, so that what is drawn for one purpose does
# not depend on what is drawn for another. Their values stay: other ones would draw other samples.
#: Candidates of a list that are drawn anew each epoch: [seed, epoch, list, 1].
REDRAWN_LIST = 1
#: Candidates of a list that are drawn once: [seed, list, 2, sampler].
FIXED_LIST = 2
#: Dark examples of a training example: [seed, epoch, list, 3].
DARK_CHOICE = 3
#: Pairs whose documents come first into a list: [*its stream, 4].
PAIRS_FIRST = 4
#: Pairs that a pairwise teacher is asked about: [seed, query, 5].
SAMPLED_PAIRS = 5
#: Pairs of dark examples: [seed, query, 6].
SAMPLED_DARK_PAIRS = 6
#: Queries held out for the evaluation: [seed, 7].
HELD_OUT_QUERIES = 7
#: Queries that a cross-encoder in training is measured on: [seed, 7].
TEACHER_DEV_QUERIES = 7
#: Trained queries whose scores are looked at: [seed, 8].
TEACHER_LOOKED_AT = 8
#: Layers that are compared: [seed, draw, 9].
LAYER_DRAWS = 9
#: Documents that a language model makes queries of: [seed, 11].
GENERATED_FROM = 11
#: Queries that the best student is chosen by: [seed, 13].
SELECTION_QUERIES = 13
#: Order of the lists that layers rank: [seed, query, 13].
LAYER_QUALITY_ORDER = 13
#: Documents of the pool that the best student is chosen on: [seed, 17].
SELECTION_POOL = 17
#: Texts whose length is measured: [seed, 19].
CUT_TEXTS = 19
#: Texts that the projection of a query encoder is fitted on: [seed, 23].
PROJECTION_TEXTS = 23
#: Words that noisy positives lack: [seed, *key of the list, 1].
NOISY_POSITIVES = 1
#: Order of the two documents of a training triple: [seed, 1].
PAIR_ORDER = 1

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
