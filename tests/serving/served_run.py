"""A small run on a collection that holds hostile texts, and its server."""

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
import yaml

from command_line import distillir
from distillir.serving.app import make_app
from distillir.serving.guard import Guard
from distillir.serving.serve import LOOPBACK, listen
from distillir.serving.served import Served, open_all

SCRIPT = "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\"> bees & <b>honey</b>"
#: Ids of the odd documents.
HOSTILE, EMOJI = 'a/"quoted"/<b>id</b>?&#', "🐝" * 50


def make_run(collection: Path, model: str, output: Path, **changes: Any) -> Path:
    """A run of a second or two."""
    recipe = {
        "collection": str(collection),
        "teacher": "bm25",
        "student": {"model": model, "max_length": 32},
        "candidates": {"from": "bm25", "depth": 8},
        "method": "kl",
        "training": {"epochs": 1, "queries_per_step": 4, "learning_rate": 1e-3},
        "evaluation": {"measures": ["nDCG@10"]},
        **changes,
    }
    file = output.with_suffix(".yaml")
    file.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    done = distillir("run", file, "--output", output)
    assert done.returncode == 0, done.stderr
    return output


@pytest.fixture(scope="session")
def hostile_collection(tiny_beir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny collection, with a document that is markup, and ids that a path or a page could stumble over."""
    folder = tmp_path_factory.mktemp("hostile") / "tiny"
    shutil.copytree(tiny_beir, folder)
    with (folder / "corpus.jsonl").open("a", encoding="utf-8") as file:
        for identifier, text in ((HOSTILE, SCRIPT), (EMOJI, "Emoji 🐝🐝 before the word hive.")):
            file.write(json.dumps({"_id": identifier, "title": "", "text": text}) + "\n")
    return folder


@pytest.fixture(scope="session")
def run_folder(
    hostile_collection: Path, narrow_model: str, tmp_path_factory: pytest.TempPathFactory, isolated_cache: Path
) -> Path:
    """A finished run."""
    return make_run(hostile_collection, narrow_model, tmp_path_factory.mktemp("served") / "mine")


@pytest.fixture(scope="session")
def served(run_folder: Path) -> Served:
    """The same, open."""
    return open_all(run_folder)


@contextmanager
def serving(served: Served, **options: Any) -> Iterator[str]:
    """A real server of an open run; its address."""
    listening = listen(LOOPBACK, 0)
    app = Guard(make_app(served, **{"threads": 2, **options}))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield f"http://{LOOPBACK}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture(scope="module")
def address(served: Served) -> Iterator[str]:
    """Address of the server of `served`."""
    with serving(served) as found:
        yield found
