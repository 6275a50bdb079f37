"""Measures against closed forms."""

from math import log2

import numpy as np
import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Qrels
from distillir.collections.run import Run, from_lists
from distillir.evaluation import measures
from distillir.evaluation.measures import DEFAULT_MEASURES, check_measures, evaluate

# Query 4: documents 1 (grade 2) and 2 (grade 1) relevant, 3 judged not; query 9: document 5 relevant.
QRELS = Qrels(np.array([4, 4, 4, 9]), np.array([1, 2, 3, 5]), np.array([2, 1, 0, 1], dtype=np.int32))


def ranked(lists: dict[int, list[int]]) -> Run:
    scores = [np.linspace(1, 0, len(d), dtype=np.float32) for d in lists.values()]
    return from_lists(list(lists), [np.array(d, dtype=np.int64) for d in lists.values()], scores)


def test_closed_forms() -> None:
    run = ranked({9: [8, 7, 6, 5], 4: [7, 2, 3, 1]})
    result = evaluate(run, QRELS, ["nDCG@10", "nDCG@3", "MRR@10", "recall@2", "recall@100", "MAP", "P@2", "success@1"])
    assert result.queries.tolist() == [4, 9]
    ideal = 2 + 1 / log2(3)
    expected: dict[str, list[float]] = {
        "nDCG@10": [(1 / log2(3) + 2 / log2(5)) / ideal, 1 / log2(5)],
        "nDCG@3": [(1 / log2(3)) / ideal, 0],
        "MRR@10": [1 / 2, 1 / 4],
        "recall@2": [1 / 2, 0],
        "recall@100": [1, 1],
        "MAP": [(1 / 2 + 2 / 4) / 2, 1 / 4],
        "P@2": [1 / 2, 0],
        "success@1": [0, 0],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(result.values[name], values, atol=1e-9, err_msg=name)
        assert result.means[name] == pytest.approx(np.mean(values))


def test_names_of_people_are_those_of_ir_measures() -> None:
    run = ranked({9: [8, 5], 4: [1, 7, 2]})
    pairs = {"MRR@10": "RR@10", "recall@100": "R@100", "MAP": "AP", "MAP@100": "AP@100", "ndcg@10": "nDCG@10"}
    result = evaluate(run, QRELS, [*pairs, *pairs.values()])
    for one, other in pairs.items():
        assert np.array_equal(result.values[one], result.values[other])


def test_a_perfect_run_is_1_and_an_empty_one_0() -> None:
    perfect = evaluate(ranked({4: [1, 2], 9: [5]}), QRELS)
    assert perfect.means == pytest.approx(dict.fromkeys(DEFAULT_MEASURES, 1.0))
    nothing = evaluate(ranked({}), QRELS)
    assert nothing.means == dict.fromkeys(DEFAULT_MEASURES, 0.0)
    assert nothing.missing == 2


def test_missing_queries_count_as_0_and_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    result = evaluate(ranked({4: [1, 2], 77: [5]}), QRELS, ["nDCG@10"])
    assert result.values["nDCG@10"].tolist() == [1.0, 0.0]
    assert result.missing == 1
    assert "1 of 2 judged queries" in capsys.readouterr().err


def test_ties_are_judged_in_the_run_s_order() -> None:
    for order, expected in (([5, 8], 1.0), ([8, 5], 0.5)):
        run = from_lists([9], [np.array(order)], [np.ones(2, dtype=np.float32)])
        result = evaluate(run, QRELS, ["MRR@10", "RR", "nDCG@1"])
        assert result.values["MRR@10"][1] == result.values["RR"][1] == expected
        assert result.values["nDCG@1"][1] == float(expected == 1.0)


def test_negative_grades_are_not_relevant() -> None:
    qrels = Qrels(np.array([0, 0]), np.array([1, 2]), np.array([-2, 1], dtype=np.int32))
    assert evaluate(ranked({0: [1, 2]}), qrels, ["MRR@10", "nDCG@10"]).means == pytest.approx(
        {"MRR@10": 0.5, "nDCG@10": 1 / log2(3)}
    )


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    count = 50
    qrels = Qrels(np.arange(count), rng.integers(0, 20, count), np.ones(count, dtype=np.int32))
    run = ranked({q: rng.permutation(20).tolist() for q in range(count)})
    whole = evaluate(run, qrels)
    monkeypatch.setattr(measures, "_QUERIES_PER_BLOCK", 7)
    for name, values in evaluate(run, qrels).values.items():
        assert np.array_equal(values, whole.values[name])


@pytest.mark.parametrize("name", ["nDGC@10", "", "MRR@ten", "nDCG@10(", "42", "import os"])
def test_unknown_measures_are_refused(name: str) -> None:
    with pytest.raises(DistillirError, match="unknown measure"):
        check_measures(["MRR@10", name])
    with pytest.raises(DistillirError, match="unknown measure"):
        evaluate(ranked({4: [1]}), QRELS, [name])


def test_a_split_without_judgements_is_refused() -> None:
    empty = Qrels(QRELS.queries[:0], QRELS.documents[:0], QRELS.grades[:0])
    with pytest.raises(DistillirError, match="no query has a judgement"):
        evaluate(ranked({4: [1]}), empty)
