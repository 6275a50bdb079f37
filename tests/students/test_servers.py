"""A dense student as servers read it: the files they want, and the same vectors."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize
from sentence_transformers.sentence_transformer.modules import Pooling

from distillir.base.errors import DistillirError
from distillir.encoding.saving import save_model
from distillir.students.dense.servers import write_for_servers
from distillir.students.load import load_student_of
from distillir.students.spec import StudentSpec

# Of words that the small models know: two unknown ones would be alike.
PROMPTS = {"query": "bees dance: ", "document": "the moon: "}
TEXTS = ["Bees see ultraviolet marks on petals.", "The moon pulls at the sea."]


def _saved(model: str, folder: Path, **options: Any) -> tuple[SentenceTransformer, str]:
    spec = {"model": model, "max_length": 12, "prompts": PROMPTS, **options}
    student = load_student_of(StudentSpec.model_validate(spec), device="cpu")
    save_model(student, folder)
    return student, str(folder)


def _json(folder: Path, *name: str) -> Any:
    return json.loads(folder.joinpath(*name).read_text(encoding="utf-8"))


def test_a_saved_student_has_what_servers_look_for(small_models: Path, tmp_path: Path) -> None:
    _saved(str(small_models / "base"), tmp_path / "student")
    student = tmp_path / "student"
    assert [module["path"] for module in _json(student, "modules.json")] == ["", "1_Pooling", "2_Normalize"]
    assert _json(student, "config_sentence_transformers.json")["prompts"] == PROMPTS
    assert _json(student, "config.json")["architectures"] == ["BertModel"]
    assert (student / "tokenizer.json").is_file() and load_file(student / "model.safetensors")
    # Why there is an export: in these two, servers look for keys that are not there.
    assert "max_seq_length" not in _json(student, "sentence_bert_config.json")
    assert "pooling_mode_mean_tokens" not in _json(student, "1_Pooling", "config.json")


def test_the_export_has_the_keys_that_servers_read_and_gives_the_same_vectors(
    small_models: Path, tmp_path: Path
) -> None:
    student, folder = _saved(str(small_models / "base"), tmp_path / "student")
    projection = Dense(384, 5, activation_function=torch.nn.Identity())
    student = SentenceTransformer(modules=[student[0], student[1], projection, Normalize()], prompts=PROMPTS)
    shutil.rmtree(folder)
    save_model(student, folder)
    served = tmp_path / "served"
    write_for_servers(folder, served)

    names = [module["type"] for module in _json(served, "modules.json")]
    assert names == [
        f"sentence_transformers.models.{name}" for name in ("Transformer", "Pooling", "Dense", "Normalize")
    ]
    pooling = _json(served, "1_Pooling", "config.json")
    assert pooling["pooling_mode_mean_tokens"] is True and pooling["pooling_mode_cls_token"] is False
    assert pooling["pooling_mode_lasttoken"] is False
    lengths = _json(served, "sentence_bert_config.json")
    assert (lengths["max_seq_length"], lengths["do_lower_case"]) == (12, False)
    assert _json(served, "config_sentence_transformers.json")["prompts"] == PROMPTS
    dense = _json(served, "2_Dense", "config.json")
    assert (dense["in_features"], dense["out_features"], dense["bias"]) == (384, 5, True)
    assert dense["activation_function"] == "torch.nn.modules.linear.Identity"
    assert set(load_file(served / "2_Dense" / "model.safetensors")) == {"linear.weight", "linear.bias"}

    again = SentenceTransformer(str(served), device="cpu")
    long = [*TEXTS, " ".join(TEXTS * 5)]  # one that is cut
    for ours, theirs in ((student.encode_query, again.encode_query), (student.encode_document, again.encode_document)):
        np.testing.assert_allclose(theirs(long), ours(long), atol=1e-6)


def test_what_a_server_would_take_for_something_else_is_refused(small_models: Path, tmp_path: Path) -> None:
    base = str(small_models / "base")
    _, towers = _saved(base, tmp_path / "towers", towers="separate")
    with pytest.raises(DistillirError, match="a server holds one"):
        write_for_servers(towers, tmp_path / "served")
    student, folder = _saved(base, tmp_path / "student")
    student[1].include_prompt = False
    save_model(student, folder)
    with pytest.raises(DistillirError, match="without the prompt's tokens"):
        write_for_servers(folder, tmp_path / "served")
    student[1].include_prompt, student[1].pooling_mode = True, "max"
    save_model(student, folder)
    with pytest.raises(DistillirError, match="pools by max"):
        write_for_servers(folder, tmp_path / "served")
    for layer in (Dense(384, 5, activation_function=torch.nn.ReLU()), Dense(384, 5, use_residual=True)):
        save_model(SentenceTransformer(modules=[student[0], Pooling(384), layer]), folder)
        with pytest.raises(DistillirError, match="is made of Transformer, Pooling, Dense"):
            write_for_servers(folder, tmp_path / "served")
    CrossEncoder(str(small_models / "cross-encoder"), device="cpu").save_pretrained(str(tmp_path / "reranker"))
    with pytest.raises(DistillirError, match="is a cross-encoder model"):
        write_for_servers(str(tmp_path / "reranker"), tmp_path / "served")
    assert not (tmp_path / "served").exists()
