"""The best state of a student: measured without disturbing its training, kept, and found again after a kill."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_fixtures import lists, student  # noqa: F401
from transformers import TrainerCallback

from distillir.collections import Collection
from distillir.objectives.weighted_sum import parse_objective
from distillir.training.best_state import BestState
from distillir.training.selection import Selection
from distillir.training.settings import TrainingSettings
from distillir.training.train import checkpoint_folder, train
from example_lists import ExampleLists

SETTINGS: dict[str, Any] = {
    "epochs": 4, "queries_per_step": 4, "candidates_per_query": 3, "precision": "float32", "dropout": 0.1,
    "checkpoint_seconds": 600, "select_measures": 4, "patience": None, "learning_rate": 1e-4,
}  # fmt: skip


@pytest.fixture
def selection(tiny: Collection) -> Selection:
    """The dev queries, and every document."""
    qrels = tiny.qrels("dev")
    rows = qrels.query_rows
    everything = np.arange(len(tiny.corpus), dtype=np.int64)
    return Selection("dev", rows, everything, qrels, np.full(len(rows), -1), np.empty(0, dtype=np.int64))


class _Weights(TrainerCallback):
    """Keeps the weights of every step."""

    def __init__(self) -> None:
        self.steps: dict[int, dict[str, torch.Tensor]] = {}

    def on_step_end(self, args: Any, state: Any, control: Any, *, model: Any, **kwargs: Any) -> None:
        self.steps[state.global_step] = _copy(model)


def _copy(model: Any) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


class _Job:
    """Trains a student from the same start again and again."""

    def __init__(self, tiny: Collection, student: Any, lists: ExampleLists) -> None:
        self.tiny, self.student, self.lists, self.start = tiny, student, lists, _copy(student)

    def __call__(self, folder: Path, selection: Selection | None, *watchers: Any, **changes: Any) -> Any:
        self.student.load_state_dict(self.start)
        wanted = TrainingSettings(**{**SETTINGS, **changes})
        objective = parse_objective({"kl": {"student_temperature": 0.05}})
        folder.mkdir(exist_ok=True)
        log = folder / "log.jsonl"
        train(
            self.student, self.tiny, self.lists, objective, wanted, folder, log, selection=selection, watchers=watchers
        )
        return BestState.read(checkpoint_folder(folder))


@pytest.fixture
def job(tiny: Collection, student: Any, lists: ExampleLists) -> _Job:
    return _Job(tiny, student, lists)


def test_measuring_changes_no_step_and_the_best_is_kept(job: _Job, selection: Selection, tmp_path: Path) -> None:
    without, with_measures = _Weights(), _Weights()
    job(tmp_path / "without", None, without)
    state = job(tmp_path / "with", selection, with_measures)
    assert sorted(without.steps) == sorted(with_measures.steps) == list(range(1, 13))
    assert all(_same(without.steps[step], with_measures.steps[step]) for step in without.steps)
    assert [step for step, _ in state.measures] == [0, 3, 6, 9, 12]
    step, _ = state.best
    assert _same(_copy(job.student), job.start if step == 0 else without.steps[step])
