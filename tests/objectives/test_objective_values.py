"""Each objective against its definition, written out, and against torch."""

import math

import pytest
import torch
from torch import Tensor

from distillir.base.errors import DistillirError
from distillir.objectives import bce, info_nce, kl, margin_mse, parse_objective, ranknet

STUDENT = torch.tensor([[1.2, -0.3, 0.8, 2.0], [0.1, 0.4, -1.0, 0.0]])
TEACHER = torch.tensor([[3.0, 1.0, 1.0, -2.0], [9.5, 8.0, 7.25, 11.0]])


@pytest.mark.parametrize(("student_temperature", "teacher_temperature"), [(1.0, 1.0), (0.05, 3.0)])
def test_kl_is_torchs_batchmean(student_temperature: float, teacher_temperature: float) -> None:
    expected = torch.nn.functional.kl_div(
        torch.log_softmax(STUDENT / student_temperature, dim=1),
        torch.softmax(TEACHER / teacher_temperature, dim=1),
        reduction="batchmean",
    )
    ours = kl(STUDENT, TEACHER, student_temperature=student_temperature, teacher_temperature=teacher_temperature)
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)


def test_kl_of_equal_distributions_is_zero() -> None:
    torch.testing.assert_close(kl(TEACHER + 7.0, TEACHER), torch.tensor(0.0), rtol=0, atol=1e-6)


def test_kl_survives_teacher_scores_that_underflow() -> None:
    student = torch.tensor([[0.0, 1.0, 2.0]], requires_grad=True)
    loss = kl(student, torch.tensor([[1000.0, 0.0, -1000.0]]))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == pytest.approx(math.log(1 + math.e + math.e**2), rel=1e-6)
    assert student.grad is not None
    assert torch.isfinite(student.grad).all()


def test_margin_mse_is_the_mean_over_all_ordered_pairs() -> None:
    total = [
        ((s[i] - s[j]) - (t[i] - t[j])).item() ** 2
        for s, t in zip(STUDENT, TEACHER, strict=True)
        for i in range(4)
        for j in range(4)
    ]
    assert margin_mse(STUDENT, TEACHER).item() == pytest.approx(sum(total) / len(total), rel=1e-5)


def test_margin_mse_keeps_precision_far_from_zero() -> None:
    """Teachers score on scales of their own; a common offset of the scores must not eat the digits."""
    near = margin_mse(STUDENT, TEACHER)
    torch.testing.assert_close(margin_mse(STUDENT, TEACHER + 4096.0), near, rtol=1e-4, atol=0)


def test_ranknet_takes_only_pairs_the_teacher_orders() -> None:
    pairs = [
        math.log1p(math.exp((s[j] - s[i]).item()))
        for s, t in zip(STUDENT, TEACHER, strict=True)
        for i in range(4)
        for j in range(4)
        if t[i] > t[j]
    ]
    assert len(pairs) == 5 + 6  # the first list has one tie
    assert ranknet(STUDENT, TEACHER).item() == pytest.approx(sum(pairs) / len(pairs), rel=1e-5)


def test_ranknet_sees_only_the_order_of_the_teacher() -> None:
    torch.testing.assert_close(ranknet(STUDENT, TEACHER), ranknet(STUDENT, TEACHER.exp()))


def test_info_nce_is_torchs_cross_entropy() -> None:
    positive = torch.tensor([2, 0])
    expected = torch.nn.functional.cross_entropy(STUDENT / 0.05, positive)
    torch.testing.assert_close(info_nce(STUDENT, positive, temperature=0.05), expected)


def test_info_nce_passes_over_queries_without_a_positive() -> None:
    mask = torch.tensor([[True, True, True, False], [True, True, True, True]])
    only_second = info_nce(STUDENT[1:], torch.tensor([1]))
    torch.testing.assert_close(info_nce(STUDENT, torch.tensor([-1, 1])), only_second)
    torch.testing.assert_close(info_nce(STUDENT, torch.tensor([3, 1]), mask), only_second)
    assert info_nce(STUDENT, torch.tensor([-1, -1])).item() == 0.0


@pytest.mark.parametrize(("weight", "temperature"), [(1.0, 1.0), (7.0, 0.5)])
def test_bce_is_torchs_binary_cross_entropy(weight: float, temperature: float) -> None:
    """Of ragged lists in one row of all their candidates: value and gradient, the second list without a positive."""
    mask = torch.tensor([[True, True, True, False], [True, True, False, False], [True] * 4])
    relevant = torch.tensor([[True, False, True, True], [False] * 4, [False, False, False, True]])
    student = torch.cat([STUDENT, STUDENT[:1] * 50]).requires_grad_()
    ours = bce(student, relevant, mask, positive_weight=weight, student_temperature=temperature)
    (gradient,) = torch.autograd.grad(ours, student)
    flat = student.detach()[mask].requires_grad_()
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        flat / temperature, relevant[mask].float(), pos_weight=torch.tensor(weight)
    )
    (wanted,) = torch.autograd.grad(expected, flat)
    torch.testing.assert_close(ours, expected)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient).masked_scatter(mask, wanted))


def test_bce_by_hand() -> None:
    student = torch.tensor([[2.0, -1.0]])
    wanted = (-math.log(1 / (1 + math.exp(-2))) - math.log(1 - 1 / (1 + math.exp(1)))) / 2
    assert bce(student, torch.tensor([[True, False]])).item() == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("function", [kl, margin_mse, ranknet, bce])
def test_shapes_that_do_not_fit_are_refused(function: object) -> None:
    assert callable(function)
    with pytest.raises(DistillirError, match=r"\(2, 3\).*\(2, 4\)"):
        function(STUDENT, TEACHER[:, :3])
    with pytest.raises(DistillirError, match="mask"):
        function(STUDENT, TEACHER, torch.ones(2, 3, dtype=torch.bool))
    with pytest.raises(DistillirError, match="queries, candidates"):
        function(STUDENT[0], TEACHER[0])


def test_info_nce_refuses_a_positive_per_candidate() -> None:
    bad: Tensor = torch.zeros(2, 4, dtype=torch.long)
    with pytest.raises(DistillirError, match="2 queries"):
        info_nce(STUDENT, bad)


def test_own_lists_and_other_lists_negatives() -> None:
    """PairDistill's late-interaction form: KL over the own list, cross-entropy against other lists' documents alone."""
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(2, 5, generator=generator), torch.randn(2, 5, generator=generator)
    own = torch.tensor([[True, True, True, False, False], [True, True, False, False, False]])
    mask = torch.tensor([[True] * 5, [True, True, True, True, False]])
    signals = {"teacher": teacher, "own_list_mask": own, "positive": torch.tensor([1, 0])}
    found = parse_objective({"kl": {"own_list": True}}).value(student, signals, mask)
    torch.testing.assert_close(found, kl(student, teacher, own))
    found = parse_objective({"info_nce": {"own_negatives": False}}).value(student, signals, mask)
    kept = torch.tensor([[False, True, False, True, True], [True, False, True, True, False]])
    torch.testing.assert_close(found, info_nce(student, torch.tensor([1, 0]), kept))
    # Where nothing says which documents are other lists', every one is the query's own.
    plain = {name: signals[name] for name in ("teacher", "positive")}
    assert parse_objective({"kl": {"own_list": True}}).value(student, plain, mask) == kl(student, teacher, mask)
