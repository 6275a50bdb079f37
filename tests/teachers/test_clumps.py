"""Two clumps of scores: closed forms, and what is told of constructed teachers."""

import numpy as np
import pytest

from distillir.base.progress import console
from distillir.teachers.clumps import groups_of_lists, two_groups
from distillir.teachers.diagnostics import ONE_HOT, diagnose, say_diagnostics

Lists = list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]


def yes_or_no(draw: np.random.Generator, count: int = 200, size: int = 10) -> Lists:
    """One candidate about 4, the others about -4, as binary cross-entropy leaves them."""
    return [np.concatenate([draw.normal(4, 0.7, 1), draw.normal(-4, 0.7, size - 1)]) for _ in range(count)]


def test_closed_forms_of_the_best_division() -> None:
    found = two_groups(np.array([11.0, 0.0, 10.0, 1.0]))
    assert found is not None and found.clumps
    # About 5.5: of a variance of 101, 4 x 5^2 lie between the means 0.5 and 10.5; each group deviates by 0.5 of 10.
    assert found.between == pytest.approx(100 / 101)
    assert [found.low_spread, found.high_spread] == pytest.approx([0.05, 0.05])
    assert two_groups(np.array([2.0, 2.0, 2.0])) is None and groups_of_lists([]) is None


def test_it_is_the_best_of_all_divisions() -> None:
    values = np.random.default_rng(0).gamma(2.0, size=40)
    ordered, total = np.sort(values), values.var() * 40
    shares = [
        1 - (part.var() * len(part) + rest.var() * len(rest)) / total
        for part, rest in ((ordered[:i], ordered[i:]) for i in range(1, 40))
    ]
    found = two_groups(values)
    assert found is not None and found.between == pytest.approx(max(shares))


@pytest.mark.parametrize(
    ("values", "between"),
    [
        (np.linspace(0, 1, 20_001), 0.75),
        (np.random.default_rng(1).normal(3, 5, 200_000), 2 / np.pi),
    ],
)
def test_one_spread_is_no_two_clumps(values: np.ndarray[tuple[int], np.dtype[np.float64]], between: float) -> None:
    found = two_groups(values)
    assert found is not None and not found.clumps
    assert found.between == pytest.approx(between, abs=0.005)


def test_lists_of_their_own_level_are_clumps_too() -> None:
    draw = np.random.default_rng(2)
    level = yes_or_no(draw)
    found = groups_of_lists([values + draw.normal(0, 30) for values in level])
    apart = two_groups(np.concatenate([values + draw.normal(0, 30) for values in level]))
    assert found is not None and found.clumps and apart is not None and not apart.clumps
    # 8 apart in one of 10, within a deviation of 0.7: 0.09 x 64 of 0.09 x 64 + 0.49.
    assert found.between == pytest.approx(5.76 / 6.25, abs=0.01)


def test_nearly_one_hot_lists_are_counted() -> None:
    edge = np.log(ONE_HOT / (1 - ONE_HOT))
    lists = [np.array(v, dtype=np.float32) for v in ([0, edge + 0.01], [0, edge - 0.01], [1, 1, 1], [9, 0, 0, 0])]
    assert diagnose(lists).one_hot == 0.5


def test_what_is_told_of_two_clumps_and_of_one_spread() -> None:
    draw = np.random.default_rng(3)
    clumps = diagnose([values.astype(np.float32) for values in yes_or_no(draw)])
    spread = diagnose([draw.normal(size=10).astype(np.float32) for _ in range(200)])
    told = []
    for found in (clumps, spread):
        with console.capture() as captured:
            say_diagnostics(found)
        told.append(" ".join(captured.get().split()))
    assert clumps.clumps and clumps.one_hot is not None and clumps.one_hot > 0.98
    assert f"two clumps ({clumps.two_groups:.2f} of their variance" in told[0]
    assert "--loss graded --soft-labels" in told[0]
    assert spread.clumps is False and spread.one_hot is not None and spread.one_hot < 0.05
    assert "clumps" not in told[1] and "one candidate has more than 0.95" in told[1]
    assert {"one_hot", "two_groups", "clumps"} <= set(clumps.to_dict())


def test_no_temperature_makes_much_of_what_is_within_a_clump() -> None:
    draw = np.random.default_rng(5)

    def lists(high: int) -> Lists:
        return [np.concatenate([draw.normal(2, 0.1, high), draw.normal(0, 0.1, 50 - high)]) for _ in range(100)]

    # Thirty of fifty high: half of the uniform entropy would be reached within the clump alone, at about 0.04.
    many = diagnose([values.astype(np.float32) for values in lists(30)])
    assert many.clumps and many.temperature == pytest.approx(0.5, abs=0.02)
    # One of fifty: there the rule is about where the entropy asks for it.
    one = diagnose([values.astype(np.float32) for values in lists(1)])
    assert one.clumps and one.temperature is not None and 0.5 <= one.temperature < 0.7


def test_few_scores_and_short_lists_are_not_judged() -> None:
    draw = np.random.default_rng(4)
    for count, size in ((200, 5), (8, 10)):
        found = diagnose([values.astype(np.float32) for values in yes_or_no(draw, count, size)])
        assert found.clumps is None and found.two_groups is not None and found.two_groups > 0.9
