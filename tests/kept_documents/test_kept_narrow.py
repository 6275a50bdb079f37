"""Kept vectors that are stored narrow: trained against, searched, encoded in shards, told of."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from command_line import distillir, run_recipe
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.encoding.narrow import narrowed, widened
from distillir.recipe.read import parse_recipe
from distillir.students.kept_documents.named_index import index_of
from distillir.students.kept_documents.spec import DocumentsSpec


@pytest.fixture
def recipe(tiny_beir: Path, small_models: Path) -> dict[str, Any]:
    documents = {"dense": {"model": str(small_models / "base"), "max_length": 32}, "stored": "int8"}
    return {
        "collection": str(tiny_beir),
        "student": {"model": str(small_models / "base"), "layers": 1, "documents": documents},
        "teacher": "dense",
        "candidates": {"from": ["dense"], "depth": 8},
        "method": "kl",
        "training": {"epochs": 1, "queries_per_step": 4, "learning_rate": 1e-3},
        "evaluation": {"measures": ["nDCG@10"]},
    }


def test_a_run_against_int8_vectors(recipe: dict[str, Any], tmp_path: Path) -> None:
    planned = run_recipe(recipe, tmp_path, "--dry-run")
    assert planned.returncode == 0, planned.stderr
    done = distillir("encode", tmp_path / "recipe.yaml", "--output", tmp_path / "run")
    assert done.returncode == 0 and "62 of 62 documents by base (int8)" in done.stderr, done.stderr
    ended = run_recipe(recipe, tmp_path)
    assert ended.returncode == 0, ended.stderr
    told = json.loads((tmp_path / "run" / "metrics.json").read_text())
    kept = told["kept"]
    assert kept["bytes"] == 62 * (kept["width"] + 4)
    # The recipe as it is written out, and one of float32, which has no word of it.
    assert parse_recipe(recipe).model_dump()["student"]["documents"]["stored"] == "int8"
    del recipe["student"]["documents"]["stored"]
    assert "stored" not in parse_recipe(recipe).model_dump()["student"]["documents"]
    other = run_recipe(recipe, tmp_path)
    assert other.returncode == 2 and len(other.stderr.strip().splitlines()) <= 3, "another index is refused"


@pytest.mark.parametrize("form", ["float16", "int8"])
def test_rows_of_narrow_kept_vectors_are_float32(form: Any, tiny: Collection, small_models: Path) -> None:
    model = {"model": str(small_models / "base"), "precision": "float32"}
    whole = index_of(DocumentsSpec.model_validate({"dense": model}))
    narrow = index_of(DocumentsSpec.model_validate({"dense": model, "stored": form}))
    assert whole.fingerprint != narrow.fingerprint
    vectors, rows = narrow.vectors(tiny.corpus), np.array([5, 2, 5])
    assert vectors.shape == (62, whole.width) and vectors[rows].dtype == np.float32
    expected = widened(*narrowed(np.asarray(whole.vectors(tiny.corpus)[:]), form))
    np.testing.assert_allclose(vectors[rows], expected[rows], atol=1e-6)
    assert vectors.bytes_each == {"float16": 2 * whole.width, "int8": whole.width + 4}[form]


def test_where_a_source_says_it_of_kept_documents_it_is_refused(recipe: dict[str, Any]) -> None:
    recipe["candidates"]["from"] = [{"dense": {"stored": "float16"}}]
    with pytest.raises(DistillirError, match=r"stands under student.documents"):
        parse_recipe(recipe)
    recipe["candidates"]["from"] = [{"dense": {"scan": "int8"}}]
    recipe["student"]["documents"] = {"vectors": "somewhere", "ids": "ids.txt", "stored": "int8"}
    with pytest.raises(DistillirError, match="stored is for what a model made of documents"):
        parse_recipe(recipe)


def test_kept_token_vectors_and_words_are_told_as_they_are_stored(
    tiny: Collection, late_model: str, word_model: str
) -> None:
    told = {}
    for kind, model, form in (
        ("multi-vector", late_model, "float32"),
        ("multi-vector", late_model, "int8"),
        ("sparse", word_model, "float32"),
        ("sparse", word_model, "float16"),
    ):
        index = index_of(DocumentsSpec.model_validate({kind: model, "stored": form}))
        facts = index.facts(tiny.corpus)
        told[kind, form] = facts["bytes"] / facts["units"], index.fingerprint
        assert index.vectors(tiny.corpus).of(np.array([3]))
    assert {key: size for key, (size, _) in told.items()} == {
        ("multi-vector", "float32"): 512,
        ("multi-vector", "int8"): 132,
        ("sparse", "float32"): 8,
        ("sparse", "float16"): 4,
    }
    assert len({own for _, own in told.values()}) == 4
    with pytest.raises(ValueError, match="float32 or float16"):
        DocumentsSpec.model_validate({"sparse": word_model, "stored": "int8"})
