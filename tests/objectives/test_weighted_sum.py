"""Objectives by name, weighted sums and what recipes may write."""

import math

import pytest
import torch

from distillir.base.errors import DistillirError
from distillir.objectives import get, info_nce, kl, names, parse_objective

STUDENT = torch.tensor([[0.9, 0.1, 0.4], [0.2, 0.3, 0.8]])
SIGNALS = {"teacher": torch.tensor([[4.0, 2.0, 1.0], [0.0, 3.0, 3.5]]), "positive": torch.tensor([0, -1])}


def test_every_objective_says_what_it_is() -> None:
    assert {"kl", "margin_mse", "ranknet", "info_nce"} <= set(names())
    for name in names():
        objective = get(name)
        assert objective.name == name
        assert objective.needs <= {"teacher", "labels", "positive", "relevant", "pairs", "preferences"}
        assert objective.description
        assert objective.source
        assert set(objective.bounds) <= set(objective.options)


@pytest.mark.parametrize(
    "spec",
    [
        {"kl": {"weight": 1, "student_temperature": 0.05}, "info_nce": 0.1},
        [{"kl": {"student_temperature": 0.05}}, {"info_nce": 0.1}],
        [{"name": "kl", "student_temperature": 0.05}, {"name": "info-nce", "weight": 0.1}],
    ],
)
def test_a_sum_is_the_sum_of_its_weighted_parts(spec: object) -> None:
    objective = parse_objective(spec)
    expected = kl(STUDENT, SIGNALS["teacher"], student_temperature=0.05) + 0.1 * info_nce(STUDENT, SIGNALS["positive"])
    torch.testing.assert_close(objective.value(STUDENT, SIGNALS), expected)
    assert objective.needs == {"teacher", "positive"}
    assert objective.weights == {"kl": 1.0, "info_nce": 0.1}


def test_a_name_alone_has_weight_one_and_defaults() -> None:
    objective = parse_objective("kl")
    torch.testing.assert_close(objective.value(STUDENT, SIGNALS), kl(STUDENT, SIGNALS["teacher"]))
    options = {"weight": 1.0, "student_temperature": 1.0, "teacher_temperature": 1.0, "own_list": False}
    assert objective.spec == [{"kl": options}]


def test_the_same_objective_may_occur_twice() -> None:
    objective = parse_objective([{"kl": {"student_temperature": 1.0}}, {"kl": {"student_temperature": 0.1}}])
    assert objective.names == ["kl", "kl_2"]
    parts = objective.numerators(STUDENT, SIGNALS)
    torch.testing.assert_close(parts["kl_2"] / 2, kl(STUDENT, SIGNALS["teacher"], student_temperature=0.1))


def test_what_is_written_out_reads_back() -> None:
    objective = parse_objective([{"kl": {"teacher_temperature": 3}}, {"margin_mse": 0.25}, "ranknet"])
    assert parse_objective(objective.spec).spec == objective.spec


def test_each_part_is_averaged_before_it_is_weighted() -> None:
    """One query of two has a positive: the cross-entropy's mean is over that one."""
    objective = parse_objective(["kl", "info_nce"])
    counts = objective.counts(SIGNALS)
    assert (counts["kl"].item(), counts["info_nce"].item()) == (2.0, 1.0)
    combined = objective.combine(objective.numerators(STUDENT, SIGNALS), counts)
    torch.testing.assert_close(combined, objective.value(STUDENT, SIGNALS))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("kll", "did you mean 'kl'"),
        ("marginmse", "did you mean 'margin_mse'"),
        ("wasserstein", "choose from kl, margin_mse"),
        ({"kl": {"student_temprature": 1.0}}, r"objective\.kl: .*did you mean 'student_temperature'"),
        ({"margin_mse": {"temperature": 1.0}}, "margin_mse has no option 'temperature'"),
        ({"kl": {"student_temperature": 0}}, r"objective\.kl\.student_temperature: 0 is out of range; .*above 0"),
        ({"kl": {"student_temperature": "warm"}}, "'warm' is not a finite number"),
        ({"kl": {"student_temperature": True}}, "True is not a finite number"),
        ({"kl": math.nan}, r"objective\.kl\.weight: nan is not a finite number"),
        ({"kl": -1}, "-1 is below 0"),
        ({"kl": 0}, "every weight is 0"),
        ({}, "no objective is given"),
        ([], "no objective is given"),
        (3, "3 is no objective"),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(spec: object, message: str) -> None:
    with pytest.raises(DistillirError, match=message):
        parse_objective(spec)


def test_a_missing_signal_is_named() -> None:
    with pytest.raises(DistillirError, match="needs the signal 'positive'"):
        parse_objective("info_nce").value(STUDENT, {"teacher": SIGNALS["teacher"]})
