"""The one place that loads models: float32 weights, whose code runs, positions, adapters."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from transformers import AutoModelForMaskedLM, MPNetConfig, MPNetModel, XLMRobertaConfig, XLMRobertaModel

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.encoding.fingerprint import model_fingerprint
from distillir.encoding.identity import model_identity
from distillir.encoding.model_files import resolve_model
from distillir.encoding.model_options import ModelOptions
from distillir.encoding.models import load_sentence_transformer, load_sparse
from distillir.encoding.positions import usable_positions
from distillir.encoding.saved_dtype import saved_dtype
from distillir.encoding.vectors import encode_texts
from distillir.retrieval.sources import load_retriever
from distillir.students.load import load_student
from distillir.teachers.cross_encoders.load import load_cross_encoder
from distillir.teachers.load import load_teacher
from odd_models import one_layer, roberta, with_own_code

TRUSTED = ModelOptions(trust_remote_code=True)
LONG = "bees see ultraviolet light " * 40


@pytest.fixture(scope="module")
def small(whole_minilm: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    return one_layer(whole_minilm, tmp_path_factory.mktemp("small") / "float32")


@pytest.fixture(scope="module")
def half(whole_minilm: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    return one_layer(whole_minilm, tmp_path_factory.mktemp("half") / "bfloat16", torch.bfloat16)


def test_weights_are_float32_whatever_a_folder_says(half: str, mlm_path: str, tmp_path: Path) -> None:
    stored = load_file(f"{half}/model.safetensors")
    model = load_sentence_transformer(half, device="cpu")
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    for name, weights in model[0].auto_model.state_dict().items():
        assert stored[name].dtype == torch.bfloat16 and torch.equal(weights, stored[name].float())
    mlm = shutil.copytree(mlm_path, tmp_path / "mlm16")
    AutoModelForMaskedLM.from_pretrained(mlm_path, dtype=torch.float16).save_pretrained(mlm)
    for made in (load_student(half, kind="multi-vector", device="cpu"), load_sparse(mlm, device="cpu")):
        assert {p.dtype for p in made.parameters()} == {torch.float32}
        made.save_pretrained(str(tmp_path / "saved"), create_model_card=False)
        assert json.loads((tmp_path / "saved" / "config.json").read_text())["dtype"] == "float32"
        assert {v.dtype for v in load_file(tmp_path / "saved" / "model.safetensors").values()} == {torch.float32}


def test_settings_of_sentence_transformers_do_not_bring_16_bits_back(small: str, tmp_path: Path) -> None:
    folder = shutil.copytree(small, tmp_path / "args")
    settings = json.loads((folder / "sentence_bert_config.json").read_text())
    settings["model_args"] = {"torch_dtype": "bfloat16"}
    (folder / "sentence_bert_config.json").write_text(json.dumps(settings))
    assert saved_dtype(folder) == "bfloat16" and saved_dtype(small) == "float32"
    assert torch.equal(
        load_sentence_transformer(folder, device="cpu")[0].auto_model.embeddings.word_embeddings.weight,
        load_sentence_transformer(small, device="cpu")[0].auto_model.embeddings.word_embeddings.weight,
    )


def test_the_weights_say_what_a_silent_configuration_does_not(half: str, tmp_path: Path) -> None:
    folder = shutil.copytree(half, tmp_path / "silent")
    config = json.loads((folder / "config.json").read_text())
    del config["dtype"]
    (folder / "config.json").write_text(json.dumps(config))
    assert saved_dtype(folder) == "bfloat16"


def test_precision_float32_is_float32(half: str) -> None:
    texts = ["how do bees see", LONG]
    model = SentenceTransformer(half, device="cpu", model_kwargs={"dtype": torch.float32})
    found = encode_texts(half, texts, kind="query", precision="float32")
    np.testing.assert_allclose(found, model.encode_query(texts), atol=1e-6)
    in_half = SentenceTransformer(half, device="cpu", model_kwargs={"dtype": torch.bfloat16})
    assert np.abs(found - in_half.encode_query(texts, convert_to_numpy=False)[0].float().numpy()).max() > 1e-4


def test_what_was_computed_in_16_bits_has_another_name_and_nothing_else_has(half: str, small: str) -> None:
    assert model_identity(small) == model_fingerprint(small) == model_identity(small, TRUSTED)
    assert model_identity(half) != model_fingerprint(half)


def test_code_of_a_models_own_runs_only_if_it_may(
    small: str, mlm_path: str, tiny: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "RAN"
    monkeypatch.setenv("RAN", str(mark))
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 50))  # who answers yes was not asked
    dense = with_own_code(small, tmp_path / "dense")
    mlm = with_own_code(mlm_path, tmp_path / "mlm", "AutoModelForMaskedLM")
    for load in (
        lambda: load_student(dense),
        lambda: load_student(dense, kind="multi-vector"),
        lambda: load_student(mlm, kind="sparse"),
        lambda: load_retriever({"sparse": mlm}).search(tiny, np.arange(1), 3),
        lambda: load_teacher({"dense": dense}).score(tiny, np.arange(1), [np.arange(3)]),
    ):
        with pytest.raises(DistillirError, match="trust_remote_code: true") as told:
            load()
        assert "\n" not in str(told.value)
    assert not mark.exists()
    model = load_student(dense, options=TRUSTED, device="cpu")
    assert mark.exists() and "transformers_modules" in type(model[0].auto_model).__module__
    assert model_identity(dense, TRUSTED) != model_identity(dense)


@pytest.mark.parametrize("kind", ["dense", "multi-vector", "sparse"])
def test_a_student_with_code_of_its_own_takes_it_along(small: str, mlm_path: str, tmp_path: Path, kind: str) -> None:
    sparse = kind == "sparse"
    source = with_own_code(
        mlm_path if sparse else small, tmp_path / "own", "AutoModelForMaskedLM" if sparse else "AutoModel"
    )
    model = load_student(source, kind=kind, options=TRUSTED, device="cpu")
    model.save_pretrained(str(tmp_path / "saved"), create_model_card=False)
    shutil.rmtree(source)
    with pytest.raises(DistillirError, match="code of its own"):
        load_student(str(tmp_path / "saved"), kind=kind)
    again = load_student(str(tmp_path / "saved"), kind=kind, options=TRUSTED, device="cpu")
    one, other = (m.encode_document(["bees see"])[0] for m in (model, again))
    assert torch.equal(*(torch.as_tensor(v).to_dense() if sparse else torch.as_tensor(v) for v in (one, other)))


def test_towers_are_not_made_of_a_model_with_code_of_its_own(small: str, tmp_path: Path) -> None:
    with pytest.raises(DistillirError, match=r"student\.towers"):
        load_student(with_own_code(small, tmp_path / "own"), towers="separate", options=TRUSTED)


def test_positions_that_padding_takes_are_for_no_token(whole_minilm: str, tmp_path: Path) -> None:
    sizes = {"vocab_size": 50, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    sizes |= {"intermediate_size": 8, "max_position_embeddings": 514}
    assert usable_positions(XLMRobertaModel(XLMRobertaConfig(**sizes, pad_token_id=1))) == 512
    assert usable_positions(MPNetModel(MPNetConfig(**sizes, pad_token_id=1))) == 512
    bert = load_sentence_transformer(whole_minilm, device="cpu")
    assert usable_positions(bert[0].auto_model) == 512
    name = roberta(whole_minilm, tmp_path / "roberta")
    model = load_sentence_transformer(name, device="cpu")
    assert model.max_seq_length == 19 and np.isfinite(encode_texts(model, [LONG], kind="document")).all()
    with pytest.raises(DistillirError, match="max_length 20 is more than the model's 19 positions; choose at most 19"):
        load_sentence_transformer(name, max_length=20)
    late = load_student(name, kind="multi-vector", device="cpu")
    assert len(late.encode_document([LONG])[0]) <= 19
    late.save_pretrained(str(tmp_path / "late"), create_model_card=False)
    assert load_student(str(tmp_path / "late"), kind="multi-vector", device="cpu").max_seq_length == 19


def test_a_roberta_cross_encoder_reads_what_it_has_positions_for(whole_minilm: str, tmp_path: Path) -> None:
    name = roberta(whole_minilm, tmp_path / "cross", labels=1)
    model = load_cross_encoder(name, device="cpu")
    assert model.max_seq_length == 19
    assert np.isfinite(model.predict([(LONG, LONG)])).all()
    with pytest.raises(DistillirError, match="19 positions"):
        load_cross_encoder(name, max_length=20)


def test_an_adapter_is_never_passed_over(small: str, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    beside = shutil.copytree(small, tmp_path / "beside")
    below = tmp_path / "below"
    (below / "0_Transformer").mkdir(parents=True)
    shutil.copy(f"{small}/modules.json", below)
    for folder in (alone, beside, below / "0_Transformer"):
        (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    for folder in (alone, beside, below):
        with pytest.raises(DistillirError, match="holds an adapter") as told:
            resolve_model(folder)
        assert "merge_and_unload" in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize("damage", ["empty", "cut", "no header", "a list as header"])
def test_weights_that_are_cut_are_told_in_one_line(damage: str, small: str, tmp_path: Path) -> None:
    folder = shutil.copytree(small, tmp_path / "cut")
    (weights,) = folder.glob("*.safetensors")
    whole = weights.read_bytes()
    header = b"[1]     "
    made = {
        "empty": b"",
        "cut": whole[: len(whole) // 2],
        "no header": b"\xff" * 64,
        "a list as header": len(header).to_bytes(8, "little") + header,
    }
    weights.write_bytes(made[damage])
    config = json.loads((folder / "config.json").read_text())
    config.pop("dtype", None)  # then the weights are asked
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(DistillirError, match=rf"^{folder}: the model cannot be loaded .*cut or damaged"):
        load_sentence_transformer(folder, device="cpu")
