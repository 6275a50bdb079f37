"""`distillir index`: from a run, or a model and a collection, to an engine that has been asked; mistakes are a line."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers import CrossEncoder

import distillir as front_door
from command_line import apart, distillir, kill_once
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.engines.needed import check_address
from distillir.engines.shorter import trained_dimensions
from distillir.students.load import load_student


@pytest.fixture(scope="module")
def run(narrow_model: str, tiny_beir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    recipe = {
        "collection": tiny_beir,
        "teacher": "bm25",
        "student": {"model": narrow_model, "max_length": 32},
        "candidates": {"from": "bm25", "depth": 5},
        "evaluation": {"depth": 20},
        "method": "kl",
        "training": {"epochs": 1, "queries_per_step": 8},
    }
    return front_door.run(recipe, output=tmp_path_factory.mktemp("runs") / "mine").path


def test_a_run_is_indexed_from_what_evaluation_has_encoded(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from distillir.encoding import vectors

    def loaded(*_: Any, **__: Any) -> None:
        raise AssertionError("the student was loaded, and every vector is in the cache")

    monkeypatch.setattr(vectors, "load_sentence_transformer", loaded)
    done = distillir("index", run, "--hybrid")
    assert done.returncode == 0, done.stderr
    assert "62 documents" in done.stderr
    told = json.loads((run / "index" / "lancedb-mine.json").read_text())
    metrics = json.loads((run / "metrics.json").read_text())
    assert told["results"]["engine"]["recall@10"] == 1.0
    assert told["results"]["exact"]["nDCG@10"] == pytest.approx(metrics["after"]["nDCG@10"], abs=1e-4)
    assert set(told["results"]["hybrid"]) == {"ms", "nDCG@10"}
    assert "nothing to do" in distillir("index", run, "--hybrid").stderr


def test_the_student_before_training_has_a_table_of_its_own(run: Path) -> None:
    assert distillir("index", run, "--before").returncode == 0
    assert distillir("index", run).returncode == 0
    assert (run / "index" / "lancedb-mine_before.json").is_file()


def test_a_kill_in_the_middle(narrow_model: str, tiny_beir: Path, tmp_path: Path) -> None:
    given = ("index", narrow_model, "--collection", tiny_beir, "--output", tmp_path, "--table", "t", "--batch", 1)
    files = tmp_path / "lancedb" / "t.lance" / "data"
    kill_once(apart(*given), lambda: files.is_dir() and len(list(files.iterdir())) >= 10)
    assert not (tmp_path / "lancedb-t.json").exists()
    done = distillir(*given)
    assert done.returncode == 0, done.stderr
    assert "documents are there" in done.stderr
    import lancedb

    table = lancedb.connect(str(tmp_path / "lancedb")).open_table("t")
    assert sorted(table.to_arrow()["number"].to_pylist()) == list(range(62))


@pytest.mark.parametrize(
    ("kind", "engine"), [("multi-vector", "lancedb"), ("multi-vector", "qdrant"), ("sparse", "qdrant")]
)
def test_other_kinds_of_students(
    kind: str, engine: str, mlm_path: str, small_models: Path, tiny: Collection, tmp_path: Path
) -> None:
    student = load_student(mlm_path if kind == "sparse" else str(small_models / "base"), kind=kind)
    student.save_pretrained(str(tmp_path / "student"))
    told = front_door.index(tmp_path / "student", collection=tiny, to=engine, output=tmp_path / "index")
    assert told["record"]["kind of vectors"].startswith(kind)
    assert told["results"]["engine"]["recall@10"] >= 0.99
    assert told["results"]["engine"]["nDCG@10"] == pytest.approx(told["results"]["exact"]["nDCG@10"], abs=0.01)


def test_shorter_vectors_of_a_model_that_was_not_trained_for_them(
    narrow_model: str, tiny: Collection, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told = front_door.index(narrow_model, collection=tiny, output=tmp_path, dimensions=4)
    assert told["record"]["dimensions"] == 4
    assert "nothing in the card of" in capfd.readouterr().err
    with pytest.raises(DistillirError, match="have 16 numbers, and not 17"):
        front_door.index(narrow_model, collection=tiny, output=tmp_path, dimensions=17)
    assert "nothing in the card of" not in capfd.readouterr().err  # no advice on what is refused


def test_the_card_says_which_widths_a_model_was_trained_for(narrow_model: str, tmp_path: Path) -> None:
    assert trained_dimensions(narrow_model) is None
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "README.md").write_text('MatryoshkaLoss\n{\n  "matryoshka_dims": [\n 384, 128\n ] }')
    assert trained_dimensions(str(tmp_path)) == [384, 128]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--to", "lancdb"], "unknown engine 'lancdb'; did you mean 'lancedb'"),
        (["--to", "mine:ENGINE"], "is Python code, and it has not been allowed to run"),
        (["--address", "http://localhost"], "lancedb is embedded and has no address"),
        (["--table", "a b"], "'a b' is no name of a table"),
        (["--precision", "float8"], "'float8' is no precision"),
        (["--set", "ef=many"], "--set lancedb: ef is 'many'; give a whole number"),
        (["--set", "nprobe=3"], "nprobes"),
        (["--to", "qdrant", "--precision", "int8"], "local mode keeps float32 numbers"),
        (["--to", "pgvector", "--address", "postgresql://me:secret@localhost/x"], "holds a password or a key"),
        (["--to", "qdrant", "--set", "language=klingon"], "no stemmer for 'klingon'"),
        (["--to", "pgvector"], "no PostgreSQL answers"),
        (["--to", "qdrant", "--address", "http://127.0.0.1:9"], "no Qdrant answers"),
        (["--collection", "stdlib"], "is a run, which has a collection"),
    ],
)
def test_a_mistake_is_one_line(run: Path, given: list[str], said: str, tmp_path: Path) -> None:
    done = distillir("index", run, "--output", tmp_path, *given, PGHOST=str(tmp_path))
    lines = [line for line in done.stderr.splitlines() if line.startswith("distillir: ")]
    assert done.returncode == 2
    assert len(lines) == 1
    assert said in lines[0]
    assert "secret" not in done.stderr


def test_what_is_no_run_and_has_no_student(run: Path, small_models: Path, tiny_beir: Path, tmp_path: Path) -> None:
    assert "is no folder of a run" in distillir("index", tmp_path).stderr
    (tmp_path / "recipe.yaml").write_bytes((run / "recipe.yaml").read_bytes())
    assert "has no trained student yet; run `distillir run" in distillir("index", tmp_path).stderr
    CrossEncoder(str(small_models / "cross-encoder"), device="cpu").save_pretrained(str(tmp_path / "reranker"))
    done = distillir("index", tmp_path / "reranker", "--collection", tiny_beir, "--output", tmp_path / "x")
    assert "is a cross-encoder model, which has no vectors" in done.stderr
    recipe: dict[str, Any] = {"collection": str(tiny_beir), "teacher": "bm25"}
    recipe |= {"student": {"model": str(tmp_path / "reranker"), "kind": "cross-encoder"}}
    (tmp_path / "recipe.yaml").write_text(json.dumps(recipe))
    assert "its student is a cross-encoder" in distillir("index", tmp_path).stderr


@pytest.mark.parametrize(
    ("engine", "module"), [("lancedb", "lancedb"), ("pgvector", "psycopg"), ("qdrant", "qdrant_client")]
)
def test_a_library_that_is_not_installed(
    engine: str, module: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    done = distillir("index", run, "--to", engine, "--output", tmp_path)
    assert f"{engine} needs {module}, which is not installed; pip install 'distillir[{engine}]'" in done.stderr


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:secret@host/db",
        "host=localhost password=secret",
        "host=localhost password = secret",
        "postgresql://host/db?password=secret",
        "https://host:6333?api_key=secret",
        "https://key:secret@host",
    ],
)
def test_addresses_with_credentials_are_refused(address: str) -> None:
    with pytest.raises(DistillirError, match="holds a password or a key") as told:
        check_address(address, "PGPASSWORD")
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("address", ["postgresql://me@host:5432/db", "host=localhost dbname=x", "http://[::1]:6333"])
def test_addresses_without_are_taken(address: str) -> None:
    check_address(address, "PGPASSWORD")
