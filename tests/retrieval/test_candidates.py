"""Mining: depth, judged documents, samples; the guard against false negatives."""

import numpy as np
import pytest

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.collections import Collection, Qrels
from distillir.collections.run import Run, from_lists
from distillir.retrieval.bm25_retriever import BM25Retriever
from distillir.retrieval.candidates import mine_candidates
from distillir.retrieval.guard import false_negative_guard
from distillir.retrieval.retriever import Retriever


class Listed:
    """A retriever that ranks documents 0, 1, 2, ... of the corpus for every query."""

    name = "listed"

    def search(self, collection: Collection, query_rows: Rows, depth: int) -> Run:
        rows = np.arange(min(depth, len(collection.corpus)))
        scores = (100 - rows).astype(np.float32)
        return from_lists(query_rows, [rows] * len(query_rows), [scores] * len(query_rows), self.name)


QUERIES = np.array([3, 1, 2])
QRELS = Qrels(np.array([1, 1, 3, 3]), np.array([0, 2, 1, 50]), np.array([1, 2, 1, 1], dtype=np.int32))
LISTED: list[Retriever] = [Listed()]


def lists(run: Run) -> list[list[int]]:
    return [d.tolist() for d in run.lists]


def test_plain_mining_is_the_top_of_the_source(tiny: Collection) -> None:
    run = mine_candidates(tiny, QUERIES, LISTED, depth=3)
    assert run.queries.tolist() == [3, 1, 2]
    assert lists(run) == [[0, 1, 2]] * 3


def test_judged_documents_are_left_out_and_the_list_filled(tiny: Collection) -> None:
    run = mine_candidates(tiny, QUERIES, LISTED, depth=3, exclude_judged=True, qrels=QRELS)
    assert lists(run) == [[0, 2, 3], [1, 3, 4], [0, 1, 2]]


def test_judged_documents_are_put_in_for_the_last_ones(tiny: Collection) -> None:
    run = mine_candidates(tiny, QUERIES, LISTED, depth=3, add_judged=True, qrels=QRELS)
    assert lists(run) == [[0, 1, 50], [0, 1, 2], [0, 1, 2]]
    assert all((np.diff(scores) <= 0).all() for _, scores in (run.of(i) for i in range(3)))
    assert lists(mine_candidates(tiny, QUERIES, LISTED, depth=1, add_judged=True, qrels=QRELS)) == [
        [1, 50],
        [0, 2],
        [0],
    ]


def test_judged_not_relevant_is_neither_excluded_nor_added(tiny: Collection) -> None:
    qrels = Qrels(np.array([1, 1]), np.array([0, 40]), np.array([0, 0], dtype=np.int32))
    assert lists(mine_candidates(tiny, np.array([1]), LISTED, depth=2, qrels=qrels, exclude_judged=True)) == [[0, 1]]
    assert lists(mine_candidates(tiny, np.array([1]), LISTED, depth=2, qrels=qrels, add_judged=True)) == [[0, 1]]


def test_random_samples_depend_on_seed_and_query_only(tiny: Collection) -> None:
    def draw(queries: list[int], seed: int) -> list[list[int]]:
        return lists(mine_candidates(tiny, np.array(queries), LISTED, depth=30, size=5, sample="random", seed=seed))

    first = draw([1, 2, 3], 0)
    assert draw([3, 1], 0) == [first[2], first[0]]
    assert first[0] != first[1]
    assert draw([1, 2, 3], 1) != first
    assert all(len(d) == 5 and max(d) < 30 and d == sorted(d) for d in first)
    drawn = {d for seed in range(60) for d in draw([1], seed)[0]}
    assert drawn == set(range(30)), "every candidate has a chance"


