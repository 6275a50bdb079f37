"""Texts that shards have encoded are there for the stages that read them, as one process encodes them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from command_line import Done, distillir
from distillir.encoding import segments, vectors
from distillir.pipeline.shards import encodings


@pytest.fixture
def recipe(tiny_beir: Path, small_models: Path, late_model: str) -> dict[str, Any]:
    return {
        "collection": str(tiny_beir),
        "teacher": {"ensemble": [{"multi-vector": late_model}, {"dense": str(small_models / "base")}]},
        "student": {"model": str(small_models / "base"), "layers": 1, "max_length": 16},
        "candidates": {"from": ["bm25", "dense"], "depth": 8},
        "evaluation": {"measures": ["nDCG@10"], "depth": 10},
    }


def call(folder: Path, recipe: dict[str, Any], verb: str, *more: str, cache: str = "cache") -> Done:
    """A verb of a recipe, with a cache beside its folder; it must succeed."""
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    given = (verb, folder / "recipe.yaml", "--output", folder / f"run-{cache}", *more)
    done = distillir(*given, DISTILLIR_CACHE=str(folder / cache))
    assert done.returncode == 0, done.stderr
    return done


def stored(folder: Path) -> dict[str, bytes]:
    """All encodings in a cache, by the path of their file."""
    paths = [path for store in ("vectors", "token-vectors") for path in folder.glob(f"{store}/**/*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_later_stages_encode_nothing_more(
    recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (vectors, encodings):  # several pieces of a small collection
        monkeypatch.setattr(module, "ROWS_PER_BLOCK", 16)
    for module in (segments, encodings):
        monkeypatch.setattr(module, "ROWS_PER_SEGMENT", 16)
    monkeypatch.setattr(encodings, "_PIECES", 1)
    for verb in ("mine", "score"):
        call(tmp_path, recipe, verb, cache="one")

    first = call(tmp_path, recipe, "encode", "--shard", "1/2").stderr
    assert "Shard 1/2:" in first and "known once candidates are mined" in first
    (stage,) = [
        one
        for one in json.loads(call(tmp_path, recipe, "status", "--json").stdout)["stages"]
        if one["stage"] == "encode"
    ]
    assert any(0 < texts["known"] < texts["of"] for texts in stage["texts"]), "half of it is there"
    assert stage["shards"][0]["done"] == [1]
    call(tmp_path, recipe, "encode", "--shard", "2/2")
    assert "Encoded: 0 texts" in call(tmp_path, recipe, "encode").stderr, "both halves are the whole"

    refuse = pytest.MonkeyPatch()
    refuse.setattr(vectors, "encode_texts", None)  # nobody calls it
    call(tmp_path, recipe, "mine")
    refuse.undo()
    for share in ("2/2", "1/2"):
        call(tmp_path, recipe, "encode", "--shard", share)
    refuse.setattr(vectors, "encode_texts", None)
    refuse.setattr(segments, "outputs", None)
    call(tmp_path, recipe, "score")
    refuse.undo()
    assert (tmp_path / "run-cache/runs/teacher.trec").read_bytes() == (
        tmp_path / "run-one/runs/teacher.trec"
    ).read_bytes()
    whole, shared = stored(tmp_path / "one"), stored(tmp_path / "cache")
    assert whole.keys() <= shared.keys()
    assert all(shared[name] == content for name, content in whole.items() if "token-vectors" in name)


def test_documents_that_are_kept_are_encoded_before_the_student_is_fitted_to_them(
    recipe: dict[str, Any], small_models: Path, tmp_path: Path
) -> None:
    recipe["student"] = {
        "model": str(small_models / "base"),
        "layers": 1,
        "documents": {"dense": str(small_models / "base")},
    }
    said = call(tmp_path, recipe | {"teacher": "bm25"}, "encode").stderr
    assert "62 of 62 documents by base" in said
    assert not (tmp_path / "run-cache/work/initial-student").exists()
    call(tmp_path, recipe | {"teacher": "bm25"}, "mine", "--shard", "1/1")


def test_nothing_to_encode(recipe: dict[str, Any], small_models: Path, tmp_path: Path) -> None:
    recipe |= {"teacher": "bm25", "student": {"kind": "cross-encoder", "model": str(small_models / "base")}}
    recipe["candidates"] = {"from": "bm25", "depth": 8}
    with pytest.raises(AssertionError, match="there is nothing to encode: no source, teacher or student"):
        call(tmp_path, recipe, "encode", "--shard", "1/2")
