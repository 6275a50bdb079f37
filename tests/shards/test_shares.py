"""How work is cut, and that a query gets the same scores in any share."""

import inspect

import numpy as np
import pytest

from distillir.pipeline.shards.merge import calls
from distillir.pipeline.shards.share import Share, read_share
from distillir.retrieval import exact
from distillir.retrieval.exact import exact_search
from distillir.retrieval.retriever import QUERY_BLOCK


def test_shares_are_even_and_whole() -> None:
    rows = np.arange(10)
    parts = [read_share(f"{number}/4").rows(rows).tolist() for number in range(1, 5)]
    assert [row for part in parts for row in part] == rows.tolist() and {len(part) for part in parts} == {2, 3}
    assert Share(1, 4).span == (0, 0.25) and Share(4, 4).span == (0.75, 1)
    assert inspect.signature(exact.exact_search).parameters["query_block"].default == QUERY_BLOCK
    many = np.arange(9 * QUERY_BLOCK + 7)
    parts = [Share(number, 4).rows(many, QUERY_BLOCK) for number in range(1, 5)]
    assert np.concatenate(parts).tolist() == many.tolist()
    assert all(part[0] % QUERY_BLOCK == 0 and len(part) >= 2 * QUERY_BLOCK for part in parts)


@pytest.mark.parametrize("count", [10, 40, 300, QUERY_BLOCK + 6, QUERY_BLOCK + 40])
@pytest.mark.parametrize("of", [3, 100])
def test_a_query_has_the_same_scores_in_any_share(count: int, of: int) -> None:
    random = np.random.default_rng(7)
    queries, documents = (random.normal(size=(size, 48)).astype(np.float32) for size in (count, 70))
    among = np.sort(random.choice(5000, count, replace=False))
    rows, scores = exact_search(queries, documents, 9)
    for number in {1, 2, of // 2, of}:
        wanted = Share(number, of).rows(among)
        if not len(wanted):
            continue
        given = calls(wanted, among)
        mined = np.concatenate(given)
        assert np.isin(wanted, mined).all() and len(np.unique(mined)) == len(mined)
        found = [exact_search(queries[np.isin(among, part)], documents, 9) for part in given]
        places = [int(np.flatnonzero(mined == row)[0]) for row in wanted]
        of_all = np.isin(among, wanted)
        assert (np.concatenate([best for best, _ in found])[places] == rows[of_all]).all()
        assert (np.concatenate([values for _, values in found])[places] == scores[of_all]).all(), "to the bit"
