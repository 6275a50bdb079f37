"""Lambda-MRR: closed forms, ties, and what its weights mean."""

import math

import pytest
import torch

from distillir.objectives import lambda_mrr


def test_a_pair_by_hand() -> None:
    """Ranks are the student's: 2 and 1, so the pair weighs |1/2 - 1/1|."""
    value = lambda_mrr(torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 0.0]]))
    assert value.item() == pytest.approx(0.5 * math.log(1 + math.e))


def test_only_the_order_of_labels_counts() -> None:
    student = torch.randn(3, 6, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[1.0, 0.5, -0.25, -0.25, -0.5, -0.5]]).expand(3, 6)
    other = torch.tensor([[90.0, 7.0, 3.0, 3.0, 0.0, 0.0]]).expand(3, 6)
    torch.testing.assert_close(lambda_mrr(student, labels), lambda_mrr(student, other))


def test_the_mean_is_over_pairs_of_the_batch_and_not_over_queries() -> None:
    long, short = torch.randn(1, 5), torch.randn(1, 5)
    labels = torch.arange(5.0)[None, :]
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])
    whole = lambda_mrr(torch.cat([long, short]), labels.expand(2, 5), mask)
    parts = 10 * lambda_mrr(long, labels) + 1 * lambda_mrr(short[:, :2], labels[:, :2])
    torch.testing.assert_close(whole, parts / 11)


def test_all_tied_scores_still_teach() -> None:
    """A student that knows nothing is ranked in the worst order, so every pair has a weight and a gradient."""
    student = torch.zeros(1, 4, requires_grad=True)
    labels = torch.tensor([[4.0, 3.0, 2.0, 1.0]])
    (gradient,) = torch.autograd.grad(lambda_mrr(student, labels), student)
    assert gradient[0, 0] < gradient[0, 1] < gradient[0, 2] < gradient[0, 3]
    order = torch.tensor([2, 0, 3, 1])
    other = torch.zeros(1, 4, requires_grad=True)
    (moved,) = torch.autograd.grad(lambda_mrr(other, labels[:, order]), other)
    torch.testing.assert_close(moved, gradient[:, order])


def test_equal_labels_are_not_compared() -> None:
    student = torch.randn(2, 3, requires_grad=True)
    value = lambda_mrr(student, torch.ones(2, 3))
    assert value.item() == 0
    (gradient,) = torch.autograd.grad(value, student)
    assert (gradient == 0).all()


def test_a_temperature_divides_the_scores() -> None:
    student, labels = torch.randn(2, 4), torch.rand(2, 4)
    torch.testing.assert_close(lambda_mrr(student, labels, student_temperature=0.1), lambda_mrr(student * 10, labels))
