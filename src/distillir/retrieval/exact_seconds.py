"""The time of an exact search on this machine, by a small one."""

import time

import numpy as np

from distillir.retrieval.exact import exact_search

_VECTORS, _QUERIES = 16_384, 256


def exact_seconds(queries: int, documents: int, width: int, depth: int) -> float:
    """Seconds of an exact search, which grow with queries and documents; reading the vectors is left out.

    Args:
        queries: How many.
        documents: How many.
        width: Numbers of a vector.
        depth: Documents a query.
    """
    if not queries or not documents:
        return 0.0
    draw = np.random.default_rng(0)
    asked, read = min(queries, _QUERIES), min(documents, _VECTORS)
    vectors = [draw.standard_normal((count, width)).astype(np.float32) for count in (asked, read)]
    start = time.monotonic()
    exact_search(vectors[0], vectors[1], depth)
    return (time.monotonic() - start) * queries / asked * documents / read
