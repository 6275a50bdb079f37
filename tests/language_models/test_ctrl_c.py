"""Ctrl-C while a server asks for patience, or says nothing: the program ends, and what was answered is kept."""

import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command_line import Apart
from scripted_server import Reply, ScriptedServer, fails, prompt_of, says

if sys.platform == "win32":
    pytest.skip("signals of POSIX", allow_module_level=True)

# Four calls at once; of six answers two come. What was answered is read back by a second program.
PROGRAM = """
import json, sys
import numpy as np
from distillir.collections import load_collection
from distillir.teachers.load import load_teacher

options = {"server": sys.argv[2], "model": "m", "in_flight": 4, "retries": 5, "timeout": 100}
teacher = load_teacher({"prompt": options})
print("begins", flush=True)
teacher.score(load_collection(sys.argv[1]), np.array([0]), [np.arange(6)])
"""


@pytest.mark.parametrize("kind", ["busy", "silent"])
def test_the_program_ends_and_keeps_its_answers(kind: str, tiny_beir: Path, tmp_path: Path) -> None:
    stuck, released = threading.Event(), threading.Event()
    answered: list[str] = []

    def reply(body: dict[str, Any]) -> Reply:
        text = prompt_of(body)
        if len(answered) < 2 and text not in answered:
            answered.append(text)
            return says("Yes", likeliest={"Yes": -0.2, "No": -2.2})
        if len(server.asked) >= 5:
            stuck.set()
        if kind == "silent":
            released.wait(60)
        return fails(429, "slow down", wait="200")

    with ScriptedServer(reply) as server:
        process = Apart(tiny_beir, server.address, program=PROGRAM, DISTILLIR_CACHE=str(tmp_path))
        try:
            assert stuck.wait(120)
            time.sleep(0.3)
            begin = time.monotonic()
            process.send_signal(signal.SIGINT)
            told = process.said(timeout=60)
            assert time.monotonic() - begin < 20  # a second or so on a quiet machine; 200 s were asked for
        finally:
            process.kill()
            released.set()
        assert process.returncode != 0 and "KeyboardInterrupt" in told
        # The second program pays for what is missing, and for nothing twice.
        server.asked.clear()
        server.reply = lambda body: says("Yes", likeliest={"Yes": -0.2, "No": -2.2})
        second = Apart(tiny_beir, server.address, program=PROGRAM, DISTILLIR_CACHE=str(tmp_path))
        assert second.wait(120) == 0, second.written()
        again = {prompt_of(body) for body in server.asked}
        assert len(again) == 4 and not again & set(answered)


def test_calls_that_wait_wake_up() -> None:
    from distillir.language_models.in_flight import InFlight, StoppedError
    from distillir.language_models.patience import sleep

    woken = threading.Event()

    def call(place: int, ended: threading.Event) -> int:
        if place:
            try:
                sleep(100, ended)
            except StoppedError:
                woken.set()
                raise
        return place

    results = InFlight(call, 3, 3).results()
    assert next(results) == (0, 0)
    closing: Callable[[], None] = results.close  # type: ignore[attr-defined]
    closing()
    assert woken.wait(10)
