"""Which state of a training is kept: the last within a standard error of the highest, never one below the start."""

from pathlib import Path

import numpy as np
import pytest
import torch

from distillir.base.best_state import BestState

#: Of 100 queries; what differs by single queries has a standard error of 0.1 x 0.2 = 0.02.
BASE = np.full(100, 0.5)
NOISE = np.tile([0.2, -0.2], 50)


def train(folder: Path, *measures: np.ndarray, first: int = 0) -> BestState:
    """Add measures of single queries, ten steps apart; the weight is the step."""
    state, model = BestState(folder), torch.nn.Linear(1, 1)
    for number, values in enumerate(measures):
        torch.nn.init.constant_(model.weight, first + 10 * number)
        state.add(first + 10 * number, float(values.mean()), 1.0, model, {}, values.tolist())
    return state


def kept(state: BestState) -> float:
    """The weight that is loaded."""
    model = torch.nn.Linear(1, 1)
    state.load(model, {})
    return float(model.weight.detach())


@pytest.mark.parametrize(
    ("below", "step"), [(0.0, 30), (0.015, 30), (0.025, 20)], ids=["equal", "within an error", "further below"]
)
def test_the_last_one_within_a_standard_error_of_the_highest(below: float, step: int, tmp_path: Path) -> None:
    state = train(tmp_path, BASE - 0.3, BASE - 0.1, BASE, BASE + NOISE - below)
    assert state.best == (20, 0.5) and state.kept[0] == step
    assert state.kept[1] == pytest.approx(0.5 - (below if step == 30 else 0))
    assert kept(state) == step
    assert [file.name for file in tmp_path.glob("*.safetensors")] == [f"best-{step}.safetensors"]


def test_a_difference_that_all_queries_share_is_none_of_chance(tmp_path: Path) -> None:
    assert train(tmp_path, BASE - 0.3, BASE, BASE - 0.001).kept == (10, 0.5)


def test_many_small_losses_are_no_way_down(tmp_path: Path) -> None:
    """Each is held against the highest one, not against the one before it."""
    state = train(tmp_path, BASE - 0.3, BASE, BASE + NOISE - 0.015, BASE - NOISE - 0.019, BASE + NOISE - 0.03)
    assert state.kept[0] == 30 and state.kept[1] == pytest.approx(0.481) and kept(state) == 30


def test_a_student_that_does_not_rise_above_its_start_is_kept_as_it_was(tmp_path: Path) -> None:
    state = train(tmp_path, BASE, BASE + NOISE - 0.01, BASE + NOISE)
    assert state.kept == (0, 0.5) and kept(state) == 0


def test_without_a_measure_before_training_the_first_is_no_start(tmp_path: Path) -> None:
    assert train(tmp_path, BASE, BASE + NOISE - 0.01, first=10).kept[0] == 20


def test_read_again_it_goes_on_as_if_it_had_not_ended(tmp_path: Path) -> None:
    measures = (BASE - 0.3, BASE, BASE + NOISE - 0.015)
    whole = train(tmp_path / "whole", *measures, BASE - NOISE - 0.01)
    train(tmp_path / "parts", *measures)
    state, model, last = BestState.read(tmp_path / "parts"), torch.nn.Linear(1, 1), BASE - NOISE - 0.01
    torch.nn.init.constant_(model.weight, 30)
    state.add(30, float(last.mean()), 1.0, model, {}, last.tolist())
    assert (state.measures, state.kept, state.values) == (whole.measures, whole.kept, whole.values)
    assert kept(state) == kept(whole) == 30
    assert BestState.read(tmp_path / "parts") == state


def test_measures_of_an_earlier_version_are_gone_on_with(tmp_path: Path) -> None:
    """Its file knows no single queries and no step that was kept: that is the highest, until a higher one comes."""
    model = torch.nn.Linear(1, 1)
    torch.nn.init.constant_(model.weight, 10)
    BestState(tmp_path, [(0, 0.2)]).add(10, 0.5, 1.0, model, {})
    (tmp_path / "selection.json").write_text('{"measures": [[0, 0.2], [10, 0.5]], "seconds": 2.0}')
    state = BestState.read(tmp_path)
    torch.nn.init.constant_(model.weight, 20)
    state.add(20, 0.495, 1.0, model, {}, (BASE + NOISE - 0.005).tolist())
    assert state.kept == (10, 0.5) and kept(state) == 10
    state.add(30, 0.6, 1.0, model, {}, (BASE + 0.1).tolist())
    assert state.kept == (30, 0.6)


def test_a_rise_within_chance_is_told_from_one_that_is_not(tmp_path: Path) -> None:
    """Noise of 0.2 on 100 queries is an error of 0.02."""
    assert train(tmp_path / "1", BASE, BASE + NOISE + 0.03).within_chance
    assert BestState.read(tmp_path / "1").errors == pytest.approx(0.03 / 0.0201, abs=0.01)
    assert not train(tmp_path / "2", BASE, BASE + NOISE + 0.05).within_chance
    assert not train(tmp_path / "3", BASE, BASE - 0.1).within_chance  # the start is kept: there is no rise
    assert train(tmp_path / "4", BASE, BASE + 0.001).errors == 999
