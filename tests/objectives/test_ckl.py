"""Contrastively weighted KL: closed forms, the meaning of its weights, and what must not go in."""

import math

import pytest
import torch

from distillir.base.errors import DistillirError
from distillir.objectives import ckl, kl, parse_objective
from distillir.objectives.ckl import BIASES

STUDENT = torch.tensor([[2.0, 1.0, 0.0, -1.0], [0.5, 0.7, -0.2, 0.1]])
TEACHER = torch.tensor([[3.0, 2.5, -1.0, 0.0], [1.0, -1.0, 0.0, 0.5]])
RELEVANT = torch.tensor([[True, False, False, False], [False, True, False, False]])


def gradient(value: torch.Tensor, leaf: torch.Tensor) -> torch.Tensor:
    (found,) = torch.autograd.grad(value, leaf)
    return found


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("bias", BIASES)
def test_without_weights_it_is_kl_exactly(detach: bool, bias: str) -> None:
    one, other = STUDENT.clone().requires_grad_(), STUDENT.clone().requires_grad_()
    mine = ckl(one, TEACHER, RELEVANT, gamma=0.0, beta=0.0, detach_weights=detach, bias=bias, student_temperature=0.7)
    plain = kl(other, TEACHER, student_temperature=0.7)
    assert torch.equal(mine, plain)
    torch.testing.assert_close(gradient(mine, one), gradient(plain, other))


@pytest.mark.parametrize("bias", BIASES)
def test_value_by_hand(bias: str) -> None:
    gamma, beta = 1.5, 0.6
    total = 0.0
    for student, teacher, relevant in zip(STUDENT.tolist(), TEACHER.tolist(), RELEVANT.tolist(), strict=True):
        q = [math.exp(s) / sum(map(math.exp, student)) for s in student]
        p = [math.exp(t) / sum(map(math.exp, teacher)) for t in teacher]
        negatives = sorted((s for s, r in zip(student, relevant, strict=True) if not r), reverse=True)
        for i in range(4):
            if relevant[i]:
                weight = (1 - q[i]) ** gamma
            else:
                rank = negatives.index(student[i]) + 1
                own = {"reciprocal": beta / rank, "linear": beta * (1 - (rank - 1) / 3), "constant": beta}[bias]
                weight = q[i] ** (gamma - own)
            total += weight * p[i] * math.log(p[i] / q[i])
    found = ckl(STUDENT, TEACHER, RELEVANT, gamma=gamma, beta=beta, bias=bias)
    assert found.item() == pytest.approx(total / 2, rel=1e-5)


def test_the_gradient_of_constant_weights_by_hand() -> None:
    """With weights w held fixed, dL/dz_k = q_k sum_i(w_i p_i) - w_k p_k (a list; the mean over queries halves it)."""
    leaf = STUDENT.clone().requires_grad_()
    found = gradient(ckl(leaf, TEACHER, RELEVANT, gamma=1.0, beta=0.0), leaf)
    q, p = STUDENT.softmax(1), TEACHER.softmax(1)
    weights = torch.where(RELEVANT, 1 - q, q)
    expected = q * (weights * p).sum(1, keepdim=True) - weights * p
    torch.testing.assert_close(found, expected / 2)


def test_it_parts_positives_and_negatives_where_kl_copies_a_wrong_teacher() -> None:
    """The teacher puts a negative first: KL ends there, CKL ends with the positive first."""
    teacher = torch.tensor([[1.0, 1.2, 1.0, 0.9, 0.8]])
    relevant = torch.tensor([[True, False, False, False, False]])
    ends = {}
    for name in ("kl", "ckl"):
        leaf = torch.zeros(1, 5, requires_grad=True)
        optimizer = torch.optim.Adam([leaf], lr=0.05)
        for _ in range(600):
            optimizer.zero_grad()
            loss = kl(leaf, teacher) if name == "kl" else ckl(leaf, teacher, relevant, gamma=0.5, beta=0.0)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        ends[name] = leaf.detach().argmax().item()
    assert ends == {"kl": 1, "ckl": 0}


@pytest.mark.parametrize("relevant", [torch.ones(2, 4, dtype=torch.bool), torch.zeros(2, 4, dtype=torch.bool)])
@pytest.mark.parametrize("detach", [True, False])
def test_lists_of_one_kind_and_certain_students_are_finite(relevant: torch.Tensor, detach: bool) -> None:
    student = torch.tensor([[100.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]], requires_grad=True)
    value = ckl(student, torch.zeros(2, 4), relevant, gamma=0.5, beta=0.5, detach_weights=detach)
    assert torch.isfinite(value)
    assert torch.isfinite(gradient(value, student)).all()


def test_ties_of_the_student_are_ranked_against_the_teacher() -> None:
    student = torch.zeros(1, 3)
    teacher = torch.tensor([[0.0, 1.0, 2.0]])
    relevant = torch.tensor([[True, False, False]])
    leaf = student.clone().requires_grad_()
    found = gradient(ckl(leaf, teacher, relevant, gamma=1.0, beta=1.0), leaf)
    q, p = torch.full((3,), 1 / 3), teacher.softmax(1)[0]
    # The negative that the teacher likes less is ranked first, so its exponent is 0; the other's is 1/2.
    weights = torch.tensor([2 / 3, 1.0, (1 / 3) ** 0.5])
    torch.testing.assert_close(found[0], q * (weights * p).sum() - weights * p)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"gamma": 0.5, "beta": 1.0}, "not between 0 and gamma"),
        ({"gamma": -1.0}, "below 0"),
        ({"bias": "reciprocol"}, "reciprocal"),
        ({"detach_weights": 1}, "true or false"),
        ({"teacher_temperature": 0}, "out of range"),
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(DistillirError, match=said):
        parse_objective({"ckl": options})


def test_the_function_refuses_them_too() -> None:
    with pytest.raises(DistillirError, match="not between 0 and gamma"):
        ckl(STUDENT, TEACHER, RELEVANT, gamma=0.5, beta=1.0)
    with pytest.raises(DistillirError, match="shape"):
        ckl(STUDENT, TEACHER, RELEVANT[:, :3], gamma=1.0, beta=0.5)
