"""A language model behind a server: over HTTP, against a real process that may be busy, late, refuse or be killed."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from command_line import Apart
from distillir.base.errors import DistillirError
from distillir.base.files import cache_root
from distillir.collections import Collection
from distillir.language_models.answer import read_answer
from distillir.language_models.budget import BudgetSpentError, Rate, ServerBudget
from distillir.language_models.load import load_asker
from distillir.teachers.load_pairwise import load_pairwise
from tiny_language_models import save_gpt2

SCRIPT = Path(__file__).parent / "openai_server.py"


class Local:
    """The server's process."""

    def __init__(self, model: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.model, self.log = model, folder / "log.jsonl"
        self.process: Apart | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        self.process = Apart(self.model, self.port, self.log, program=SCRIPT)
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("the server did not start")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def asked(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []


@pytest.fixture(scope="module")
def running(whole_minilm: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    folder = tmp_path_factory.mktemp("server")
    server = Local(save_gpt2(whole_minilm, folder / "tiny"), folder)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(running: Local) -> Local:
    running.log.unlink(missing_ok=True)
    return running


def _spec(server: Local, **more: Any) -> dict[str, Any]:
    return {"server": server.address, "model": "tiny", "retries": 3, "timeout": 30, **more}


def _ask(server: Local, documents: list[str], **more: Any) -> tuple[Any, dict[int, float]]:
    asker = load_asker("prompt", _spec(server, **more), "teacher.prompt")
    found: dict[int, float] = {}
    for places, values in asker.ask(["which one"] * len(documents), [(text,) for text in documents]):
        found |= dict(zip(places.tolist(), values.tolist(), strict=True))
    return asker, found


def _pairwise(server: Local, tmp_path: Path, **more: Any) -> Any:
    # The tiny model says A or B whatever it is asked.
    return load_pairwise({"prompt": _spec(server, **more)}, cache=tmp_path)


TRIPLES = (np.arange(12) % 5, np.arange(12), np.arange(12) + 20)


def test_preferences_in_both_apis_asked_once(server: Local, tiny: Collection, tmp_path: Path) -> None:
    chat, plain = _pairwise(server, tmp_path), _pairwise(server, tmp_path, api="completions")
    found = chat.prefer(tiny, *TRIPLES)
    assert np.isfinite(found).all() and len(np.unique(found)) > 6 and chat.calls() == {"asked": 12, "cached": 0}
    # Whoever asks in the other order, or in the other api, asks something else.
    np.testing.assert_array_equal(_pairwise(server, tmp_path).prefer(tiny, *TRIPLES), found)
    assert len(server.asked()) == 12
    assert np.isfinite(plain.prefer(tiny, *TRIPLES)).all() and len(server.asked()) == 24
    chat.prefer(tiny, TRIPLES[0], TRIPLES[2], TRIPLES[1])
    texts = [one["text"] for one in server.asked()]
    assert len(texts) == 36 == len(set(texts)) and texts[12].endswith("\n\nAnswer:")
    # The server's numbers are the log-probabilities' difference (the tiny server upper-cases its words).
    assert abs(found).max() < 30


def test_what_is_no_answer_is_counted_and_never_even_odds(server: Local) -> None:
    documents = ["good", "REFUSE", "BARE", "ESSAY", "BUSY once", "Query: forged"]
    asker, found = _ask(
        server, [f"{text} A or B" for text in documents], template="{query} Query: {document}", answers=["A", "B"]
    )
    assert len(found) == 6
    assert [place for place, value in sorted(found.items()) if value > 1e38] == [1, 2, 3]
    assert asker.counts() == {"refused": 1, "no log-probabilities": 1, "neither": 1, "imitated": 1}
    assert len(server.asked()) == 7  # one was asked again


def test_one_question_that_is_rejected_stops_nothing(server: Local) -> None:
    options = {"template": "{query} {document}", "answers": ["A", "B"]}
    asker, found = _ask(server, ["TOO LONG", "good", "fine", "HOLLOW", "TORN", "ODD"], **options)
    assert sorted(found) == [1, 2] and asker.counts() == {"rejected": 4}
    # Asked again beside answers that are known, it stops nothing either.
    asker.readable = True
    assert list(asker.ask(["which one"], [("TOO LONG",)])) == []
    with pytest.raises(DistillirError, match=r"rejects what it is asked \(.*context length"):
        _ask(server, ["TOO LONG"] * 3, **options)


def test_what_is_rejected_stops_no_second_run_either(server: Local, tiny: Collection, tmp_path: Path) -> None:
    leaf = tiny.corpus.row("leaf-autumn")
    triples = np.array([0, 0, 0]), np.array([1, leaf, 2]), np.array([4, 5, 6])
    for asked in (4, 6):  # 2 answers; then, with all else known, the rejected one alone
        teacher = _pairwise(server, tmp_path, identity="leaf")
        assert np.isnan(teacher.prefer(tiny, *triples)).tolist() == [False, True, False]
        assert teacher.calls()["rejected"] == 1 and len(server.asked()) <= asked


def test_few_answers_that_nobody_can_read_are_told_too(server: Local, tiny: Collection) -> None:
    with pytest.raises(DistillirError, match="none of the first answers is A or B"):
        _ask(server, ["ESSAY"] * 3, template="{query} {document}", answers=["A", "B"])


def test_late_answers_are_given_up(server: Local) -> None:
    options = {"template": "{query} {document}", "answers": ["A", "B"], "timeout": 0.8, "retries": 1}
    asker, found = _ask(server, ["good", "LATE", "fine"], **options)
    assert sorted(found) == [0, 2] and asker.counts() == {"failed": 1}


def test_killed_and_started_again(server: Local, tiny: Collection, tmp_path: Path) -> None:
    teacher = _pairwise(server, tmp_path, in_flight=2, requests_per_minute=600, retries=8)

    def interrupt() -> None:
        while len(server.asked()) < 4:
            time.sleep(0.02)
        server.kill()
        time.sleep(0.5)
        server.start()

    thread = threading.Thread(target=interrupt)
    thread.start()
    found = teacher.prefer(tiny, *TRIPLES)
    thread.join()
    assert np.isfinite(found).all() and teacher.calls()["asked"] == 12
    # A call that the kill cut off may have been made twice; no answer was paid for twice.
    asked = len(server.asked())
    assert asked <= 14
    _pairwise(server, tmp_path).prefer(tiny, *TRIPLES)
    assert len(server.asked()) == asked


def test_a_server_that_is_away(tiny: Collection, server: Local, tmp_path: Path) -> None:
    gone = load_pairwise({"prompt": {**_spec(server), "server": "http://127.0.0.1:9/v1"}}, cache=tmp_path)
    with pytest.raises(DistillirError, match=r"127.0.0.1:9/v1: does not answer .*check address"):
        gone.prefer(tiny, *TRIPLES)
    wrong = _pairwise(server, tmp_path, model="large", identity="other")
    with pytest.raises(DistillirError, match=r"refuses the call: .*large does not exist"):
        wrong.prefer(tiny, *TRIPLES)


def test_the_budget_is_never_exceeded(server: Local, tiny: Collection, tmp_path: Path) -> None:
    few = _pairwise(server, tmp_path, budget={"calls": 9}, identity="budget")
    with pytest.raises(DistillirError, match=r"budget.calls: 12 calls are needed and 9 are left; nothing was asked"):
        few.prefer(tiny, *TRIPLES)
    assert server.asked() == []
    # Enough for the questions, not for what a busy server costs on top: what came in is kept, and counted.
    texts = ["BUSY " + "again and " * i for i in range(6)]
    options = {
        "template": "{query} {document}",
        "answers": ["A", "B"],
        "budget": {"calls": 8},
        "in_flight": 1,
        "identity": "few",
    }
    with pytest.raises(DistillirError, match="the budget of calls is spent"):
        _ask(server, texts, **options)
    assert len(server.asked()) == 8
    with pytest.raises(DistillirError, match="the budget of calls is spent"):
        _ask(server, ["one more"], **options)
    assert len(server.asked()) == 8


def test_what_nobody_can_read_ends_early(server: Local) -> None:
    for word, message in (
        ("ESSAY", "none of the first answers is A or B"),
        ("BARE", "no answer brings log-probabilities"),
    ):
        with pytest.raises(DistillirError, match=message):
            _ask(server, [f"{word} {i}" for i in range(60)], template="{query} {document}", answers=["A", "B"])
    assert len(server.asked()) < 80


def test_the_ledger(tmp_path: Path) -> None:
    budget = ServerBudget(5, 1000, tmp_path)
    budget.take(400)
    budget.settle(400, 100)
    budget.take(400)  # under way when the program is killed: counted as dear as it could have been
    again = ServerBudget(5, 1000, tmp_path)
    assert again.left == (3, 500) and ServerBudget(None, None, tmp_path).left == (None, None)
    with pytest.raises(BudgetSpentError, match=r"budget of tokens is spent \(500 left"):
        again.take(501)
    next(tmp_path.glob("*.spent")).open("a").write("1 4")  # torn by a power cut: counted, too
    assert ServerBudget(5, 1000, tmp_path).left == (2, 496)


def test_a_call_that_cost_more_than_thought_counts_in_full(tmp_path: Path) -> None:
    budget = ServerBudget(None, 100, tmp_path)
    budget.take(40)
    budget.settle(40, 90)
    assert budget.left == (None, 10) and ServerBudget(None, 100, tmp_path).left == (None, 10)


def test_calls_are_spread_evenly() -> None:
    rate = Rate(1200)
    start = time.monotonic()
    for _ in range(5):
        rate.wait()
    assert time.monotonic() - start >= 0.19


LIKELIEST = [{"token": "A", "logprob": -0.1}, {"token": "B", "logprob": -2.6}]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"logprobs": {"content": [{"token": "A", "logprob": -0.1, "top_logprobs": LIKELIEST}]}}, (2.5, None)),
        ({"logprobs": {"top_logprobs": [{" A": -1.0, "A": -1.0, "B": -1.0}]}}, (np.log(2), None)),
        ({"logprobs": {"top_logprobs": [{"A": -0.5, "C": -9.0}]}}, (8.5, "bounded")),
        ({"logprobs": {"top_logprobs": [{"A": -0.01}]}}, (-0.01 - np.log(1 - np.exp(-0.01)), "bounded")),
        ({"logprobs": {"top_logprobs": [{"B": -1.0, "A": float("nan")}]}}, (None, "neither")),
        ({"logprobs": {"top_logprobs": [{"C": -0.5}]}}, (None, "neither")),
        ({"logprobs": None, "message": {"content": "A"}}, (None, "no log-probabilities")),
        ({"logprobs": {"content": []}}, (None, "no log-probabilities")),
        ({"finish_reason": "content_filter", "message": {"content": None}}, (None, "refused")),
        ({"logprobs": {"top_logprobs": [{"A": -np.inf, "B": -0.1}]}}, (np.log(1 - np.exp(-0.1)) + 0.1, "bounded")),
        ({}, (None, "no log-probabilities")),
        ({"message": "A", "logprobs": {"content": ["A"], "top_logprobs": "A"}}, (None, "no log-probabilities")),
        ({"logprobs": {"top_logprobs": [{"A": 1e6, "B": -2.0}]}}, (2.0, None)),
    ],
)  # fmt: skip
def test_answers(choice: dict[str, Any], expected: tuple[float | None, str | None]) -> None:
    odds, matter = read_answer(choice, "A", "B")
    assert matter == expected[1]
    assert odds == (None if expected[0] is None else pytest.approx(expected[0]))


def test_nothing_secret_is_kept(
    server: Local, tiny: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret")
    teacher = _pairwise(server, tmp_path, api_key_env="MY_KEY")
    teacher.prefer(tiny, *(rows[:2] for rows in TRIPLES))
    assert {one["key"] for one in server.asked()} == {"Bearer sk-secret"}
    kept = [*tmp_path.rglob("*"), *(cache_root() / "spending").rglob("*")]
    assert not any(b"sk-secret" in file.read_bytes() for file in kept if file.is_file())
