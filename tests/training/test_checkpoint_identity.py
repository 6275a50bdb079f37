"""Checkpoints of another training are refused by name, those of the same one are gone on from; seeds of stages."""

from pathlib import Path
from typing import Any

import pytest
from training_fixtures import lists, student  # noqa: F401

from distillir.base.errors import DistillirError
from distillir.base.seeds import stage_seed
from distillir.batches.tokens import tokenise
from distillir.collections import Collection
from distillir.objectives.weighted_sum import parse_objective
from distillir.plans.settings import TrainingSettings
from distillir.signals.scores.training import ScoresTraining
from distillir.training.train import train_student
from example_lists import ExampleLists

SETTINGS: dict[str, Any] = {
    "epochs": 1, "queries_per_step": 4, "candidates_per_query": 3, "precision": "float32", "checkpoint_seconds": 0,
}  # fmt: skip


def test_another_training_in_the_same_folder_is_refused(
    tiny: Collection, student: Any, lists: ExampleLists, tmp_path: Path
) -> None:
    start = {name: value.clone() for name, value in student.state_dict().items()}

    def trained(objective: Any = "kl", seed: int = 0, **settings: Any) -> None:
        student.load_state_dict(start)
        wanted = TrainingSettings(**{**SETTINGS, **settings})
        signals = [ScoresTraining(parse_objective(objective))]
        train_student(student, tiny, lists, wanted, tmp_path, tmp_path / "log.jsonl", signals=signals, seed=seed)

    trained()
    weights = {name: value.clone() for name, value in student.state_dict().items()}
    assert list(tmp_path.glob("checkpoints/checkpoint-*/complete"))
    for change, named in (
        ({"objective": "margin_mse"}, "other objective"),
        ({"learning_rate": 1e-3}, "other settings"),
        ({"seed": 1}, "other seed"),
    ):
        with pytest.raises(DistillirError, match=f"checkpoints of another training .*{named}"):
            trained(**change)
    trained(checkpoint_seconds=600)  # the same training: nothing is left to do
    assert all(bool((weights[name] == value).all()) for name, value in student.state_dict().items())


def test_another_tokenizer_under_the_same_name_is_told_apart(
    tiny: Collection, student: Any, lists: ExampleLists, tmp_path: Path
) -> None:
    def first() -> list[int]:
        store = tokenise(tmp_path / "tokens", student, tiny.queries, lists.queries, kind="query")
        found: list[int] = store.batch(lists.queries[:1])["input_ids"][0].tolist()
        return found

    before = first()
    student.tokenizer.add_tokens([" ".join(tiny.queries.text(int(lists.queries[0])).lower().split()[:2])])
    assert first() != before


def test_no_two_stages_of_two_seeds_share_a_stream() -> None:
    seeds = [stage_seed(seed, number) for seed in range(50) for number in (1, 2, 3, 4)]
    assert len(set(seeds)) == len(seeds) and all(0 <= seed < 2**32 for seed in seeds)
    assert stage_seed(7, None) == stage_seed(7, 1) == 7