def test_a_sample_keeps_judged_documents(tiny: Collection) -> None:
    for seed in range(10):
        run = mine_candidates(
            tiny, QUERIES, LISTED, depth=30, size=4, sample="random", seed=seed, add_judged=True, qrels=QRELS
        )
        assert {1, 50} <= set(lists(run)[0])
        assert {0, 2} <= set(lists(run)[1])
        assert [len(d) for d in lists(run)] == [4, 4, 4]


def test_the_top_sample_is_the_top(tiny: Collection) -> None:
    assert lists(mine_candidates(tiny, QUERIES, LISTED, depth=30, size=2)) == [[0, 1]] * 3


def test_several_sources_are_fused(tiny: Collection) -> None:
    judged = tiny.qrels("test")
    alone = mine_candidates(tiny, judged.query_rows, [BM25Retriever()], depth=5)
    both = mine_candidates(
        tiny, judged.query_rows, [BM25Retriever(), Listed()], depth=5, weights=[1.0, 0.0], fusion="rrf"
    )
    assert both.name == "bm25+listed"
    for mine_alone, fused in zip(lists(alone), lists(both), strict=True):
        assert fused[: len(mine_alone)] == mine_alone


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exclude_judged": True, "add_judged": True}, "contradict"),
        ({"exclude_judged": True}, "no qrels"),
        ({"depth": 0}, "at least 1"),
        ({"size": 0}, "at least 1"),
        ({"sample": "best"}, "unknown sample 'best'"),
    ],
)
def test_options_that_cannot_be_are_refused(tiny: Collection, options: dict[str, object], message: str) -> None:
    with pytest.raises(DistillirError, match=message):
        mine_candidates(tiny, QUERIES, LISTED, **{"depth": 3, **options})  # type: ignore[arg-type]


def guarded(teacher: list[float], **options: object) -> tuple[list[int], list[float]]:
    """One query (row 1, documents 0 and 2 judged relevant) with a list of documents 0, 1, 2, ..."""
    values = np.array(teacher, dtype=np.float32)
    run = from_lists([1], [np.arange(len(teacher))], [-np.arange(len(teacher), dtype=np.float32)])
    left, scores = false_negative_guard(run, [values], QRELS, **options)  # type: ignore[arg-type]
    return left.lists[0].tolist(), [round(float(s), 4) for s in scores[0]]


def test_share_of_a_positive_score_drops_what_is_above() -> None:
    # The highest positive has 0.8; half of it is 0.4, which itself is kept.
    assert guarded([0.8, 0.41, 0.1, 0.4, 0.9], share=0.5) == ([0, 2, 3], [0.8, 0.1, 0.4])


def test_share_of_a_negative_logit_stays_below_it() -> None:
    # p = -2: the limit is -2 - 0.5 * 2 = -3, not -1.
    assert guarded([-2.0, -2.5, -9.0, -3.5, -1.5], share=0.5)[0] == [0, 2, 3]


def test_margin_counts_from_the_positive() -> None:
    assert guarded([5.0, 4.5, -1.0, 2.9, 3.5], margin=2.0)[0] == [0, 2, 3]


def test_the_positive_s_score_may_come_from_elsewhere() -> None:
    outside: list[Scores] = [np.array([0.2], dtype=np.float32)]
    run = from_lists([2], [np.array([7, 8])], [np.array([2, 1], dtype=np.float32)])
    teacher = [np.array([0.3, 0.1], dtype=np.float32)]
    assert false_negative_guard(run, teacher, QRELS, share=0.9, positive_scores=outside)[0].lists[0].tolist() == [8]
    untouched, _ = false_negative_guard(run, teacher, QRELS, share=0.9)
    assert untouched.lists[0].tolist() == [7, 8], "no judged document has a score: nothing to compare with"


@pytest.mark.parametrize(
    "options", [{}, {"share": 0.9, "margin": 1.0}, {"share": 0.0}, {"share": 1.5}, {"margin": -1.0}]
)
def test_a_guard_that_cannot_be_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(DistillirError, match=r"candidates\.guard"):
        guarded([1.0, 2.0, 3.0], **options)
