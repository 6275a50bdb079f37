"""A model without a tokenizer is refused wherever models are named; transformers reads every text as unknown words."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer
from transformers import AutoTokenizer, ByT5Tokenizer, T5Config

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.encoding.model_files import resolve_model
from distillir.encoding.models import load_sentence_transformer
from distillir.encoding.text_limits import text_limits
from distillir.encoding.tokenizer_files import check_vocabulary
from distillir.encoding.vectors import encode_texts
from distillir.language_models.local import load_language_model, load_tokenizer
from distillir.retrieval.bm25 import BM25Index
from distillir.retrieval.sources import load_retriever
from distillir.students.load import load_student
from distillir.teachers.cross_encoders.load import PAIRWISE_FILE
from distillir.teachers.load import load_teacher
from distillir.teachers.load_layered import load_joint, load_layered
from distillir.teachers.load_pairwise import load_pairwise
from distillir.teachers.train import train_cross_encoder
from odd_models import one_layer
from tiny_language_models import save_gpt2

SAID = "has no tokenizer, or one that knows no word"
FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json")


def stripped(source: str | Path, folder: Path, *files: str) -> str:
    """A copy without a tokenizer's files (default: all of them), in the folder and below it."""
    shutil.copytree(source, folder)
    for file in [each for each in folder.rglob("*") if each.name in (files or FILES)]:
        file.unlink()
    return str(folder)


