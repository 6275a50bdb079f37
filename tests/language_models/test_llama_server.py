"""llama.cpp's own server with a tiny model, or the one that ``DISTILLIR_TEST_GGUF`` names: ``make test-real``."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tiny_gguf import save_gguf

from distillir.collections import Collection
from distillir.language_models.query_generator import QueryGenerator
from distillir.language_models.spec import read_generator_spec
from distillir.signals.preferences.pair_set import sigmoid
from distillir.teachers.load_pairwise import load_pairwise

pytestmark = pytest.mark.real
COUNT = 40
TRIPLES = (np.arange(COUNT) % 5, np.arange(COUNT) % 20, np.arange(COUNT) % 40 + 20)


class Llama:
    def __init__(self, model: str) -> None:
        self.model = model
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        script = str(Path(__file__).parent / "llama_server.py")
        self.process = subprocess.Popen([sys.executable, script, self.model, str(self.port)], stderr=subprocess.DEVNULL)
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("llama.cpp did not start")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def spec(self, **more: object) -> dict[str, object]:
        return {"server": f"http://127.0.0.1:{self.port}/v1", "model": "model", "in_flight": 4, **more}


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llama]:
    named = os.environ.get("DISTILLIR_TEST_GGUF")
    server = Llama(named or save_gguf(tmp_path_factory.mktemp("model") / "tiny.gguf"))
    yield server
    server.kill()


def test_killed_started_again_and_nothing_asked_twice(
    llama: Llama, tiny: Collection, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    spec = {"prompt": llama.spec(document_words=40, in_flight=2)}
    teacher = load_pairwise(spec, cache=tmp_path)

    killed: list[bool] = []

    def interrupt() -> None:
        while not any(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()):
            time.sleep(0.001)  # until the first answer is kept
        llama.kill()
        killed.append(True)
        time.sleep(2)
        llama.start()

    thread = threading.Thread(target=interrupt)
    thread.start()
    found = teacher.prefer(tiny, *TRIPLES)
    assert killed  # while it was asked
    thread.join()
    assert np.isfinite(found).all() and teacher.calls()["asked"] == COUNT
    again = load_pairwise(spec, cache=tmp_path)
    np.testing.assert_array_equal(again.prefer(tiny, *TRIPLES), found)
    assert again.calls() == {"asked": 0, "cached": COUNT}
    swapped = again.prefer(tiny, TRIPLES[0], TRIPLES[2], TRIPLES[1])
    record_property("position bias", float((sigmoid(found) + sigmoid(swapped) - 1).mean()))
    record_property("same winner in both orders", float(((found > 0) != (swapped > 0)).mean()))


def test_queries_that_it_writes(llama: Llama, tiny: Collection) -> None:
    spec = read_generator_spec(llama.spec(max_tokens=24), "here")
    made = QueryGenerator(spec).make(tiny, np.array([3, 40, 7]))
    assert 1 <= len(made) <= 3 and all(len(text.split()) >= 2 for _, text in made)
