import json

import numpy as np
import pytest

from distillir.base.progress import console
from distillir.teachers.diagnostics import diagnose, relative_entropy, say_diagnostics, suggest_temperature


def lists(*values: list[float]) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return [np.array(v, dtype=np.float32) for v in values]


def flags(*values: list[int]) -> list[np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
    return [np.array(v, dtype=bool) for v in values]


def test_closed_forms() -> None:
    found = diagnose(lists([0.0, 2.0], [1.0, 1.0, 1.0], [7.0], []))
    assert (found.lists, found.candidates, found.lowest, found.highest) == (2, 2.5, 0.0, 2.0)
    assert (found.spread, found.range, found.constant) == (0.5, 1.0, 0.5)
    p = 1 / (1 + np.exp(-2.0))
    binary = -(p * np.log(p) + (1 - p) * np.log(1 - p)) / np.log(2)
    assert found.entropy == pytest.approx((binary + 1) / 2)
    assert found.judged == 0 and found.agreement is None


def test_agreement_with_judgements() -> None:
    scores = lists([3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [1.0, 1.0], [5.0, 4.0], [1.0, 2.0])
    relevant = flags([1, 0, 0], [0, 0, 1], [1, 0], [0, 0], [1, 1])
    found = diagnose(scores, relevant)
    # Two lists say nothing (none relevant, all relevant); the tie of the third counts against.
    assert found.judged == 3
    assert found.agreement == pytest.approx(1 / 3)
    assert found.rank == pytest.approx((1 + 3 + 2) / 3)
    assert found.ndcg_at_10 == pytest.approx((1 + 0.5 + 1 / np.log2(3)) / 3)


def test_ndcg_agrees_with_ir_measures() -> None:
    import ir_measures

    draw = np.random.default_rng(0)
    scores = lists(*[draw.permutation(30).tolist() for _ in range(20)])
    relevant = [draw.random(30) < 0.2 for _ in range(20)]
    kept = [i for i in range(20) if relevant[i].any()]
    run = {str(i): {str(d): float(s) for d, s in enumerate(scores[i])} for i in kept}
    qrels = {str(i): {str(d): int(r) for d, r in enumerate(relevant[i])} for i in kept}
    expected = ir_measures.calc_aggregate([ir_measures.nDCG @ 10], qrels, run)[ir_measures.nDCG @ 10]
    assert diagnose(scores, relevant).ndcg_at_10 == pytest.approx(expected, abs=1e-6)


def test_suggested_temperature_gives_the_target_and_follows_the_scale() -> None:
    draw = np.random.default_rng(1)
    scores = [draw.normal(size=size).astype(np.float32) * 5 for size in (10, 20, 30)]
    found = diagnose(scores)
    assert found.temperature is not None and found.entropy is not None
    rows = np.full((3, 30), -np.inf)
    for row, values in zip(rows, scores, strict=True):
        row[: len(values)] = values - values.max()
    assert relative_entropy(rows, found.temperature) == pytest.approx(0.5, abs=5e-3)
    assert relative_entropy(rows, 1.0) == pytest.approx(found.entropy)
    tenfold = diagnose([values * 10 for values in scores])
    assert tenfold.temperature == pytest.approx(10 * found.temperature, rel=1e-2)
    assert relative_entropy(rows, 0.3) < relative_entropy(rows, 3.0)


def test_constant_and_missing_lists_have_no_temperature() -> None:
    found = diagnose(lists([2.0, 2.0, 2.0]))
    assert found.temperature is None and found.constant == 1.0
    assert found.entropy == pytest.approx(1.0)
    assert suggest_temperature(np.zeros((1, 3))) is None
    nothing = diagnose([])
    assert nothing.lists == 0 and nothing.entropy is None


@pytest.mark.parametrize("scores", [lists([0.0, 2.0, 4.0], [1.0, 1.0]), lists([2.0, 2.0]), []])
def test_it_is_printed_and_goes_into_json(scores: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]) -> None:
    found = diagnose(scores, [np.arange(len(s)) == 0 for s in scores])
    assert json.loads(json.dumps(found.to_dict()))["lists"] == len(scores)
    with console.capture() as captured:
        say_diagnostics(found)
    said = captured.get()
    assert said.startswith("Teacher scores:")
    if found.temperature is not None:
        assert f"teacher temperature {found.temperature:g}" in said and "33" not in said
