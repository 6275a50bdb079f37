"""The identity of candidate lists and of the signals on them."""

import numpy as np
import xxhash

from distillir.teaching.lists import Lists


def lists_fingerprint(lists: Lists, *, scores: bool = True) -> str:
    """Hash of queries, candidates, judgements and scores of all lists (hex), whatever files they lie in.

    Args:
        lists: A teaching set, or what stands for one.
        scores: Whether the lists have scores.
    """
    digest = xxhash.xxh3_128()
    for index, query in enumerate(lists.queries.tolist()):
        documents = lists.documents(index)
        digest.update(np.array([query, len(documents)], dtype=np.int64).tobytes())
        for values in (documents, lists.relevant(index), *([lists.scores(index)] if scores else [])):
            digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
