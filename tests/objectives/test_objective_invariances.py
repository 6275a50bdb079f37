"""What every objective owes to every list: order, padding and splitting of the batch change nothing."""

import math

import pytest
import torch
from torch import Tensor

from distillir.objectives import WeightedSum, get, names
from distillir.objectives.objective import Objective

SIZES = (5, 1, 3, 7, 0, 4)
#: They compare each candidate with its own label, on one scale for all queries, and not with others of its list.
POINTWISE = frozenset({"bce"})


def ragged(seed: int = 0, dtype: torch.dtype = torch.float32) -> tuple[Tensor, dict[str, Tensor], Tensor]:
    """Student scores [6, 7], signals and a mask of lists of ``SIZES``; some queries have no positive."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(SIZES), max(SIZES))
    mask = torch.arange(max(SIZES))[None, :] < torch.tensor(SIZES)[:, None]
    student = torch.randn(shape, generator=generator, dtype=dtype)
    teacher = torch.randn(shape, generator=generator, dtype=dtype) * 4
    teacher[0, 1] = teacher[0, 2]
    positive = torch.tensor([0, 0, 2, 6, -1, -1])
    relevant = torch.arange(max(SIZES))[None, :] == positive[:, None]
    labels = torch.tensor([1.0, 0.5, 1 / 3, -0.25, -0.25, -0.5, -0.5]).expand(shape).to(dtype).clone()
    pairs = torch.tensor(
        [[[4, 0], [1, 2]], [[-1, -1]] * 2, [[2, 1], [-1, -1]], [[6, 3], [0, 6]], *[[[-1, -1]] * 2] * 2]
    )
    preferences = torch.tensor([[0.9, 0.0], [0.5, 0.5], [1.0, 0.5], [0.3, 0.5], [0.5, 0.5], [0.5, 0.5]], dtype=dtype)
    signals = {"teacher": teacher, "labels": labels, "positive": positive, "relevant": relevant}
    return student, {**signals, "pairs": pairs, "preferences": preferences}, mask


def alone(objective: Objective) -> WeightedSum:
    return WeightedSum([(objective, 1.0, objective.options)])


def value_and_gradient(
    objective: Objective, student: Tensor, signals: dict[str, Tensor], mask: Tensor | None
) -> tuple[Tensor, Tensor]:
    leaf = student.clone().requires_grad_()
    value = alone(objective).value(leaf, signals, mask)
    (gradient,) = torch.autograd.grad(value, leaf)
    return value.detach(), gradient


@pytest.fixture(params=names())
def objective(request: pytest.FixtureRequest) -> Objective:
    return get(request.param)


@pytest.mark.parametrize("rubbish", [math.nan, math.inf, -math.inf, 1e38])
def test_padding_never_reaches_value_or_gradient(objective: Objective, rubbish: float) -> None:
    student, signals, mask = ragged()
    value, gradient = value_and_gradient(objective, student, signals, mask)
    spoilt = {**signals, **{name: signals[name].masked_fill(~mask, rubbish) for name in ("teacher", "labels")}}
    spoilt["relevant"] = signals["relevant"] | ~mask
    dirty, dirty_gradient = value_and_gradient(objective, student.masked_fill(~mask, rubbish), spoilt, mask)
    torch.testing.assert_close(dirty, value)
    torch.testing.assert_close(dirty_gradient, gradient)
    assert value > 0
    assert (dirty_gradient[~mask] == 0).all()
    assert torch.isfinite(dirty_gradient).all()


def test_wider_padding_and_empty_lists_change_nothing(objective: Objective) -> None:
    student, signals, mask = ragged()
    value, gradient = value_and_gradient(objective, student, signals, mask)

    def widen(matrix: Tensor) -> Tensor:
        return torch.nn.functional.pad(matrix, (0, 3, 0, 2))

    wide = {name: widen(signals[name]) for name in ("teacher", "labels", "relevant")}
    wide["positive"] = torch.nn.functional.pad(signals["positive"], (0, 2), value=-1)
    wide["pairs"] = torch.nn.functional.pad(signals["pairs"], (0, 0, 0, 1, 0, 2), value=-1)
    wide["preferences"] = torch.nn.functional.pad(signals["preferences"], (0, 1, 0, 2))
    wide_value, wide_gradient = value_and_gradient(objective, widen(student), wide, widen(mask))
    torch.testing.assert_close(wide_value, value)
    torch.testing.assert_close(wide_gradient, widen(gradient))


def test_order_of_candidates_and_queries_changes_nothing(objective: Objective) -> None:
    student, signals, mask = ragged()
    value, gradient = value_and_gradient(objective, student, signals, mask)
    generator = torch.Generator().manual_seed(1)
    columns = torch.stack([torch.randperm(student.shape[1], generator=generator) for _ in SIZES])
    rows = torch.randperm(len(SIZES), generator=generator)

    def shuffle(matrix: Tensor) -> Tensor:
        return matrix.gather(1, columns)[rows]

    places = columns.argsort(dim=1)
    moved = places.gather(1, signals["positive"].clamp(min=0)[:, None]).squeeze(1)
    pairs = places.gather(1, signals["pairs"].clamp(min=0).flatten(1)).reshape(signals["pairs"].shape)
    shuffled = {
        "teacher": shuffle(signals["teacher"]),
        "labels": shuffle(signals["labels"]),
        "relevant": shuffle(signals["relevant"]),
        "positive": torch.where(signals["positive"] < 0, -1, moved)[rows],
        "pairs": torch.where(signals["pairs"] < 0, -1, pairs)[rows].flip(1),
        "preferences": signals["preferences"][rows].flip(1),
    }
    new_value, new_gradient = value_and_gradient(objective, shuffle(student), shuffled, shuffle(mask))
    torch.testing.assert_close(new_value, value)
    torch.testing.assert_close(new_gradient, shuffle(gradient))


def test_parts_of_a_batch_add_up_to_the_whole(objective: Objective) -> None:
    """Gradient accumulation: numerators add, counts add, whatever the parts hold."""
    student, signals, mask = ragged()
    whole, gradient = value_and_gradient(objective, student, signals, mask)
    total = alone(objective).counts(signals, mask)[objective.name]
    leaf = student.clone().requires_grad_()
    numerator, count = torch.zeros(()), torch.zeros(())
    for part in (slice(0, 1), slice(1, 2), slice(2, 6)):
        some = {name: signal[part] for name, signal in signals.items()}
        term = alone(objective).numerators(leaf[part], some, mask[part])[objective.name]
        (term / total).backward()  # type: ignore[no-untyped-call]
        numerator += term.detach()
        count += alone(objective).counts(some, mask[part])[objective.name]
    torch.testing.assert_close(numerator / count, whole)
    torch.testing.assert_close(leaf.grad, gradient)


def test_a_constant_added_to_a_list_changes_nothing(objective: Objective) -> None:
    """Unless scores are compared by themselves, which fixes a level for all lists."""
    student, signals, mask = ragged()
    value, gradient = value_and_gradient(objective, student, signals, mask)
    offsets = torch.tensor([3.0, -8.0, 0.5, 20.0, 1.0, -2.0])[:, None]
    raised = {**signals, "teacher": signals["teacher"] - 2 * offsets}
    moved_value, moved_gradient = value_and_gradient(objective, student + offsets, raised, mask)
    if objective.name in POINTWISE:
        assert not torch.isclose(moved_value, value)
        return
    torch.testing.assert_close(moved_value, value, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(moved_gradient, gradient, rtol=1e-4, atol=1e-5)


def test_gradient_is_that_of_finite_differences(objective: Objective) -> None:
    student, signals, mask = ragged(dtype=torch.float64)
    # Weights that count as constants are no part of the derivative: let the gradient through them.
    options = {name: False if name == "detach_weights" else value for name, value in objective.options.items()}
    whole = WeightedSum([(objective, 1.0, options)])
    assert torch.autograd.gradcheck(lambda scores: whole.value(scores, signals, mask), (student.requires_grad_(),))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_scores_are_computed_in_float32(objective: Objective, dtype: torch.dtype) -> None:
    student, signals, mask = ragged()
    value, gradient = value_and_gradient(objective, student.to(dtype), signals, mask)
    exact, _ = value_and_gradient(objective, student.to(dtype).float(), signals, mask)
    assert value.dtype == torch.float32
    assert gradient.dtype == dtype
    torch.testing.assert_close(value, exact, rtol=0, atol=0)


@pytest.mark.parametrize("size", [0, 1])
def test_lists_without_anything_to_compare_give_zero(objective: Objective, size: int) -> None:
    student = torch.full((3, 4), math.nan)
    student[:, :size] = 1.0
    mask = (torch.arange(4) < size).expand(3, 4)
    positive = torch.full((3,), size - 1)
    signals = {"teacher": student.clone(), "labels": student.clone(), "positive": positive, "relevant": mask}
    signals |= {"pairs": torch.tensor([[0, 1]]).expand(3, 1, 2), "preferences": torch.full((3, 1), 0.7)}
    value, gradient = value_and_gradient(objective, student, signals, mask)
    if size and objective.name in POINTWISE:  # a candidate alone is compared with its label
        assert value > 0
        return
    assert value.item() == 0.0
    assert (gradient == 0).all()
