"""What a server refuses: errors that stop at once, parameters named otherwise, waits, and one text by itself."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.language_models.patience import retry_after, span
from distillir.language_models.server import PolicyError, RejectedError, Server
from distillir.language_models.spec import ServerSpec
from distillir.teachers.load import load_teacher
from scripted_server import Reply, ScriptedServer, fails, says

LIKELIEST = {"Yes": -0.2, "No": -2.2}


def spec(server: ScriptedServer, **more: Any) -> ServerSpec:
    return ServerSpec(server=server.address, model="m", **{"retries": 2, **more})


def complete(server: ScriptedServer, ledger: str, **more: Any) -> Any:
    return Server(spec(server, **more), ledger).complete("text", max_tokens=5)


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (fails(429, "You exceeded your current quota", code="insufficient_quota"), "quota; waiting does not help"),
        (fails(402, "Insufficient Balance"), "Insufficient Balance; waiting does not help"),
        (fails(400, "Your credit balance is too low"), "credit balance is too low; waiting does not help"),
        (fails(401, "Incorrect API key"), "Incorrect API key; check server, model, api and the key"),
        (fails(403, "Country not supported"), "refuses the call"),
        (fails(404, "The model m does not exist", code="model_not_found"), "model m does not exist"),
        (fails(400, "The model `m` does not exist"), "model `m` does not exist"),
        (fails(400, "logprobs are not supported by this model", param="logprobs"), "give log-probabilities"),
        (fails(429, "slow down", wait="86400"), r"asks to wait for 24 h .*longest_wait"),
        (fails(503, "maintenance", wait="Wed, 21 Oct 2099 07:28:00 GMT"), r"asks to wait for \d+ days"),
    ],
)  # fmt: skip
def test_errors_that_no_other_call_can_mend_stop_at_once(reply: Reply, message: str, tmp_path: Path) -> None:
    with ScriptedServer(lambda body: reply) as server:
        with pytest.raises(DistillirError, match=message) as told:
            Server(spec(server), tmp_path.name).complete("text", max_tokens=1, logprobs=True)
        assert len(server.asked) == 1 and server.address in str(told.value)


def test_a_teacher_asks_no_more_than_was_under_way(tiny: Collection, tmp_path: Path) -> None:
    with ScriptedServer(lambda body: fails(402, "Insufficient Balance")) as server:
        options = {"server": server.address, "model": "m", "in_flight": 3}
        with pytest.raises(DistillirError, match="waiting does not help"):
            load_teacher({"prompt": options}, cache=tmp_path).score(tiny, np.array([0]), [np.arange(40)])
        assert len(server.asked) <= 3


def test_models_that_name_the_limit_otherwise_are_asked_so(capsys: pytest.CaptureFixture[str]) -> None:
    def reply(body: dict[str, Any]) -> Reply:
        if "max_tokens" in body:
            text = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
            return fails(400, text, param="max_tokens", code="unsupported_parameter")
        if "temperature" in body:
            return fails(400, "Unsupported value: 'temperature' does not support 0 with this model.")
        return says("fine")

    with ScriptedServer(reply) as server:
        connection = Server(spec(server, budget={"calls": 3}), "otherwise")
        for _ in range(2):
            assert connection.complete("text", max_tokens=5)["message"]["content"] == "fine"
        assert [{"max_tokens", "max_completion_tokens", "temperature"} & set(body) for body in server.asked] == [
            {"max_tokens", "temperature"}, {"max_completion_tokens", "temperature"},
            {"max_completion_tokens"}, {"max_completion_tokens"},
        ]  # fmt: skip
        assert [body.get("max_completion_tokens") for body in server.asked] == [None, 5, 5, 5]
    assert connection.budget.left[0] == 1  # what was refused so is no call
    told = capsys.readouterr().err
    assert told.count("is asked with max_completion_tokens") == 1 and told.count("takes no temperature") == 1


def test_a_parameter_of_ones_own_that_is_refused_is_named() -> None:
    reply = fails(400, "Unrecognized request argument supplied: reasoning_effort")
    with ScriptedServer(lambda body: reply) as server:
        with pytest.raises(DistillirError, match="leave reasoning_effort out of request"):
            complete(server, "own", request={"reasoning_effort": "low"})
        assert [body["reasoning_effort"] for body in server.asked] == ["low"]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (fails(400, "This model's maximum context length is 10 tokens", code="context_length_exceeded"), RejectedError),
        (fails(413, "payload"), RejectedError),
        (fails(400, "The response was filtered", code="content_filter"), PolicyError),
        (fails(403, "flagged by moderation"), PolicyError),
        ((200, {"choices": []}, {}), RejectedError),
    ],
)
def test_what_is_about_one_text_stops_no_other(reply: Reply, kind: type[RejectedError]) -> None:
    with ScriptedServer(lambda body: reply) as server:
        with pytest.raises(RejectedError) as told:
            complete(server, "one")
        assert type(told.value) is kind and len(server.asked) == 1


def test_waits_that_are_asked_for_are_kept_and_may_be_longer_by_the_recipe() -> None:
    replies = [fails(429, "slow down", wait="0.3"), fails(503, "busy", wait="0.2"), says("fine")]
    with ScriptedServer(lambda body: replies[min(len(server.asked), 3) - 1]) as server:
        assert complete(server, "wait")["message"]["content"] == "fine" and len(server.asked) == 3
        server.asked.clear()
        with pytest.raises(DistillirError, match="asks to wait"):
            complete(server, "wait", longest_wait=0.25)
        assert len(server.asked) == 1


def test_how_long_a_response_asks_to_wait() -> None:
    assert retry_after({}) is None and retry_after({"retry-after": "soon"}) is None
    assert retry_after({"retry-after": "2.5"}) == 2.5 and retry_after({"retry-after": "-3"}) == 0
    assert retry_after({"retry-after-ms": "1500", "retry-after": "9"}) == 1.5
    found = retry_after({"retry-after": format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)})
    assert found == pytest.approx(90, abs=5)
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    assert [span(seconds) for seconds in (8, 300, 7300, 864_000)] == ["8 s", "5 min", "2 h", "10 days"]
