"""Ray's actors: the same scores to the bit, one killed in the middle, and errors of one line."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from command_line import distillir
from distillir.base.errors import DistillirError
from distillir.base.ray_workers import RayOptions, on_ray
from distillir.collections import Collection
from distillir.teachers.answers.cache import ScoreCache
from distillir.teachers.answers.records import RECORD
from distillir.teachers.cross_encoders.cross_encoder import CrossEncoderTeacher


def test_ray_that_is_missing_or_misspelt_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("{collection: stdlib, teacher: bm25, student: all-MiniLM-L6-v2}")
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *of: None if name == "ray" else there(name, *of))
    done = distillir("score", recipe, "--output", tmp_path / "run", "--on", "ray")
    assert done.returncode == 2 and "pip install 'distillir[ray]'" in done.stderr and done.stderr.count("\n") == 1
    done = distillir("score", recipe, "--output", tmp_path / "run", "--on", "spark")
    assert done.returncode == 2 and "'spark' is no engine" in done.stderr and not (tmp_path / "run").exists()
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(importlib.util, "find_spec", lambda *of: object())
    with pytest.raises(DistillirError, match="one process drives Ray"), on_ray(RayOptions("ray")):
        pass


@pytest.mark.real
def test_a_killed_actor_loses_nothing_and_an_error_is_one_line(tmp_path: Path) -> None:
    # Closures, which Ray sends whole: its workers have no folder of tests.
    def load() -> int:
        return os.getpid()

    def answer(model: int, task: int, folder: Path) -> tuple[int, int]:
        with (folder / str(task)).open("a") as told:
            told.write(f"{model}\n")
        time.sleep(0.2)
        return task * task, model

    def refuses(model: int, task: int) -> int:
        raise DistillirError("is wrong", where="here", remedy="mend it")

    found: dict[int, int] = {}
    with on_ray(RayOptions("ray", actors=2)) as workers:
        for tag, (value, process) in workers.each(
            load, partial(answer, folder=tmp_path), ((task, task) for task in range(20))
        ):
            found[tag] = value
            if len(found) == 3:
                os.kill(process, signal.SIGKILL)
        with pytest.raises(DistillirError, match=r"^here: is wrong; mend it$"):
            list(workers.each(load, refuses, [(0, 0)]))
    assert found == {task: task * task for task in range(20)}
    asked = sum(len((tmp_path / str(task)).read_text().split()) for task in range(20))
    assert 20 <= asked <= 21, "more than the batch that was under way was asked again"


@pytest.mark.real
def test_actors_score_as_this_process_does(tiny: Collection, small_models: Path, tmp_path: Path) -> None:
    queries, lists = np.arange(6), [np.arange(place, place + 9) for place in range(6)]
    model = str(small_models / "cross-encoder")
    plain = CrossEncoderTeacher(model, cache=tmp_path / "plain").score(tiny, queries, lists)
    with on_ray(RayOptions("ray", actors=1)):
        teacher = CrossEncoderTeacher(model, cache=tmp_path / "ray")
        beside = teacher.score(tiny, queries, lists)
    assert all(one.tobytes() == other.tobytes() for one, other in zip(plain, beside, strict=True))
    assert teacher.calls()["asked"] == sum(
        file.stat().st_size // RECORD.itemsize for file in (tmp_path / "ray").rglob("*.scores")
    )
    again = CrossEncoderTeacher(model, cache=tmp_path / "ray")
    again.score(tiny, queries, lists)
    assert again.calls()["asked"] == 0


@pytest.mark.real
def test_a_killed_driver_asks_nothing_twice(tiny: Collection, small_models: Path, tmp_path: Path) -> None:
    program = tmp_path / "driver.py"
    program.write_text(
        """
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

from distillir.base.ray_workers import RayOptions, on_ray
from distillir.teachers.answers.cache import ScoreCache

folder, told = Path(sys.argv[1]), Path(sys.argv[2])

def answer(model, task):
    with told.open("a") as stream:
        stream.write(f"{task}\\\\n")
    time.sleep(0.3)
    return np.array([task], dtype=np.float32)

cache = ScoreCache(folder)
keys = np.array([[task, task] for task in range(12)], dtype=np.uint64)
missing = np.flatnonzero(np.isnan(cache.get(keys)))
with on_ray(RayOptions("ray", actors=1)) as workers:
    for task, scores in workers.each(int, answer, [(int(task), int(task)) for task in missing]):
        cache.put(keys[[task]], scores)
""".replace("\\\\", "\\")
    )
    told = tmp_path / "told"
    command = [sys.executable, str(program), str(tmp_path / "scores"), str(told)]
    first = subprocess.Popen(command)
    deadline = time.monotonic() + 120
    while (not told.exists() or len(told.read_text().split()) < 5) and time.monotonic() < deadline:
        time.sleep(0.05)
    first.kill()
    first.wait()
    before = len(ScoreCache(tmp_path / "scores"))
    assert 0 < before < 12
    subprocess.run(command, check=True, timeout=200)
    asked = [int(line) for line in told.read_text().split()]
    assert sorted(set(asked)) == list(range(12)) and len(ScoreCache(tmp_path / "scores")) == 12
    assert len(asked) - 12 <= 2, "more than what was under way was asked twice"