@pytest.fixture(scope="module")
def small(whole_minilm: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    return one_layer(whole_minilm, tmp_path_factory.mktemp("small") / "model")


@pytest.fixture(scope="module")
def models(small: str, mlm_path: str, whole_minilm: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A model of each kind, whose tokenizer is gone."""
    from sentence_transformers import CrossEncoder

    root = tmp_path_factory.mktemp("whole")
    load_student(small, kind="multi-vector", device="cpu").save_pretrained(str(root / "late"), create_model_card=False)
    CrossEncoder(small, num_labels=1, device="cpu").save_pretrained(str(root / "cross"))
    shutil.copytree(root / "cross", root / "pairwise")
    (root / "pairwise" / PAIRWISE_FILE).write_text("{}")
    save_gpt2(whole_minilm, root / "gpt2")
    whole = {"dense": small, "sparse": mlm_path, **{path.name: str(path) for path in root.iterdir()}}
    return {kind: stripped(path, root / f"stripped-{kind}") for kind, path in whole.items()}


LOADS: dict[str, Callable[[dict[str, str], Collection], Any]] = {
    "dense student": lambda m, _: load_student(m["dense"]),
    "multi-vector student of a dense model": lambda m, _: load_student(m["dense"], kind="multi-vector"),
    "multi-vector student": lambda m, _: load_student(m["late"], kind="multi-vector"),
    "sparse student": lambda m, _: load_student(m["sparse"], kind="sparse"),
    "dense source": lambda m, c: load_retriever({"dense": m["dense"]}).search(c, np.arange(1), 3),
    "multi-vector source": lambda m, c: load_retriever({"multi-vector": m["late"]}).search(c, np.arange(1), 3),
    "sparse source": lambda m, c: load_retriever({"sparse": m["sparse"]}).search(c, np.arange(1), 3),
    "dense teacher": lambda m, _: load_teacher({"dense": m["dense"]}),
    "multi-vector teacher": lambda m, _: load_teacher({"multi-vector": m["late"]}),
    "sparse teacher": lambda m, _: load_teacher({"sparse": m["sparse"]}),
    "cross-encoder": lambda m, _: load_teacher({"cross-encoder": m["cross"]}),
    "ensemble": lambda m, _: load_teacher({"ensemble": ["bm25", {"cross-encoder": m["cross"]}]}),
    "pairwise teacher": lambda m, _: load_pairwise({"cross-encoder": m["pairwise"]}),
    "layered cross-encoder": lambda m, _: load_layered({"cross-encoder": m["cross"]}),
    "layered dense teacher": lambda m, _: load_layered({"dense": m["dense"]}),
    "teacher trained along": lambda m, _: load_joint({"cross-encoder": m["cross"]}),
    "train-teacher": lambda m, c: train_cross_encoder(
        m["dense"],
        c,
        Path(m["dense"]).with_name("output"),
        negatives_run=BM25Index.build_or_load(c).search(c.qrels("train").query_rows, 20),
    ),
    "language model": lambda m, _: load_language_model(m["gpt2"]),
    "prompt": lambda m, _: load_teacher({"prompt": m["gpt2"]}),
}


@pytest.mark.parametrize("place", LOADS)
def test_no_model_is_loaded_without_its_tokenizer(place: str, models: dict[str, str], tiny: Collection) -> None:
    with pytest.raises(DistillirError, match=SAID) as told:
        LOADS[place](models, tiny)
    assert "\n" not in str(told.value) and str(told.value.where) in models.values()


def test_a_tokenizer_that_came_without_words_is_refused_once_it_is_loaded(
    models: dict[str, str], small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a hub model, whose files are there only then, and of a vocabulary of special tokens alone."""
    alone = Path(stripped(small, tmp_path / "alone"))
    (alone / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n")
    with pytest.raises(DistillirError, match=SAID):
        load_sentence_transformer(alone, device="cpu")
    monkeypatch.setattr("distillir.encoding.model_files.lacks_tokenizer", lambda folder: False)
    for load in (
        lambda: load_student(models["dense"]),
        lambda: load_student(models["sparse"], kind="sparse"),
        lambda: load_student(models["late"], kind="multi-vector"),
        lambda: load_joint({"cross-encoder": models["cross"]}),
        lambda: text_limits(models["dense"], "dense"),
        lambda: load_language_model(models["gpt2"]),
        lambda: load_tokenizer(models["gpt2"]),
    ):
        with pytest.raises(DistillirError, match=SAID):
            load()


@pytest.mark.parametrize("kept", ["tokenizer.json", "vocab.txt"])
def test_one_file_of_words_is_enough(kept: str, whole_minilm: str, tmp_path: Path) -> None:
    folder = stripped(whole_minilm, tmp_path / "model", *(file for file in FILES if file != kept))
    texts = ["how do bees see", "honey keeps for years"]
    found, whole = (encode_texts(name, texts, kind="query", precision="float32") for name in (folder, whole_minilm))
    np.testing.assert_allclose(found, whole, atol=1e-6)


def test_each_tower_needs_its_own(small: str, tmp_path: Path) -> None:
    load_student(small, towers="separate", device="cpu").save_pretrained(str(tmp_path / "two"), create_model_card=False)
    assert resolve_model(tmp_path / "two") == str(tmp_path / "two")
    load_sentence_transformer(tmp_path / "two", device="cpu")
    for file in FILES:
        (tmp_path / "two" / "query_0_Transformer" / file).unlink(missing_ok=True)
    with pytest.raises(DistillirError, match=SAID):
        resolve_model(tmp_path / "two")


def test_a_tokenizer_below_the_folder_is_one(mlm_path: str, whole_minilm: str, tmp_path: Path) -> None:
    static = SentenceTransformer(
        modules=[StaticEmbedding(Tokenizer.from_file(f"{whole_minilm}/tokenizer.json"), embedding_dim=8)], device="cpu"
    )
    static.save_pretrained(str(tmp_path / "static"), create_model_card=False)
    assert load_sentence_transformer(tmp_path / "static", device="cpu").encode(["bees see"]).shape == (1, 8)
    sparse = load_student(mlm_path, kind="sparse", towers="inference-free", device="cpu")
    sparse.save_pretrained(str(tmp_path / "sparse"), create_model_card=False)
    assert load_student(str(tmp_path / "sparse"), kind="sparse", device="cpu").encode_query(["bees see"]).shape[0] == 1
    old = tmp_path / "old"
    shutil.copytree(whole_minilm, old / "0_Transformer")
    (old / "modules.json").write_text(
        '[{"idx": 0, "name": "0", "path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}]'
    )
    assert resolve_model(old) == str(old)
    for file in FILES:
        (old / "0_Transformer" / file).unlink()
    with pytest.raises(DistillirError, match=SAID):
        resolve_model(old)


def test_bytes_need_no_file_of_words(tmp_path: Path) -> None:
    T5Config().save_pretrained(tmp_path)
    ByT5Tokenizer().save_pretrained(tmp_path)
    assert resolve_model(tmp_path) == str(tmp_path)
    check_vocabulary(AutoTokenizer.from_pretrained(tmp_path), "byt5")
