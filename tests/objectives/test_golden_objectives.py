"""Values and gradients against numbers made by the original implementations."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from distillir.objectives import kl, lambda_mrr, layer_kl, margin_mse, pair_kl, ranknet
from distillir.objectives.layer_kl import layer_weights

GOLDEN: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent.parent / "golden" / "losses.json").read_text(encoding="utf-8")
)
CASES = [
    pytest.param(function, case, value, id=f"{key}-{number}")
    for key, function, value in (
        ("cl_drd_lambda_mrr", lambda_mrr, "loss"),
        ("ranknet", ranknet, "loss"),
        ("margin_mse_nway", margin_mse, "loss_all_ordered_pairs_incl_diagonal"),
        ("pairdistill", kl, "kl"),
    )
    for number, case in enumerate(GOLDEN[key])
]


@pytest.mark.parametrize(("function", "case", "value"), CASES)
def test_value_and_gradient(function: Callable[[Tensor, Tensor], Tensor], case: dict[str, Any], value: str) -> None:
    student = torch.tensor(case["student"], requires_grad=True)
    loss = function(student, torch.tensor(case["labels" if "labels" in case else "teacher"]))
    torch.testing.assert_close(loss, torch.tensor(case[value]), rtol=1e-4, atol=1e-5)
    if "grad" in case and function is not kl:
        loss.backward()  # type: ignore[no-untyped-call]
        torch.testing.assert_close(student.grad, torch.tensor(case["grad"]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", GOLDEN["pairdistill"])
def test_pairs_and_lists_of_pairdistill(case: dict[str, Any]) -> None:
    student = torch.tensor(case["student"], requires_grad=True)
    pairs = torch.tensor([row[:3] for row in case["pairs"]]).long()
    preferences = torch.tensor([row[3] for row in case["pairs"]])
    of_pairs = pair_kl(student, pairs, preferences)
    torch.testing.assert_close(of_pairs, torch.tensor(case["pair_loss"]), rtol=1e-4, atol=1e-5)
    loss = kl(student, torch.tensor(case["teacher"])) + 3 * of_pairs
    torch.testing.assert_close(loss, torch.tensor(case["kl_plus_3_pair"]), rtol=1e-4, atol=1e-5)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(student.grad, torch.tensor(case["grad"]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", GOLDEN["lead_layers"])
def test_layers_of_lead(case: dict[str, Any]) -> None:
    student = torch.tensor(case["student_layers"], requires_grad=True)
    teacher = torch.tensor(case["teacher_layers"], requires_grad=True)
    gold, temperature = torch.tensor(case["gold"]), case["layer_temperature"]
    weights = layer_weights(teacher, gold, layer_temperature=temperature)
    torch.testing.assert_close(weights, torch.tensor(case["layer_weights"]), rtol=1e-4, atol=1e-5)
    loss = layer_kl(student, teacher, gold, layer_temperature=temperature)
    torch.testing.assert_close(loss, torch.tensor(case["loss"]), rtol=1e-4, atol=1e-5)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(student.grad, torch.tensor(case["student_grads"]), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(teacher.grad, torch.tensor(case["teacher_grads"]), rtol=1e-4, atol=1e-5)
