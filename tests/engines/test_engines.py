"""Engines: filled once and whole, whatever the ids; gone on with after a kill; asked and measured."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest
from engine_documents import ODD, ODD_WITH_NUL, beir_folder, drawn_source

from distillir.base.errors import DistillirError
from distillir.engines.engine import DocumentBatch, Engine, EngineKind, IndexPlace, Layout
from distillir.engines.index import IndexRequest, make_index, result_file
from distillir.engines.registry import ENGINES
from distillir.engines.source import IndexSource

#: A PostgreSQL is started for pgvector: `make test-real`.
PGVECTOR = pytest.param("pgvector", marks=pytest.mark.real)
every_engine = pytest.mark.parametrize("engine_name", ["lancedb", PGVECTOR, "qdrant"], indirect=True)


@pytest.fixture
def engine_name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The engine of a test; where it is pgvector, its server is there and empty."""
    name = str(request.param)
    if name == "pgvector":
        import psycopg

        for key, value in request.getfixturevalue("postgres").items():
            monkeypatch.setenv(key, value)
        with psycopg.connect(autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
    return name


@pytest.fixture(scope="session")
def odd_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """700 documents, some of odd ids."""
    return beir_folder(tmp_path_factory.mktemp("odd") / "odd", ODD, 700)


@pytest.fixture(scope="session")
def nul_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with an id that holds a NUL."""
    return beir_folder(tmp_path_factory.mktemp("nul") / "nul", ODD_WITH_NUL, 300)


def made(source: IndexSource, engine: str, output: Path, *settings: str, **more: Any) -> dict[str, Any]:
    """An index in a folder."""
    return make_index(source, IndexRequest(engine, output=output, settings=settings, **more))


def opened(engine: str, output: Path, source: IndexSource) -> Engine:
    """The engine as `made` left it."""
    kind = ENGINES.get(engine)
    table = next(output.glob(f"{engine}-*.json")).stem.removeprefix(f"{engine}-")
    layout = Layout("dense", 24, "cosine", "float32", False, len(source.collection.corpus))
    return kind.open(kind.spec(), IndexPlace(output / engine, None, table), layout)  # type: ignore[operator]


@every_engine
def test_every_document_is_there_once_and_ids_come_back(engine_name: str, odd_folder: Path, tmp_path: Path) -> None:
    source = drawn_source(odd_folder)
    told = made(source, engine_name, tmp_path)
    assert told["documents"] == 700
    assert told["results"]["engine"]["recall@10"] == 1.0
    assert told["results"]["engine"]["nDCG@10"] == told["results"]["exact"]["nDCG@10"] > 0
    encodings = source.encode(source.queries, None)
    engine = opened(engine_name, tmp_path, source)
    try:
        assert sorted(engine.numbers().tolist()) == list(range(700))
        for row, name in enumerate(ODD):
            vector = encodings.documents(source.queries * 0 + row)[0]
            assert name in engine.search(vector, 700)
    finally:
        engine.close()


@every_engine
def test_a_kill_between_batches_leaves_no_document_out_and_none_twice(
    engine_name: str,
    odd_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    source = drawn_source(odd_folder)
    count = 0

    class KilledError(BaseException):
        """Ends the filling as a kill would: nothing of ours is told."""

    def progress_that_ends(batch: DocumentBatch) -> None:
        nonlocal count
        count += 1
        if count == 4:
            raise KilledError

    with monkeypatch.context() as patch:
        end_before_add(patch, progress_that_ends)
        with pytest.raises(KilledError):
            made(source, engine_name, tmp_path, batch=100)
    assert not list(tmp_path.glob("*.json"))
    told = made(source, engine_name, tmp_path)
    assert "300 documents are there, 400 are to be added" in capfd.readouterr().err
    assert told["documents"] == 700
    before = result_file(tmp_path, engine_name, told["table"]).read_text()
    made(source, engine_name, tmp_path)
    assert "nothing to do" in capfd.readouterr().err
    assert result_file(tmp_path, engine_name, told["table"]).read_text() == before
    # Other queries of the same documents are asked, and nothing is filled.
    made(dataclasses.replace(source, asked_by="another query encoder"), engine_name, tmp_path)
    assert "nothing to do" not in capfd.readouterr().err
    engine = opened(engine_name, tmp_path, source)
    try:
        assert sorted(engine.numbers().tolist()) == list(range(700))
    finally:
        engine.close()


def end_before_add(patch: pytest.MonkeyPatch, called: Any) -> None:
    """Call something before each batch that any engine takes."""
    from distillir.engines import fill

    class Telling(DocumentBatch):
        def __init__(self, *parts: Any) -> None:
            called(self)
            super().__init__(*parts)

    patch.setattr(fill, "DocumentBatch", Telling)


@every_engine
def test_another_student_is_refused_by_name_until_anew(engine_name: str, odd_folder: Path, tmp_path: Path) -> None:
    made(drawn_source(odd_folder), engine_name, tmp_path)
    other = drawn_source(odd_folder, seed=1)
    with pytest.raises(DistillirError, match=r"other student than when it was made; .*--anew"):
        made(other, engine_name, tmp_path)
    with pytest.raises(DistillirError, match="other dimensions than when it was made"):
        made(drawn_source(odd_folder), engine_name, tmp_path, dimensions=8)
    told = made(other, engine_name, tmp_path, anew=True)
    assert told["documents"] == 700
    assert told["record"]["student"] == "drawn 1"


@pytest.mark.parametrize("engine_name", ["lancedb", "pgvector"], indirect=True)
@pytest.mark.parametrize("precision", ["float32", "float16", "int8", "binary"])
def test_an_index_of_any_precision_finds_what_exact_search_finds(
    engine_name: str, precision: str, odd_folder: Path, tmp_path: Path
) -> None:
    source = drawn_source(odd_folder)
    kind: EngineKind = ENGINES.get(engine_name)
    if precision not in kind.holds["dense"]:
        with pytest.raises(DistillirError, match=f"has no dense vectors in {precision}"):
            made(source, engine_name, tmp_path, precision=precision)
        return
    told = made(source, engine_name, tmp_path, "exact_below=1", precision=precision)
    assert "exact" not in told["index"]
    assert told["results"]["engine"]["recall@10"] >= 0.95


@pytest.mark.parametrize("engine_name", ["pgvector", "qdrant"], indirect=True)
def test_sparse_vectors(engine_name: str, odd_folder: Path, tmp_path: Path) -> None:
    told = made(drawn_source(odd_folder, kind="sparse"), engine_name, tmp_path)
    assert told["results"]["engine"]["recall@10"] == 1.0


@pytest.mark.parametrize("engine_name", [PGVECTOR], indirect=True)
def test_an_index_of_sparse_vectors(engine_name: str, odd_folder: Path, tmp_path: Path) -> None:
    told = made(drawn_source(odd_folder, kind="sparse"), engine_name, tmp_path, "exact_below=1")
    assert told["index"].startswith("HNSW")
    assert told["results"]["engine"]["recall@10"] >= 0.9


@every_engine
@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_hybrid_finds_by_words_too(engine_name: str, similarity: str, odd_folder: Path, tmp_path: Path) -> None:
    told = made(drawn_source(odd_folder, similarity=similarity), engine_name, tmp_path, hybrid=True)
    assert told["results"]["engine"]["recall@10"] == 1.0
    assert 0 < told["results"]["hybrid"]["nDCG@10"] <= 1


@pytest.mark.skipif("DISTILLIR_TEST_QDRANT" not in os.environ, reason="DISTILLIR_TEST_QDRANT names no server")
@pytest.mark.parametrize("precision", ["float32", "float16", "int8", "binary"])
def test_a_server_of_qdrant(precision: str, odd_folder: Path, tmp_path: Path) -> None:
    address, source = os.environ["DISTILLIR_TEST_QDRANT"], drawn_source(odd_folder)
    told = made(source, "qdrant", tmp_path, address=address, precision=precision, table=f"t_{precision}", anew=True)
    assert told["documents"] == 700
    assert told["results"]["engine"]["recall@10"] >= 0.95


@every_engine
def test_a_nul_in_an_id_comes_back_or_is_refused_in_a_line(engine_name: str, nul_folder: Path, tmp_path: Path) -> None:
    source = drawn_source(nul_folder)
    if engine_name == "pgvector":
        with pytest.raises(DistillirError, match="holds a NUL, which PostgreSQL's texts cannot"):
            made(source, engine_name, tmp_path)
        return
    assert made(source, engine_name, tmp_path)["documents"] == 300
    encodings, engine = source.encode(source.queries, None), opened(engine_name, tmp_path, source)
    try:
        vector = encodings.documents(source.queries[:1] * 0)[0]
        assert set(ODD_WITH_NUL) <= set(engine.search(vector, 300))
    finally:
        engine.close()


@every_engine
def test_two_commands_at_once_are_kept_apart(engine_name: str, odd_folder: Path, tmp_path: Path) -> None:
    source = drawn_source(odd_folder)
    made(source, engine_name, tmp_path)
    engine = opened(engine_name, tmp_path, source)
    try:
        with engine.lock(), pytest.raises(DistillirError, match="another command"):
            made(source, engine_name, tmp_path)
    finally:
        engine.close()


@pytest.mark.parametrize("engine_name", [PGVECTOR], indirect=True)
def test_a_table_of_somebody_else_is_not_deleted(
    engine_name: str, odd_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    monkeypatch.setenv("PGPASSWORD", "a-secret-word")
    told = made(drawn_source(odd_folder), engine_name, tmp_path, table="customers")
    assert "a-secret-word" not in json.dumps(told)
    with psycopg.connect(autocommit=True) as connection:
        connection.execute("DROP TABLE customers")
        connection.execute("CREATE TABLE customers (name text)")
        with pytest.raises(DistillirError, match="distillir did not make it; choose another --table"):
            made(drawn_source(odd_folder), engine_name, tmp_path, table="customers", anew=True)
        assert connection.execute("SELECT count(*) FROM customers").fetchone() == (0,)


@every_engine
def test_a_table_with_documents_of_others_is_refused(engine_name: str, odd_folder: Path, tmp_path: Path) -> None:
    source = drawn_source(odd_folder)
    told = made(source, engine_name, tmp_path)
    json_file = result_file(tmp_path, engine_name, told["table"])
    assert json.loads(json_file.read_text())["engine"] == engine_name
    engine = opened(engine_name, tmp_path, source)
    try:
        engine.add(
            DocumentBatch(
                source.queries[:1] * 0 + 700,
                ["more"],
                [""],
                [""],
                source.encode(source.queries[:1], None).documents(source.queries[:1]),
            )
        )
    finally:
        engine.close()
    with pytest.raises(DistillirError, match="such that the collection does not have"):
        made(source, engine_name, tmp_path)
