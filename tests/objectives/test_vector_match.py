"""Vectors that follow vectors: values and gradients of torch's own losses, texts that count several times or not."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, mse_loss, normalize, pairwise_distance

from distillir.base.errors import DistillirError
from distillir.objectives import vector_match
from distillir.objectives.vector_match import LOSSES, vector_match_count, vector_match_terms

DRAWN = torch.Generator().manual_seed(3)
STUDENT = torch.randn(5, 7, generator=DRAWN)
TEACHER = torch.randn(5, 7, generator=DRAWN)


def _both(function: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """Value and gradient."""
    student = STUDENT.clone().requires_grad_()
    value = function(student)
    value.backward()  # type: ignore[no-untyped-call]
    assert student.grad is not None
    return value.detach(), student.grad


@pytest.mark.parametrize(
    ("loss", "torchs"),
    [
        ("cosine", lambda student: (1 - cosine_similarity(student, TEACHER)).mean()),
        ("squared", lambda student: 7 * mse_loss(student, TEACHER)),
        ("distance", lambda student: pairwise_distance(student, TEACHER, eps=0.0).mean()),
    ],
)
def test_values_and_gradients_are_torchs(loss: str, torchs: Callable[[Tensor], Tensor]) -> None:
    for ours, theirs in zip(
        _both(lambda student: vector_match(student, TEACHER, loss=loss)), _both(torchs), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_closed_forms() -> None:
    student, teacher = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[1.0, 1.0], [0.0, -1.0]])
    assert float(vector_match(student, teacher)) == pytest.approx((1 - math.sqrt(0.5) + 2) / 2)
    assert float(vector_match(student, teacher, loss="squared")) == pytest.approx((1 + 9) / 2)
    assert float(vector_match(student, teacher, loss="distance")) == pytest.approx((1 + 3) / 2)
    ones, others = normalize(STUDENT), normalize(TEACHER)
    assert float(vector_match(ones, others, loss="squared")) == pytest.approx(2 * float(vector_match(ones, others)))
    for loss in LOSSES:
        assert float(vector_match(TEACHER, TEACHER, loss=loss)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_text_counts_as_often_as_it_is_said_to(loss: str) -> None:
    times = torch.tensor([2.0, 0.0, 1.0, 3.0, 0.0])
    again = torch.tensor([0, 0, 2, 3, 3, 3])
    torch.testing.assert_close(
        vector_match(STUDENT, TEACHER, times, loss=loss), vector_match(STUDENT[again], TEACHER[again], loss=loss)
    )
    # In parts: numerators and counts add up.
    parts = [slice(0, 2), slice(2, 5)]
    total = sum(vector_match_terms(STUDENT[part], TEACHER[part], times[part], loss) for part in parts)
    count = sum(vector_match_count(TEACHER[part], times[part]) for part in parts)
    torch.testing.assert_close(total / count, vector_match(STUDENT, TEACHER, times, loss=loss))


@pytest.mark.parametrize("loss", LOSSES)
def test_what_does_not_count_adds_nothing_whatever_it_holds(loss: str) -> None:
    student, teacher = STUDENT.clone(), TEACHER.clone()
    student[1], teacher[3] = torch.nan, torch.inf
    student.requires_grad_()
    times = torch.tensor([1.0, 0.0, 1.0, 0.0, 1.0])
    vector_match(student, teacher, times, loss=loss).backward()  # type: ignore[no-untyped-call]
    assert student.grad is not None and student.grad.isfinite().all()
    assert (student.grad[[1, 3]] == 0).all() and (student.grad[[0, 2, 4]] != 0).any(dim=1).all()
    nothing = vector_match(STUDENT, TEACHER, torch.zeros(5), loss=loss)
    assert float(nothing) == 0


@pytest.mark.parametrize("loss", LOSSES)
def test_vectors_that_are_there_already_or_have_no_length_have_finite_gradients(loss: str) -> None:
    student = torch.cat([TEACHER[:1], torch.zeros(1, 7)]).requires_grad_()
    vector_match(student, torch.cat([TEACHER[:1], torch.zeros(1, 7)]), loss=loss).backward()  # type: ignore[no-untyped-call]
    assert student.grad is not None and student.grad.isfinite().all()


def test_what_cannot_be_is_told() -> None:
    with pytest.raises(DistillirError, match=r"student vectors \(5, 7\) and teacher vectors \(5, 6\)"):
        vector_match(STUDENT, TEACHER[:, :6])
    with pytest.raises(DistillirError, match="'cosin' is no loss of vectors"):
        vector_match(STUDENT, TEACHER, loss="cosin")
