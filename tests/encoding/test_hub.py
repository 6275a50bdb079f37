"""The Hub, or a network that does not lead to it: a server in its place that counts what it is asked."""

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants

from distillir.base.errors import DistillirError
from distillir.collections.hub_source import HubSource
from distillir.encoding.models import load_sentence_transformer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """A server that answers every request with one status, and notes their paths."""

    def __init__(self, status: int) -> None:
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                outer.asked.append(self.path)
                self.send_response(200 if self.path == "/" and status < 500 else status)
                if status == 404:
                    self.send_header("X-Error-Code", "RepoNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_GET  # noqa: N815

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def hub_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Hub]:
    """A Hub of one status, with an empty cache of its library."""
    found = Hub(request.param)
    monkeypatch.setattr(constants, "ENDPOINT", found.address)
    # The library made the address of files of the endpoint's when it was imported: they must not go to the real Hub.
    files = f"{found.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("distillir.base.hub.time.sleep", lambda _: None)
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.mark.parametrize("hub_of", [503], indirect=True)
def test_a_hub_that_does_not_answer_is_asked_twice_and_no_file_is_asked_for(hub_of: Hub) -> None:
    with pytest.raises(DistillirError) as told:
        load_sentence_transformer("someone/all-MiniLM-L7-v3")
    assert str(told.value).startswith(
        "someone/all-MiniLM-L7-v3: is no folder, and the Hub, which may have such a model, does not answer (it "
        "answers 503); check the name and the network, name a folder, or all-MiniLM-L6-v2"
    )
    with pytest.raises(DistillirError, match=r"^hf:someone/scifct: the Hub does not answer \(it answers 503\); check"):
        HubSource("someone/scifct").documents()
    assert hub_of.asked == ["/", "/"]
    assert not constants.HF_HUB_OFFLINE  # another moment's network is another matter


@pytest.mark.parametrize("hub_of", [503], indirect=True)
def test_a_model_of_the_cache_is_loaded_without_the_hub(hub_of: Hub, small_models: Path, tmp_path: Path) -> None:
    cached = tmp_path / "hub" / "models--someone--small"
    shutil.copytree(small_models / "base", cached / "snapshots" / COMMIT)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(COMMIT)
    model = load_sentence_transformer("someone/small")
    there = load_sentence_transformer(small_models / "base")
    assert (model.encode(["bees"]) == there.encode(["bees"])).all()
    assert hub_of.asked == ["/", "/"]


@pytest.mark.parametrize("hub_of", [404], indirect=True)
def test_a_hub_without_such_a_model_says_so(hub_of: Hub) -> None:
    with pytest.raises(DistillirError, match="all-MiniLM-L7-v3: the model cannot be loaded"):
        load_sentence_transformer("someone/all-MiniLM-L7-v3")
    assert len(hub_of.asked) == len({*hub_of.asked}) + hub_of.asked.count("/") - 1  # nothing is asked for again


def test_what_the_user_says_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DistillirError, match=r"does not answer \(HF_HUB_OFFLINE is set\)"):
        load_sentence_transformer("someone/all-MiniLM-L7-v3")
    assert constants.HF_HUB_OFFLINE
