"""Early stop of ``train-teacher``: which lists are measured on, and which weights are kept."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import TrainerControl, TrainerState, TrainingArguments

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.collections import Collection, load_collection
from distillir.collections.run import Run
from distillir.retrieval.bm25 import BM25Index
from distillir.teachers.cross_encoder_training.dev_lists import dev_lists
from distillir.teachers.cross_encoder_training.keep_best import KeepBest, measures_that_fit


def train(
    folder: Path, values: dict[int, float], *, begin: int = 0, until: int = 100, patience: int | None = 2
) -> tuple[KeepBest, int]:
    """Go through steps whose measures are given, the weight being the step; the callback, and the step it ended at."""
    model = torch.nn.Linear(1, 1)
    state, arguments = TrainerState(max_steps=100), TrainingArguments(output_dir=str(folder), report_to="none")
    best = KeepBest(folder, model, lambda: np.full(4, values[state.global_step]), 10, "queries", patience)
    control, state.global_step = TrainerControl(), begin
    best.on_train_begin(arguments, state, control)
    while state.global_step < until and not control.should_training_stop:
        state.global_step += 1
        torch.nn.init.constant_(model.weight, state.global_step)
        best.on_step_end(arguments, state, control)
    return best, state.global_step


def kept(best: KeepBest) -> float:
    """The weight that is loaded in the end."""
    best.load()
    return float(best.model.weight.detach())


def test_the_best_is_kept_and_two_measures_that_do_not_rise_stop(tmp_path: Path) -> None:
    best, ended = train(tmp_path, {10: 0.1, 20: 0.3, 30: 0.2, 40: 0.5, 50: 0.5, 60: 0.4})
    assert ended == 60 and best.kept == (40, 0.5) and kept(best) == 40
    assert [step for step, _ in best.measures] == [10, 20, 30, 40, 50, 60]
    assert [file.name for file in tmp_path.glob("*.safetensors")] == ["best-40.safetensors"]


def test_without_patience_training_goes_to_its_end(tmp_path: Path) -> None:
    values = dict.fromkeys(range(10, 100, 10), 0.1) | {10: 0.3, 100: 0.4}
    best, ended = train(tmp_path, values, patience=None)
    assert ended == 100 and best.kept == (100, 0.4) and kept(best) == 100


def test_rising_measures_go_on_to_the_last_step(tmp_path: Path) -> None:
    best, ended = train(tmp_path, {step: step / 1000 for step in range(10, 101, 10)})
    assert ended == 100 and best.kept == (100, 0.1) and kept(best) == 100


@pytest.mark.parametrize("checkpoint", [0, 15, 30, 45, 55, 60])
def test_a_kill_changes_neither_the_end_nor_what_is_kept(checkpoint: int, tmp_path: Path) -> None:
    values = {10: 0.1, 20: 0.3, 30: 0.2, 40: 0.5, 50: 0.5, 60: 0.4}
    train(tmp_path, values, until=58 if checkpoint < 58 else 60)
    # Resumed at the end itself one more step is taken, and nothing is measured.
    best, ended = train(tmp_path, values, begin=checkpoint)
    assert ended == max(60, checkpoint + 1) and best.kept == (40, 0.5) and kept(best) == 40
    assert [step for step, _ in best.measures] == [10, 20, 30, 40, 50, 60]


def test_lists_are_of_another_split_or_held_out(tiny: Collection, tiny_beir: Path, tmp_path: Path) -> None:
    def search(rows: Rows, depth: int) -> Run:
        return BM25Index.build_or_load(tiny).search(rows, depth)

    dev = dev_lists(tiny, "train", "dev", search, seed=1)
    judged = tiny.qrels("dev")
    assert set(dev.run.queries.tolist()) == set(judged.queries[judged.grades > 0].tolist())
    assert not len(dev.leave_out) and np.diff(dev.run.offsets).max() <= 20
    assert dev.fingerprint == dev_lists(tiny, "train", "dev", search, seed=1).fingerprint
    for select, why in {"train": "is the split that is learnt from", "validation": "no split 'validation'"}.items():
        with pytest.raises(DistillirError, match=why):
            dev_lists(tiny, "train", select, search)
    nothing = dataclasses.replace(dev.run, documents=dev.run.documents[:0], scores=dev.run.scores[:0])
    nothing = dataclasses.replace(nothing, offsets=np.zeros_like(dev.run.offsets))
    with pytest.raises(DistillirError, match="no relevant document is among the first 20"):
        dev_lists(tiny, "train", "dev", lambda rows, depth: nothing)

    folder = shutil.copytree(tiny_beir, tmp_path / "without")
    (folder / "qrels" / "dev.tsv").unlink()
    without = load_collection(folder)
    held = dev_lists(without, "train", "dev", lambda rows, d: BM25Index.build_or_load(without).search(rows, d))
    train_rows = without.qrels("train").query_rows
    assert 0 < len(held.run) <= len(train_rows) // 5 and held.name == "queries held out of train"
    assert set(held.run.queries.tolist()) <= set(held.leave_out.tolist()) <= set(train_rows.tolist())


def test_measuring_takes_no_longer_than_training() -> None:
    """A pair that is learnt from costs about three that are scored."""
    assert measures_that_fit(50, 1400) == 2
    assert measures_that_fit(4800, 3200) == 4
    assert measures_that_fit(50_000, 3200) == 10 and measures_that_fit(10, 0) == 10
