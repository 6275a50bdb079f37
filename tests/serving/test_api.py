"""The API on a real server: what it answers, what it refuses, what it never tells."""

import json
import threading
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from served_run import (  # noqa: F401 - fixtures
    EMOJI,
    HOSTILE,
    SCRIPT,
    address,
    hostile_collection,
    run_folder,
    served,
    serving,
)

from distillir.retrieval.trec import read_run
from distillir.serving.limits import BODY_BYTES, MOST_DOCUMENTS, QUERY_CHARACTERS
from distillir.serving.served import Served


@pytest.fixture
def client(address: str) -> Any:
    with httpx.Client(base_url=address, timeout=60) as found:
        yield found


def _search(client: httpx.Client, query: str, **more: Any) -> dict[str, Any]:
    answer = client.post("/api/search", json={"query": query, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_answers_are_the_rankings_of_the_run(client: httpx.Client, served: Served) -> None:
    collection, folder = served.collection, served.folder
    after = read_run(folder.after_run, collection)
    for query in client.get("/api/queries").json()["queries"][:6]:
        row = collection.queries.row(query["id"])
        told = _search(client, query["text"], query_id=query["id"])
        systems = {system["system"]: system for system in told["systems"]}
        assert list(systems) == ["before", "after", "bm25", "teacher"]
        found = [document["id"] for document in systems["after"]["documents"]]
        expected = collection.corpus.ids(after.select([row]).of(0)[0][:10].tolist())
        assert found == expected
        before = [document["id"] for document in systems["before"]["documents"]]
        for document in systems["after"]["documents"]:
            if document["id"] in before:
                assert document["before"] == before.index(document["id"]) + 1
        grades = served.queries.grades(row)
        assert told["relevant"] == sum(grade > 0 for grade in grades.values())
        judged = {document["id"]: document["grade"] for document in systems["after"]["documents"]}
        assert judged == {i: grades.get(collection.corpus.row(i)) for i in judged}
        assert systems["teacher"]["kept"] and systems["teacher"]["milliseconds"] == 0


def test_evaluation_queries_are_sorted_by_gain(client: httpx.Client, served: Served) -> None:
    told = client.get("/api/queries", params={"limit": 200}).json()
    gains = [query["gain"] for query in told["queries"]]
    assert gains == sorted(gains, reverse=True) and told["total"] == len(gains) > 3
    after = json.loads(served.folder.metrics.read_text())["after"]["nDCG@10"]
    assert np.mean([query["after"] for query in told["queries"]]) == pytest.approx(after)
    turned = client.get("/api/queries", params={"limit": 2, "reverse": True}).json()["queries"]
    assert [query["id"] for query in turned] == [query["id"] for query in told["queries"][:-3:-1]]


def test_matched_words_are_marked_in_code_points(client: httpx.Client) -> None:
    found = _search(client, "the hive", systems=["bm25"])["systems"][0]["documents"]
    document = next(each for each in found if each["id"] == EMOJI)
    assert [document["text"][start:end] for start, end in document["matches"]] == ["hive"]


def test_texts_are_data(client: httpx.Client) -> None:
    found = _search(client, "bees honey script", systems=["bm25"])["systems"][0]["documents"]
    assert SCRIPT in [document["text"] for document in found if document["id"] == HOSTILE]
    told = client.get("/api/document", params={"id": HOSTILE, "query": "honey"})
    assert told.json()["text"] == SCRIPT and told.headers["content-type"] == "application/json"
    assert [SCRIPT[start:end] for start, end in told.json()["matches"]] == ["honey"]


def test_the_teacher_orders_what_is_visible(client: httpx.Client, served: Served) -> None:
    found = _search(client, "how do bees keep warm", systems=["bm25"])["systems"][0]["documents"][:10]
    asked = {"query": "how do bees keep warm", "documents": [document["id"] for document in found[::-1]]}
    told = client.post("/api/teacher", json=asked).json()
    assert [document["id"] for document in told["documents"]] == [document["id"] for document in found]
    query = served.queries.listed[0]
    asked |= {"query": query.text, "query_id": query.id}
    assert client.post("/api/teacher", json=asked).status_code == 200
    many = {"query": "bees", "documents": served.collection.corpus.ids(range(11))}
    assert client.post("/api/teacher", json=many).status_code == 422
    assert client.post("/api/teacher", json={"query": "bees", "documents": ["no such"]}).status_code == 400


def test_a_paid_teacher_is_asked_only_when_confirmed(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    assert served.teacher is not None
    monkeypatch.setattr(served.teacher, "paid", True)
    asked: dict[str, Any] = {"query": "bees", "documents": [HOSTILE]}
    with serving(served) as address, httpx.Client(base_url=address, timeout=60) as client:
        assert client.get("/api/info").json()["teacher"]["paid"] is True
        refused = client.post("/api/teacher", json=asked)
        assert refused.status_code == 409 and "confirmed" in refused.json()["error"]
        assert client.post("/api/teacher", json={**asked, "confirmed": True}).status_code == 200
        assert 'data-paid="yes"' in client.get("/").text


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ({"query": "a" * 100_000}, 400, "100,000 characters"),
        ({"query": ""}, 400, "empty"),
        ({"query": " \n"}, 400, "empty"),
        ({"query": "\0\0\0"}, 400, "empty"),
        ({"query": "x" * (BODY_BYTES + 1)}, 413, "longer than"),
        ({}, 422, "query"),
        ({"query": 3}, 422, "query"),
        ({"query": None}, 422, "query"),
        ({"query": "bees", "k": 0}, 422, "k: "),
        ({"query": "bees", "k": MOST_DOCUMENTS + 1}, 422, "k: "),
        ({"query": "bees", "systems": ["affter"]}, 400, "'affter'"),
        ({"query": "bees", "query_id": "no such"}, 400, "no evaluation query"),
        ({"query": "bees", "sistems": []}, 422, "sistems"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(client: httpx.Client, body: Any, status: int, why: str) -> None:
    answer = client.post("/api/search", json=body)
    assert answer.status_code == status and why in answer.json()["error"] and len(answer.text) < 300


def test_the_teacher_is_no_system_of_other_queries(client: httpx.Client) -> None:
    answer = client.post("/api/search", json={"query": "bees", "systems": ["teacher"]})
    assert answer.status_code == 400 and "ask it by /api/teacher" in answer.json()["error"]


def test_is_it_up(client: httpx.Client, address: str) -> None:
    assert client.head("/").status_code == 200
    assert f"curl {address}/api/search" in client.get("/docs").text


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b'"bees"', b'{"query": "\\ud800"}', b"\xff"])
def test_bodies_that_are_no_request_are_refused(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/api/search", content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500 and answer.json()["error"]


def test_odd_queries_are_answered(client: httpx.Client) -> None:
    odd = [
        "bees\0honey",
        "🐝" * 300,
        "<script>",
        "'; DROP TABLE",
        "a" * QUERY_CHARACTERS,
        "ミツバチ",
        "\u202ebees",
        "?",
    ]
    for query in odd:
        told = _search(client, query, k=3)
        assert len(told["systems"]) == 3 and "\0" not in told["query"]
    assert _search(client, "bees\0honey")["query"] == "bees honey"


def test_other_names_and_other_pages_are_refused(client: httpx.Client) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "192.168.0.7", "", "[", "localhost.evil"):
        assert client.get("/", headers={"host": host}).status_code == 421, host
    for host in ("localhost:80", "127.0.0.1", "[::1]:8108"):
        assert client.get("/api/info", headers={"host": host}).status_code == 200, host
    own = {"origin": str(client.base_url).rstrip("/")}
    assert client.post("/api/search", json={"query": "bees"}, headers=own).status_code == 200
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
        refused = client.post("/api/search", json={"query": "bees"}, headers={"origin": origin})
        assert refused.status_code == 403, origin
    form = client.post("/api/search", content=b'{"query": "bees"}', headers={"content-type": "text/plain"})
    assert form.status_code == 415


def test_a_body_without_a_length_is_bounded_too(client: httpx.Client) -> None:
    def parts() -> Any:
        for _ in range(9):
            yield b" " * (BODY_BYTES // 8)

    answer = client.post("/api/search", content=parts(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_no_file_is_served_by_its_path(client: httpx.Client, served: Served) -> None:
    paths = ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "/etc/passwd", str(served.folder.path / "recipe.yaml"), ""]
    for path in paths:
        assert client.get(f"/static/{path}").status_code == 404, path
    for path in ("/recipe.yaml", "/nothing", "/api", "/docs/oauth2-redirect", "/redoc"):
        answer = client.get(path)
        assert answer.status_code == 404 and answer.json()["error"], path


def test_answers_name_no_folder(client: httpx.Client, served: Served) -> None:
    folder = str(served.folder.path.parent)
    for path in ("/", "/api/info", "/docs", "/openapi.json", "/api/queries"):
        assert folder not in client.get(path).text, path


def test_the_page_and_the_description_need_nothing_from_elsewhere(client: httpx.Client, address: str) -> None:
    for path in ("/", "/docs", "/static/page.css", "/static/page.js"):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
        assert "//" not in answer.text.replace(address, "").replace("// ", ""), path
        assert answer.headers["x-content-type-options"] == "nosniff"
    schema = client.get("/openapi.json").json()
    assert schema["openapi"].startswith("3.") and "/api/search" in schema["paths"]
    page = client.get("/docs").text
    assert all(path in page for path in schema["paths"])


def test_beyond_the_queue_is_503_and_all_others_are_answered(served: Served) -> None:
    with serving(served, threads=1, waiting=2) as address:
        statuses: list[int] = []

        def ask() -> None:
            with httpx.Client(base_url=address, timeout=60) as client:
                for _ in range(4):
                    answer = client.post("/api/search", json={"query": "how do bees keep warm", "k": 100})
                    statuses.append(answer.status_code)
                    if answer.status_code == 503:
                        assert "waiting" in answer.json()["error"] and answer.headers["retry-after"]

        threads = [threading.Thread(target=ask) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(statuses) == {200, 503} and len(statuses) == 64
        assert httpx.post(f"{address}/api/search", json={"query": "bees"}, timeout=60).status_code == 200


def test_many_at_once_are_answered_as_one_by_one(client: httpx.Client, address: str, served: Served) -> None:
    texts = [query.text for query in served.queries.listed]
    expected = {text: _documents(_search(client, text)) for text in texts}
    wrong: list[str] = []

    def ask(number: int) -> None:
        with httpx.Client(base_url=address, timeout=60) as own:
            for text in texts[number % 3 :: 3]:
                if _documents(_search(own, text)) != expected[text]:
                    wrong.append(text)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def _documents(told: dict[str, Any]) -> list[list[str]]:
    return [[document["id"] for document in system["documents"]] for system in told["systems"]]


def test_a_query_that_is_a_document_does_not_find_itself(
    hostile_collection: Path, narrow_model: str, tmp_path: Path, served: Served
) -> None:
    from served_run import make_run

    from distillir.serving.served import open_all

    lines = (hostile_collection / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    document = json.loads(lines[0])
    import shutil

    shutil.copytree(hostile_collection, tmp_path / "own")
    with (tmp_path / "own" / "queries.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"_id": document["_id"], "text": document["text"]}) + "\n")
    with (tmp_path / "own" / "qrels" / "test.tsv").open("a", encoding="utf-8") as file:
        file.write(f"{document['_id']}\t{json.loads(lines[1])['_id']}\t1\n")
    other = open_all(make_run(tmp_path / "own", narrow_model, tmp_path / "run"), [served.folder.path])
    # The same documents: the other run's student answers too, under the name of its folder.
    assert list(other.systems) == ["before", "after", "bm25", served.folder.path.name]
    for query_id, there in ((document["_id"], False), (None, True)):
        told = other.search(document["text"], 10, None, query_id)
        found = [document["_id"] in [each.id for each in system.documents] for system in told.systems[:3]]
        assert found[2] is there and (there or not any(found))
