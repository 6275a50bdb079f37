"""Teachers that were saved in 16 bits: precision float32 is float32, and what bf16 gave before has another name."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import CrossEncoder

from distillir.collections import Collection
from distillir.encoding.fingerprint import model_fingerprint
from distillir.encoding.models import load_sentence_transformer
from distillir.retrieval.bm25 import BM25Index
from distillir.teachers.cross_encoders.cross_encoder import CrossEncoderTeacher
from distillir.teachers.load import load_teacher
from distillir.teachers.load_layered import load_joint, load_layered
from distillir.teachers.train import train_cross_encoder
from odd_models import one_layer

ROWS = np.arange(4)


@pytest.fixture(scope="module")
def dense(minilm_path: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    return one_layer(minilm_path, tmp_path_factory.mktemp("dense") / "bfloat16", torch.bfloat16)


@pytest.fixture(scope="module")
def cross(dense: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A cross-encoder in bfloat16; its head is enlarged, so that rounding shows."""
    torch.manual_seed(0)
    model = CrossEncoder(dense, num_labels=1, max_length=64, device="cpu")
    with torch.no_grad():
        model.model.classifier.weight.mul_(50)
    model.to(torch.bfloat16)
    folder = tmp_path_factory.mktemp("cross") / "bfloat16"
    model.save_pretrained(str(folder))
    return str(folder)


def test_a_cross_encoder_scores_in_float32(cross: str, tiny: Collection, tmp_path: Path) -> None:
    pairs = [(tiny.queries.text(0), text) for text in tiny.corpus.texts(ROWS)]

    def reference(dtype: torch.dtype) -> np.ndarray:
        model = CrossEncoder(cross, device="cpu", model_kwargs={"dtype": dtype})
        return np.asarray(model.predict(pairs, activation_fn=torch.nn.Identity()))

    assert np.abs(reference(torch.float32) - reference(torch.bfloat16)).max() > 1e-3
    spec = {"cross-encoder": {"model": cross, "precision": "float32"}}
    found = load_teacher(spec, cache=tmp_path).score(tiny, ROWS[:1], [ROWS])[0]
    np.testing.assert_allclose(found, reference(torch.float32), atol=2e-5)
    layered = load_layered(spec, cache=tmp_path / "layers").layers(tiny, ROWS[:1], [ROWS])[0]
    np.testing.assert_allclose(layered[-1], reference(torch.float32), atol=2e-5)
    assert {p.dtype for p in load_joint(spec).parameters()} == {torch.float32}


def test_a_dense_teacher_scores_in_float32(dense: str, tiny: Collection, tmp_path: Path) -> None:
    model = load_sentence_transformer(dense, device="cpu")
    expected = model.encode_query([tiny.queries.text(0)]) @ model.encode_document(tiny.corpus.texts(ROWS)).T
    spec = {"dense": {"model": dense, "precision": "float32"}}
    np.testing.assert_allclose(
        load_teacher(spec, cache=tmp_path).score(tiny, ROWS[:1], [ROWS])[0], expected[0], atol=1e-5
    )


def test_scores_of_models_saved_in_float32_keep_their_name(
    cross: str, tiny: Collection, minilm_path: str, tmp_path: Path
) -> None:
    import xxhash

    def before(model: str) -> str:
        identity = ["cross-encoder", model_fingerprint(model), None, "float32"]
        return xxhash.xxh3_128_hexdigest(json.dumps(identity).encode())

    whole = tmp_path / "float32"
    CrossEncoder(cross, device="cpu", model_kwargs={"dtype": torch.float32}).save_pretrained(str(whole))
    for model, same in ((str(whole), True), (cross, False)):
        found = CrossEncoderTeacher(model, precision="float32").fingerprint(tiny)
        assert (found == before(model)) == same


def test_a_teacher_is_trained_in_float32_and_with_the_prompt_that_it_will_read(
    cross: str, tiny: Collection, tmp_path: Path
) -> None:
    base = CrossEncoder(cross, prompts={"web": "find: "}, default_prompt_name="web", device="cpu")
    base.save_pretrained(str(tmp_path / "base"))
    run = BM25Index.build_or_load(tiny).search(tiny.qrels("train").query_rows, 20)
    metrics = train_cross_encoder(
        tmp_path / "base", tiny, tmp_path / "made", negatives_run=run, max_pairs=32, batch_size=8, max_length=32
    )
    assert np.isfinite(metrics["loss"])
    before, after = (load_file(tmp_path / name / "model.safetensors") for name in ("base", "made"))
    assert {weights.dtype for weights in after.values()} == {torch.float32}
    changed = [(before[name].float() != after[name]).float().mean().item() for name in before if "layer.0" in name]
    assert np.mean(changed) > 0.9  # in bfloat16 most steps are lost to rounding
    settings = json.loads((tmp_path / "made" / "train_teacher.json").read_text())["settings"]
    assert settings["prompt"] == "find: "
    assert CrossEncoder(str(tmp_path / "made"), device="cpu").default_prompt_name == "web"
