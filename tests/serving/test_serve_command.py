"""``distillir serve`` as a user starts and stops it, and its refusals of one line."""

import json
import re
import shutil
import signal
import sys
import time
from pathlib import Path

import httpx
import pytest
from served_run import hostile_collection, make_run, run_folder  # noqa: F401 - fixtures

from command_line import apart, distillir
from distillir.serving.serve import listen


def test_serves_until_it_is_stopped(run_folder: Path) -> None:
    process = apart("serve", run_folder, "--port", 0, "--threads", 1)
    try:
        found, deadline = None, time.monotonic() + 200
        while found is None and process.poll() is None and time.monotonic() < deadline:
            found = re.search(r"http://127\.0\.0\.1:\d+", process.written())
            time.sleep(0.05)
        assert found is not None, process.written()
        answer = httpx.post(f"{found.group()}/api/search", json={"query": "bees"}, timeout=60)
        assert answer.status_code == 200 and len(answer.json()["systems"]) == 3
        process.send_signal(signal.SIGINT)
        said = process.said(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0 and said.rstrip().endswith("Stopped"), said
    assert "bees" not in said  # what people ask is not logged


def _refused(*arguments: object) -> str:
    done = distillir("serve", *arguments)
    assert done.returncode == 2, done.stderr
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("distillir: ")
    return line


def test_no_run(tmp_path: Path) -> None:
    assert "is no folder of a run; name the folder" in _refused(tmp_path)
    assert "is no folder of a run" in _refused(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_a_student(run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    shutil.copy(run_folder / "recipe.yaml", tmp_path / "run")
    assert "has no trained student yet; run `distillir run" in _refused(tmp_path / "run")


def test_a_port_in_use(run_folder: Path) -> None:
    with listen("127.0.0.1", 0) as taken:
        line = _refused(run_folder, "--port", taken.getsockname()[1])
    assert "cannot be listened on (Address already in use); give another --port" in line


def test_an_address_that_is_not_there(run_folder: Path) -> None:
    assert "--host 192.0.2.1 --port 8108: cannot be listened on" in _refused(run_folder, "--host", "192.0.2.1")


def test_the_extra_is_not_installed(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "uvicorn is not installed; pip install 'distillir[serve]'" in _refused(run_folder)


def test_another_run_on_other_documents(run_folder: Path, tiny_beir: Path, narrow_model: str, tmp_path: Path) -> None:
    other = make_run(tiny_beir, narrow_model, tmp_path / "other")
    line = _refused(run_folder, "--with", other, "--port", 0)
    assert f"--with {other}: is a run on other documents (tiny: 62, " in line


def test_a_collection_that_has_changed(hostile_collection: Path, narrow_model: str, tmp_path: Path) -> None:
    collection = tmp_path / "tiny"
    shutil.copytree(hostile_collection, collection)
    run = make_run(collection, narrow_model, tmp_path / "run")
    with (collection / "corpus.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"_id": "late", "title": "", "text": "A document that came later."}) + "\n")
    assert "does not fit: other documents" in _refused(run, "--port", 0)
    # Before it was measured, the teaching set says what it was made for.
    (run / "metrics.json").unlink()
    assert "made for collection 'tiny' (texts " in _refused(run, "--port", 0)
