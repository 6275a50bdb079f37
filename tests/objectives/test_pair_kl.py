"""Pair KL: closed forms, both ends of a preference, and many pairs."""

import math

import pytest
import torch

from distillir.base.errors import DistillirError
from distillir.objectives import kl, pair_kl, parse_objective
from distillir.signals.preferences.spec import PairSpec
from distillir.students.registry import STUDENTS


def test_by_hand() -> None:
    student = torch.tensor([[math.log(3.0), 0.0, 5.0]])
    # The student gives 0 three quarters against 1.
    value = pair_kl(student, torch.tensor([[0, 0, 1]]), torch.tensor([0.5]))
    assert value.item() == pytest.approx(0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25))
    assert pair_kl(student, torch.tensor([[0, 0, 1]]), torch.tensor([0.75])).item() == pytest.approx(0.0, abs=1e-7)
    # The other way round it is the same pair.
    swapped = pair_kl(student, torch.tensor([[0, 1, 0]]), torch.tensor([0.5]))
    assert swapped.item() == pytest.approx(value.item())


def test_a_teacher_that_is_certain_gives_a_finite_gradient() -> None:
    student = torch.tensor([[0.0, 0.0], [200.0, -200.0]], requires_grad=True)
    pairs, preferences = torch.tensor([[0, 0, 1], [1, 0, 1]]), torch.tensor([1.0, 0.0])
    loss = pair_kl(student, pairs, preferences)
    assert loss.item() == pytest.approx((math.log(2) + 400.0) / 2)
    loss.backward()  # type: ignore[no-untyped-call]
    assert student.grad is not None
    torch.testing.assert_close(student.grad, torch.tensor([[-0.25, 0.25], [0.5, -0.5]]))


def test_the_mean_is_over_pairs_and_not_over_queries() -> None:
    student = torch.randn(3, 6, generator=torch.Generator().manual_seed(0))
    pairs = torch.tensor([[0, 1, 2], [0, 3, 0], [0, 5, 1], [2, 0, 1]])
    preferences = torch.tensor([0.1, 0.9, 0.4, 0.7])
    each = [pair_kl(student, pairs[i : i + 1], preferences[i : i + 1]) for i in range(4)]
    torch.testing.assert_close(pair_kl(student, pairs, preferences), torch.stack(each).mean())
    mask = torch.ones(3, 6, dtype=torch.bool)
    mask[0, 3] = False  # a pair of which one is no candidate does not count
    torch.testing.assert_close(
        pair_kl(student, pairs, preferences, mask), torch.stack([each[i] for i in (0, 2, 3)]).mean()
    )
    assert pair_kl(student, pairs[:0], preferences[:0]).item() == 0.0


def test_many_pairs_are_one_computation() -> None:
    generator = torch.Generator().manual_seed(0)
    student = torch.randn(32, 64, generator=generator, requires_grad=True)
    pairs = torch.stack([torch.randint(high, (10_000,), generator=generator) for high in (32, 64, 64)], dim=1)
    loss = pair_kl(student, pairs, torch.rand(10_000, generator=generator))
    assert loss.grad_fn is not None
    seen, nodes = set(), [loss.grad_fn]
    while nodes:
        node = nodes.pop()
        if node not in seen:
            seen.add(node)
            nodes += [parent for parent, _ in node.next_functions if parent is not None]
    assert len(seen) < 40  # the graph does not grow with the pairs


def test_shapes_and_recipes() -> None:
    with pytest.raises(DistillirError, match=r"give pairs \[P, 3\]"):
        pair_kl(torch.zeros(2, 3), torch.zeros(4, 2, dtype=torch.long), torch.zeros(4))
    assert parse_objective({"kl": 1.0, "pair_kl": 3.0}).needs == {"teacher", "pairs", "preferences"}


def test_the_dense_weight_is_that_of_six_processes_with_detached_embeddings_of_the_others() -> None:
    """PairDistill's dense form as its authors run it: every process compares all, and gradients are averaged."""
    processes, queries, size = 6, 2, 3
    generator = torch.Generator().manual_seed(0)
    asked = torch.randn(processes * queries, 8, generator=generator, dtype=torch.float64, requires_grad=True)
    read = torch.randn(processes * queries * size, 8, generator=generator, dtype=torch.float64, requires_grad=True)
    own = torch.arange(len(read)) // size == torch.arange(len(asked))[:, None]
    teacher = torch.where(own, torch.randn(own.shape, generator=generator, dtype=torch.float64), -1e9)
    pairs = torch.tensor([[query, size * query, size * query + 2] for query in range(len(asked))])
    preferences = torch.rand(len(pairs), generator=generator, dtype=torch.float64)
    averaged = [torch.zeros_like(asked), torch.zeros_like(read)]
    for process in range(processes):
        here = torch.arange(len(asked)) // queries == process
        there = here.repeat_interleave(size)
        left = torch.where(here[:, None], asked, asked.detach())
        right = torch.where(there[:, None], read, read.detach())
        scores = left @ right.T
        value = kl(scores, teacher) + pair_kl(scores, pairs[here], preferences[here])
        for total, gradient in zip(averaged, torch.autograd.grad(value, (asked, read)), strict=True):
            total += gradient / processes
    scores = asked @ read.T
    weight = PairSpec(teacher={"cross-encoder": "x"}).part(STUDENTS.get("dense"), True)["pair_kl"]["weight"]
    ours = torch.autograd.grad(kl(scores, teacher) + weight * pair_kl(scores, pairs, preferences), (asked, read))
    for total, gradient in zip(averaged, ours, strict=True):
        torch.testing.assert_close(processes * total, gradient)
