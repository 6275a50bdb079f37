import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from distillir.base.errors import DistillirError
from distillir.encoding.batches import budget_groups
from distillir.encoding.fingerprint import model_fingerprint
from distillir.encoding.model_files import resolve_model
from distillir.encoding.models import load_sentence_transformer
from distillir.encoding.precision import autocast, best_precision, resolve_precision


def test_a_folder_comes_first_then_the_alias_then_the_hub(
    whole_minilm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert resolve_model(whole_minilm) == whole_minilm
    assert resolve_model("all-MiniLM-L6-v2") == whole_minilm
    assert resolve_model("some-maker/some-model") == "some-maker/some-model"
    monkeypatch.chdir(tmp_path)
    Path("all-MiniLM-L6-v2").mkdir()
    Path("all-MiniLM-L6-v2/config.json").write_text("{}")
    Path("all-MiniLM-L6-v2/vocab.txt").touch()
    assert resolve_model("all-MiniLM-L6-v2") == "all-MiniLM-L6-v2"


def test_what_is_no_model_is_one_line_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DistillirError, match="a folder without a model"):
        resolve_model(tmp_path)
    for name in (str(tmp_path / "nothing"), "./nothing", "a/b/c", "", "~/nothing-there", "C:\\models\\minilm"):
        with pytest.raises(DistillirError, match="no model folder"):
            resolve_model(name)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "vocab.txt").touch()
    with pytest.raises(DistillirError, match="cannot be loaded") as caught:
        load_sentence_transformer(tmp_path)
    assert "\n" not in str(caught.value)


def test_more_tokens_than_positions_are_refused(whole_minilm: str) -> None:
    with pytest.raises(DistillirError, match="max_length 9000 is more than the model's 512 positions"):
        load_sentence_transformer(whole_minilm, max_length=9000)
    assert load_sentence_transformer(whole_minilm, max_length=40).max_seq_length == 40


def test_fingerprint_is_of_the_content(whole_minilm: str, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(whole_minilm, copy)
    original = model_fingerprint(whole_minilm)
    assert model_fingerprint(copy) == original == model_fingerprint("all-MiniLM-L6-v2")
    (copy / "README.md").write_text("another description")
    assert model_fingerprint(copy) == original
    config = copy / "sentence_bert_config.json"
    config.write_text(config.read_text().replace("256", "128"))
    assert model_fingerprint(copy) != original
    weights = (copy / "model.safetensors").read_bytes()
    changed = model_fingerprint(copy)
    (copy / "model.safetensors").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    assert model_fingerprint(copy) not in (original, changed)


def test_precision_of_this_machine() -> None:
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    assert best_precision("cpu") == ("bf16" if "avx512_bf16" in flags or "amx_bf16" in flags else "float32")
    assert resolve_precision("auto", "cpu") == best_precision("cpu")
    with pytest.raises(DistillirError, match="unknown precision 'fp8'"):
        resolve_precision("fp8")
    layer = torch.nn.Linear(4, 4)
    for name, dtype in (("float32", torch.float32), ("bf16", torch.bfloat16)):
        with autocast(name):  # type: ignore[arg-type]
            assert layer(torch.ones(1, 4)).dtype == dtype


def test_budget_groups_hold_every_place_once_the_longest_first() -> None:
    lengths = np.random.default_rng(0).integers(1, 300, size=500)
    groups = list(budget_groups(lengths, 1000))
    assert sorted(np.concatenate(groups).tolist()) == list(range(500))
    assert all(len(group) * lengths[group].max() <= 1000 for group in groups)
    assert lengths[groups[0]].max() == lengths.max()
    assert [group.tolist() for group in budget_groups(np.array([5000, 3]), 1000)] == [[0], [1]]
    assert list(budget_groups(np.array([], dtype=np.int64), 10)) == []
