"""Worker processes that make batches: the same bits, an exact resume, and a line where one is killed."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from test_training import WORKER, _job, _losses, _train, _weights
from torch.utils.data import BatchSampler, SequentialSampler
from training_fixtures import collator, lists, student  # noqa: F401

from command_line import Apart, kill_once
from distillir.collections import Collection
from distillir.plans.example_stream import ExampleStream
from distillir.training.collator import ExampleCollator
from distillir.training.loader import batch_loader, loader_workers
from example_lists import ExampleLists


def same(one: Any, other: Any) -> bool:
    """Tell whether two batches are the same to the bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return torch.equal(one, other) and one.dtype == other.dtype if isinstance(one, torch.Tensor) else one == other


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_workers_make_the_same_batches(context: str, lists: ExampleLists, collator: ExampleCollator) -> None:
    examples = ExampleStream(lists, epochs=3, queries_per_step=4)
    batches = BatchSampler(SequentialSampler(examples), 4, drop_last=True)
    plain = list(batch_loader(examples, batches, collator, workers=0))
    beside = list(batch_loader(examples, batches, collator, workers=2 if context == "fork" else 1, context=context))
    assert len(plain) == len(beside) == 9 and all(same(one, other) for one, other in zip(plain, beside, strict=True))


@pytest.mark.parametrize("part", ["dark", "joint teacher"])
def test_a_training_with_workers_that_was_killed_ends_with_the_weights_of_one_without(
    part: str, tiny: Collection, tmp_path: Path, narrow_model: str
) -> None:
    settings: dict[str, Any] = {
        "epochs": 6,
        "dropout": 0.1,
        "checkpoint_seconds": 0,
        "student": {"model": narrow_model},
    }
    if part == "dark":
        settings["dark"] = {"count": 2}
    else:
        settings["layers"] = {"teacher": {"dense": narrow_model}, "joint": True, "count": 1, "redraw": 3}
    _train(tiny, _job(tmp_path / "whole", **settings))
    work, beside = tmp_path / "killed", {**settings, "loader_workers": 2}
    process = Apart(tiny.path, json.dumps([_job(work, **beside)]), 0.3, program=WORKER)
    kill_once(process, lambda: len(list(work.glob("checkpoints/checkpoint-*/complete"))) > 1)
    assert not (work / "weights.pt").exists() and list(work.glob("checkpoints/checkpoint-*/complete"))
    _train(tiny, _job(work, **beside))
    whole, resumed = _weights(tmp_path / "whole"), _weights(work)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert _losses(work) == _losses(tmp_path / "whole")


def test_a_killed_worker_is_one_line(tiny: Collection, tmp_path: Path, narrow_model: str) -> None:
    settings: dict[str, Any] = {"epochs": 200, "checkpoint_seconds": 0, "student": {"model": narrow_model}}
    work = tmp_path / "work"
    process = Apart(tiny.path, json.dumps([_job(work, loader_workers=1, **settings)]), 0.1, program=WORKER)
    deadline = time.monotonic() + 90
    while not list(work.glob("checkpoints/checkpoint-*/complete")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.poll() is None, process.written()
    [worker] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(worker), signal.SIGKILL)
    assert process.wait(60) not in (0, None)
    told = [line for line in process.written().splitlines() if "a process that makes batches is gone" in line]
    assert told and "DistillirError: training.loader_workers" in told[-1]


def test_workers_are_there_by_default_where_a_gpu_would_wait() -> None:
    assert [loader_workers("auto", device) for device in ("cpu", "cuda")] == [0, 2]
    assert [loader_workers(3, device) for device in ("cpu", "cuda")] == [3, 3]


def test_tokens_are_pickled_as_their_path(collator: ExampleCollator) -> None:
    import pickle

    sent = pickle.dumps(collator)
    assert len(sent) < 2000
    rows = collator.documents.rows[:3]  # type: ignore[attr-defined]
    found = pickle.loads(sent).documents.batch(rows)
    assert torch.equal(found["input_ids"], collator.documents.batch(rows)["input_ids"])
