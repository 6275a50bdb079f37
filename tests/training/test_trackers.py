"""Trackers: what they are told of a run, that they change nothing, and what is said where one is missing."""

import importlib.util
import json
import sqlite3
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from command_line import distillir
from distillir.base.errors import DistillirError
from distillir.base.tracker import Tracker, check_tracker

Curve = list[tuple[int, float]]


def curves(folder: Path) -> dict[str, Curve]:
    """Curves of an event file by name, as TensorBoard shows them."""
    read = EventAccumulator(str(folder)).Reload()
    return {tag: [(one.step, one.value) for one in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def narrow(curve: Curve) -> Curve:
    """A curve in float32, as event files keep it."""
    return [(step, float(np.float32(value))) for step, value in curve]


def log_records(data: bytes) -> Iterator[bytes]:
    """Records of a file of wandb's: LevelDB's log format behind 7 bytes, in blocks of 32 KiB."""
    place, whole = 7, b""
    while place < len(data):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        size, kind = struct.unpack("<HB", data[place + 4 : place + 7])
        whole += data[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):  # whole, or the last part
            yield whole
            whole = b""


@pytest.fixture
def value(tiny_beir: Path, narrow_model: str) -> dict[str, Any]:
    return {
        "collection": str(tiny_beir),
        "teacher": "bm25",
        "student": {"model": narrow_model, "max_length": 32},
        "candidates": {"from": "bm25", "depth": 6},
        "method": "kl",
        "objective": {"kl": 1.0, "margin_mse": 0.5},
        "training": {"epochs": 2, "queries_per_step": 4, "select": "dev", "select_queries": 4, "select_measures": 2},
        "evaluation": {"measures": ["nDCG@10"]},
    }


def recipe(value: dict[str, Any], folder: Path) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(value), encoding="utf-8")
    return path


def test_a_run_told_to_tensorboard_is_the_same_run(value: dict[str, Any], tmp_path: Path) -> None:
    path, told, plain = recipe(value, tmp_path), tmp_path / "told", tmp_path / "plain"
    assert distillir("run", path, "--output", plain).returncode == 0
    assert not (plain / "tensorboard").exists()
    for verb in ("mine", "score"):
        assert distillir(verb, path, "--output", told).returncode == 0
    # A run that was begun without a tracker goes on with one, and without one again.
    done = distillir("train", path, "--output", told, "--report-to", "tensorboard")
    assert done.returncode == 0, done.stderr
    assert distillir("evaluate", path, "--output", told, "--set", "training.report_to=tensorboard").returncode == 0
    done = distillir("run", path, "--output", told)
    assert done.returncode == 0, done.stderr
    weights = [next((one / "student").rglob("model.safetensors")).read_bytes() for one in (told, plain)]
    assert weights[0] == weights[1]
    made_from = [json.loads((one / "provenance.json").read_text())["student"] for one in (told, plain)]
    for one in made_from:
        one.pop("files")  # the card tells seconds
    assert made_from[0] == made_from[1]
    lines = [json.loads(line) for line in (told / "log.jsonl").read_text().splitlines()]
    shown = curves(told / "tensorboard" / "train")
    for name in ("loss", "kl", "margin_mse", "learning_rate", "grad_norm", "dev_nDCG@10"):
        logged = [(line["step"], line[name]) for line in lines if name in line]
        assert logged and shown[name] == narrow(logged), name
    metrics = json.loads((told / "metrics.json").read_text())
    ended = curves(told / "tensorboard")
    assert ended["before/nDCG@10"] == narrow([(0, metrics["before"]["nDCG@10"])])
    assert ended["after/nDCG@10"] == narrow([(0, metrics["after"]["nDCG@10"])])
    read = EventAccumulator(str(told / "tensorboard")).Reload()
    settings = read.Tensors("settings/text_summary")[0].tensor_proto.string_val[0].decode()
    assert yaml.safe_load(settings.split("```")[1].removeprefix("yaml"))["training"]["queries_per_step"] == 4


def test_a_resumed_stage_replaces_what_a_kill_undid_and_no_other_stage(tmp_path: Path) -> None:
    def tracker() -> Tracker:
        return Tracker("tensorboard", tmp_path, tmp_path / "work" / "tracker.json", name="run")

    for stage, begin, end, value in ((1, 0, 10, 1.0), (2, 0, 8, 2.0), (2, 5, 8, 3.0)):
        one = tracker()
        one.begin(stage, begin)
        for step in range(begin + 1, end + 1):
            one.log(stage, step, {"loss": value, "said": "no number"})
        one.close()
    assert curves(tmp_path / "tensorboard" / "train-1") == {"loss": [(step, 1.0) for step in range(1, 11)]}
    wanted = [(step, 2.0 if step <= 5 else 3.0) for step in range(1, 9)]
    assert curves(tmp_path / "tensorboard" / "train-2") == {"loss": wanted}
    anew = tracker()
    anew.begin(1, 0)
    anew.log(1, 1, {"loss": 4.0})
    anew.close()
    assert curves(tmp_path / "tensorboard" / "train-1") == {"loss": [(1, 4.0)]}
    assert not (tmp_path / "tensorboard" / "train-2").exists()


def test_a_tracker_that_is_not_installed_is_one_line_before_anything_is_made(
    value: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *of: None if name == "wandb" else there(name, *of))
    path = recipe(value, tmp_path)
    comparison = tmp_path / "comparison.yaml"
    comparison.write_text(yaml.safe_dump({"recipe": value, "cells": {"one": {}}}), encoding="utf-8")
    for verb, more in (
        ("run", [path]),
        ("run", [path, "--dry-run"]),
        ("tune", [path]),
        ("compare", [comparison]),
        ("train-teacher", [value["collection"]]),
    ):
        done = distillir(verb, *more, "--output", tmp_path / "out", "--report-to", "wandb")
        assert done.returncode == 2 and "pip install 'distillir[wandb]'" in done.stderr, (verb, done.stderr)
        assert done.stderr.count("\n") == 1 and not (tmp_path / "out" / "work").exists()
    with pytest.raises(DistillirError, match="no tracker 'mlflow'"):
        check_tracker("mlflow", "--report-to")


def test_a_tracker_that_breaks_ends_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = Tracker("tensorboard", tmp_path, tmp_path / "tracker.json", name="run")
    one.begin(None, 0)
    one.log(None, 1, {"loss": 1.0})
    for writer in one._open._writers.values():  # type: ignore[union-attr]
        writer.add_scalar = None
    for step in (2, 3):
        one.log(None, step, {"loss": 1.0})
    assert capsys.readouterr().err.count("tensorboard is told nothing more") == 1


@pytest.mark.real
def test_wandb_without_a_network(value: dict[str, Any], tmp_path: Path) -> None:
    path, output = recipe(value, tmp_path), tmp_path / "run"
    done = distillir("run", path, "--output", output, "--report-to", "wandb", WANDB_MODE="offline")
    assert done.returncode == 0, done.stderr
    from wandb.proto.wandb_internal_pb2 import Record

    [file] = (output / "wandb").glob("offline-run-*/*.wandb")
    records = [Record.FromString(data) for data in log_records(file.read_bytes())]
    config = {item.key: json.loads(item.value_json) for one in records for item in one.run.config.update}
    assert config["training"]["queries_per_step"] == 4
    logged = [{"/".join(i.nested_key) or i.key: json.loads(i.value_json) for i in r.history.item} for r in records]
    lines = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    losses = [(line["step"], line["loss"]) for line in lines if "loss" in line]
    assert [(one["train/step"], one["train/loss"]) for one in logged if "train/loss" in one] == losses
    told = {
        "/".join(item.nested_key) or item.key: json.loads(item.value_json)
        for one in records
        for item in one.summary.update
    }
    assert told["after/nDCG@10"] == pytest.approx(json.loads((output / "metrics.json").read_text())["after"]["nDCG@10"])


@pytest.mark.real
def test_trackio_in_a_folder(value: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    path, output = recipe(value, tmp_path), tmp_path / "run"
    done = distillir("run", path, "--output", output, "--report-to", "trackio")
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(tmp_path / "trackio" / "distillir.db") as base:
        told = [(step, json.loads(metrics)) for step, metrics in base.execute("SELECT step, metrics FROM metrics")]
    lines = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    losses = [(line["step"], line["loss"]) for line in lines if "loss" in line]
    assert [(step, one["train/loss"]) for step, one in told if "train/loss" in one] == losses
    assert any("after/nDCG@10" in one for _, one in told)
