"""A run of a student as published ones are: in 16 bits, with code of its own, and trained with prompts."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.evaluation.search import search_student
from distillir.pipeline.run import run
from distillir.recipe import Recipe
from odd_models import one_layer, with_own_code


def test_a_student_with_prompts_and_code_of_its_own_saved_in_16_bits(
    tiny_beir: Path, tiny: Collection, minilm_path: str, tmp_path: Path
) -> None:
    model = with_own_code(one_layer(minilm_path, tmp_path / "half", torch.bfloat16), tmp_path / "own")
    recipe: dict[str, Any] = {
        "collection": str(tiny_beir),
        "teacher": "bm25",
        "student": {"model": model, "max_length": 24, "prompts": {"query": "query: ", "document": "passage: "}},
        "candidates": {"from": ["bm25", "dense"], "depth": 8},
        "method": "kl",
        "training": {"epochs": 1, "queries_per_step": 4, "candidates_per_query": 4, "precision": "float32"},
        "evaluation": {"measures": ["nDCG@10"]},
    }
    with pytest.raises(DistillirError, match="trust_remote_code: true"):
        run(Recipe.model_validate(recipe), tmp_path / "refused")
    recipe["student"]["trust_remote_code"] = True
    run(Recipe.model_validate(recipe), tmp_path / "run")
    student = tmp_path / "run" / "student"
    shutil.rmtree(model)  # what is loaded from now on is what was saved
    before, after = (
        load_file(folder / "model.safetensors") for folder in (tmp_path / "run" / "work" / "initial-student", student)
    )
    assert {weights.dtype for weights in after.values()} == {torch.float32}
    changed = [(before[name] != after[name]).float().mean().item() for name in before if "layer.0" in name]
    assert np.mean(changed) > 0.9  # in bfloat16 most steps are lost to rounding
    used = SentenceTransformer(str(student), device="cpu", trust_remote_code=True)
    assert used.prompts == {"query": "query: ", "document": "passage: "}
    rows = tiny.qrels("test").query_rows
    found = search_student(student, tiny, rows, 5, trust_remote_code=True)
    vectors = used.encode(["query: " + tiny.queries.text(int(rows[0]))])
    documents = used.encode(["passage: " + text for text in tiny.corpus.texts(found.of(0)[0])])
    np.testing.assert_allclose(found.of(0)[1], (vectors @ documents.T)[0], atol=1e-5)
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["student"]["kind"] == "dense"
