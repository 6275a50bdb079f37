"""Layers in training: which are drawn, what is compared, exact over batches, any student, through whole runs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from command_line import distillir
from distillir.base.errors import DistillirError
from distillir.batches.tokens import tokenise
from distillir.collections import Collection
from distillir.objectives import layer_kl
from distillir.objectives.weighted_sum import parse_objective
from distillir.plans.example_stream import ExampleStream
from distillir.plans.plain_lists import PlainLists
from distillir.signals.layers.draw import LayerDraw
from distillir.signals.layers.layer_set import LayerSet, open_layers, write_layers
from distillir.signals.layers.spec import LayerSpec
from distillir.signals.layers.training import LayerTraining
from distillir.signals.scores.training import ScoresTraining
from distillir.students.load import load_student
from distillir.training.collator import ExampleCollator
from distillir.training.loss import ExampleLoss
from distillir.training.train import set_dropout
from example_lists import ExampleLists


def _spec(**more: Any) -> LayerSpec:
    return LayerSpec(teacher={"dense": "model"}, **more)


def test_draws_are_sorted_distinct_and_of_the_step_alone() -> None:
    draw = LayerDraw(_spec(), teacher=12, student=6, seed=3)
    seen = {step: draw.at(step) for step in range(40)}
    for teacher, student in seen.values():
        assert len(teacher) == len(student) == 5
        assert teacher == sorted(set(teacher)) and student == sorted(set(student)) and max(student) < 6
    assert all(seen[step] == seen[step - step % 10] for step in seen) and len({str(s) for s in seen.values()}) == 4
    assert LayerDraw(_spec(), 12, 6, 3).at(25) == seen[25] != LayerDraw(_spec(), 12, 6, 4).at(25)
    every = np.concatenate([LayerDraw(_spec(), 12, 6, 3).at(10 * i)[0] for i in range(300)])
    assert np.bincount(every).min() > 80  # each layer of twelve, the last among them


def test_choices_that_draw_nothing() -> None:
    assert LayerDraw(_spec(choice="last"), 12, 6, 0).at(7) == ([7, 8, 9, 10, 11], [1, 2, 3, 4, 5])
    assert LayerDraw(_spec(choice="skip"), 12, 6, 0).at(7) == ([0, 2, 4, 6, 8], [1, 2, 3, 4, 5])
    assert LayerDraw(_spec(count=9), 6, 2, 0).at(0)[1] == [0, 1]


@pytest.mark.parametrize("kind", ["dense", "multi-vector", "sparse"])
def test_the_loss_is_layer_kl_of_the_students_layers(
    kind: str, tiny: Collection, tmp_path: Path, minilm_path: str, mlm_path: str
) -> None:
    model = load_student(mlm_path if kind == "sparse" else minilm_path, kind=kind, max_length=48, device="cpu")
    model.train()
    set_dropout(model, 0.0)
    lists = ExampleLists(tiny)
    generator = np.random.default_rng(0)
    layers = LayerSet(
        4, [generator.normal(size=(4, len(lists.documents(i)))).astype(np.float32) for i in range(len(lists.queries))]
    )
    rows = np.concatenate([lists.documents(i) for i in range(len(lists.queries))])
    queries = tokenise(tmp_path / "q", model, tiny.queries, lists.queries, kind="query")
    documents = tokenise(tmp_path / "d", model, tiny.corpus, rows, kind="document")
    examples = ExampleStream(lists, epochs=1, queries_per_step=4, samplers=[PlainLists(None)], signals=[layers])
    batch = [examples[i] for i in range(8)]
    training = LayerTraining(_spec(count=2), layers)
    draw = training.draw = LayerDraw(_spec(count=2), 4, model_layers(model), seed=5)
    collator = ExampleCollator(queries, documents, budget=256, signals=[training])
    loss = ExampleLoss(model, [ScoresTraining(parse_objective("kl")), training])
    inputs = collator(batch)
    part = loss(model, inputs, step=3)["layers"]
    teacher, student = draw.at(3)
    # By hand: the hidden states of each text alone.
    states = _states(model, kind, tiny)
    width = inputs["label"]["index"].shape[1]
    own = torch.zeros(len(student), len(batch), width)
    for row, example in enumerate(batch):
        for column, document in enumerate(example.documents.tolist()):
            for k, number in enumerate(student):
                q, d = states("query", example.query)[number], states("document", document)[number]
                own[k, row, column] = (q @ d.T).amax(dim=1).sum() if kind == "multi-vector" else q @ d
    expected = layer_kl(own, inputs["label"]["layers"][teacher], inputs["label"]["positive"], inputs["label"]["mask"])
    assert float(part) == pytest.approx(float(expected), rel=1e-3)

    def gradient(parts: list[list[Any]], recompute: bool) -> torch.Tensor:
        model.zero_grad()
        loss = ExampleLoss(model, [ScoresTraining(parse_objective("kl")), training], recompute=recompute)
        batches = [collator(part) for part in parts]
        counts: dict[str, torch.Tensor] = {}
        for one in batches:
            for name, count in loss.counts(one["label"]).items():
                counts[name] = counts.get(name, torch.zeros(())) + count
        for one in batches:
            torch.autograd.backward(loss(model, one, counts, 3)["layers"])
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    whole = gradient([batch], False)
    for parts, recompute in (([batch[:3], batch[3:]], False), ([batch], True)):
        found = gradient(parts, recompute)
        torch.testing.assert_close(found, whole, atol=3e-3 * float(whole.abs().max()), rtol=1e-2)


def model_layers(model: Any) -> int:
    return int(model[0].auto_model.config.num_hidden_layers)


def _states(model: Any, kind: str, tiny: Collection) -> Any:
    known: dict[tuple[str, int], list[torch.Tensor]] = {}

    def states(task: str, row: int) -> list[torch.Tensor]:
        if (task, row) not in known:
            table = tiny.queries if task == "query" else tiny.corpus
            prompt = model.prompts.get(task) or None
            batch = model.preprocess([table.text(row)], prompt=prompt, task=task)
            with torch.no_grad():
                hidden = (
                    model[0]
                    .auto_model(
                        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], output_hidden_states=True
                    )
                    .hidden_states[1:]
                )
                mask = model(batch, task=task)["attention_mask"][0].bool() if kind == "multi-vector" else None
            known[task, row] = [layer[0, 0] if mask is None else layer[0][mask] for layer in hidden]
        return known[task, row]

    return states


def test_layers_on_disk(tmp_path: Path) -> None:
    scores = [np.arange(6, dtype=np.float32).reshape(3, 2), np.ones((3, 1), dtype=np.float32)]
    write_layers(LayerSet(3, scores), tmp_path, "source")
    found = open_layers(tmp_path, "source")
    assert found.depth == 3 and len(found) == 2
    np.testing.assert_array_equal(found.of(0), scores[0])
    with pytest.raises(DistillirError, match="of another teaching set"):
        open_layers(tmp_path, "other")
    (tmp_path / "layers.parquet").write_bytes(b"torn")
    with pytest.raises(DistillirError, match="cannot be read"):
        open_layers(tmp_path)


def test_a_run_with_layers_beside_another_objective_and_plan(tiny_beir: Path, tmp_path: Path, minilm_path: str) -> None:
    value = {
        "collection": str(tiny_beir),
        "teacher": "bm25",
        "student": {"model": minilm_path, "layers": 2, "max_length": 32},
        "candidates": {"from": "bm25", "depth": 8},
        "method": {
            "name": "ckl",
            "plan": [{"lists": "plain"}, {"lists": {"top": 2, "hard": 2}}],
            "layers": {"teacher": {"dense": minilm_path}, "count": 2},
        },
        "training": {"epochs": 1, "queries_per_step": 4, "candidates_per_query": 5},
        "evaluation": {"measures": ["nDCG@10"], "precision": "auto"},
    }
    path, run = tmp_path / "recipe.yaml", tmp_path / "run"
    path.write_text(yaml.safe_dump(value))
    done = distillir("run", str(path), "--output", str(run))
    assert done.returncode == 0 and "6 layers; " in done.stderr, done.stderr
    logged = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert {"ckl", "layers"} <= set(logged[0]) and not any(name.startswith("_") for name in logged[0])
    assert json.loads((run / "metrics.json").read_text())["method"] == "ckl + layers, plan own"
    again = distillir("score", str(path), "--output", str(run))
    assert again.returncode == 0 and "6 layers" not in again.stderr
