"""Layered teachers: against the model's own hidden states and scores, cached, any width and depth."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder, SentenceTransformer

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.retrieval.bm25 import BM25Index
from distillir.students.load import load_student
from distillir.teachers.load_layered import load_layered
from distillir.teachers.train import train_cross_encoder

LISTS = [np.array([4, 1, 60]), np.array([2]), np.array([0, 9])]
QUERIES = np.array([0, 3, 4])


def _texts(tiny: Collection) -> list[tuple[str, str]]:
    return [
        (tiny.queries.text(int(query)), tiny.corpus.text(int(row)))
        for query, rows in zip(QUERIES, LISTS, strict=True)
        for row in rows
    ]


def test_layers_of_a_dense_model(tiny: Collection, minilm_path: str, tmp_path: Path) -> None:
    teacher = load_layered({"dense": {"model": minilm_path, "precision": "float32"}}, cache=tmp_path)
    found = teacher.layers(tiny, QUERIES, LISTS)
    assert teacher.depth == 6 and [scores.shape for scores in found] == [(6, 3), (6, 1), (6, 2)]
    model = SentenceTransformer(minilm_path, device="cpu")

    def states(text: str) -> list[torch.Tensor]:
        batch = model.preprocess([text])
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
        with torch.no_grad():
            hidden = model[0].auto_model(**inputs, output_hidden_states=True).hidden_states
        return [layer[0, 0] for layer in hidden[1:]]  # the embeddings are no layer

    flat = np.concatenate(found, axis=1).T
    for (query, document), scores in zip(_texts(tiny), flat, strict=True):
        expected = [float(a @ b) for a, b in zip(states(query), states(document), strict=True)]
        np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)
    again = load_layered({"dense": {"model": minilm_path, "precision": "float32"}}, cache=tmp_path)
    np.testing.assert_array_equal(np.concatenate(again.layers(tiny, QUERIES, LISTS), axis=1).T, flat)
    assert again.calls() == {"asked": 0, "cached": 6}
    # A record that a disk spoilt is computed again, whichever layer's it is.
    (file,) = tmp_path.rglob("*.scores")
    data = bytearray(file.read_bytes())
    data[3] ^= 0xFF  # of the first layer
    file.write_bytes(data)
    mended = load_layered({"dense": {"model": minilm_path, "precision": "float32"}}, cache=tmp_path)
    np.testing.assert_allclose(np.concatenate(mended.layers(tiny, QUERIES, LISTS), axis=1).T, flat, rtol=1e-5)
    assert mended.calls()["asked"] == 1


def test_the_mean_of_the_last_layer_is_a_mean_pooling_models_own_score(tiny: Collection, minilm_path: str) -> None:
    teacher = load_layered({"dense": {"model": minilm_path, "precision": "float32"}}, "mean")
    model = SentenceTransformer(minilm_path, device="cpu")
    last = np.concatenate(teacher.layers(tiny, QUERIES, LISTS), axis=1)[-1]
    for (query, document), score in zip(_texts(tiny), last, strict=True):
        one, other = model.encode([query, document], normalize_embeddings=False, output_value="token_embeddings")
        assert score == pytest.approx(float(one.mean(dim=0) @ other.mean(dim=0)), rel=1e-3)


def test_layers_of_a_multi_vector_model(tiny: Collection, minilm_path: str, tmp_path: Path) -> None:
    student = load_student(minilm_path, kind="multi-vector", layers=2, max_length=48, device="cpu").eval()
    student.save_pretrained(str(tmp_path / "late"))
    spec = {"multi-vector": {"model": str(tmp_path / "late"), "precision": "float32"}}
    found = np.concatenate(load_layered(spec).layers(tiny, QUERIES, LISTS), axis=1).T
    assert found.shape == (6, 2)
    # Through the model's own projection and normalisation, the last layer's states give the model's own score.
    for (query, document), scores in zip(_texts(tiny), found, strict=True):
        states, projected = [], []
        for text, task in ((query, "query"), (document, "document")):
            batch = student.preprocess([text], prompt=student.prompts[task], task=task)
            with torch.no_grad():
                inner = (
                    student[0]
                    .auto_model(
                        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], output_hidden_states=True
                    )
                    .hidden_states
                )
                out = student(batch, task=task)
            mask = out["attention_mask"][0].bool()
            states.append([layer[0][mask] for layer in inner[1:]])
            own = torch.nn.functional.normalize(states[-1][-1] @ student[1].linear.weight.T.detach(), dim=1)
            projected.append(own)
        expected = [float((q @ d.T).amax(dim=1).sum()) for q, d in zip(*states, strict=True)]
        np.testing.assert_allclose(scores, expected, rtol=1e-4)
        own_score = student.similarity(student.encode_query([query]), student.encode_document([document]))
        assert float((projected[0] @ projected[1].T).amax(dim=1).sum()) == pytest.approx(float(own_score), abs=1e-4)


def test_layers_of_a_cross_encoder(tiny: Collection, minilm_path: str, tmp_path: Path) -> None:
    run = BM25Index.build_or_load(tiny).search(tiny.qrels("train").query_rows, 20)
    train_cross_encoder(minilm_path, tiny, tmp_path / "cross", negatives_run=run, max_length=96, max_pairs=60)
    spec = {"cross-encoder": {"model": str(tmp_path / "cross"), "precision": "float32"}}
    found = np.concatenate(load_layered(spec).layers(tiny, QUERIES, LISTS), axis=1)
    own = CrossEncoder(str(tmp_path / "cross"), device="cpu").predict(_texts(tiny), activation_fn=torch.nn.Identity())
    assert found.shape == (6, 6)
    np.testing.assert_allclose(found[-1], np.asarray(own).ravel(), atol=1e-4)
    assert not np.allclose(found[0], found[-1], atol=1e-2)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"bm25": {}}, "'bm25' has no layers"),
        ("dense", "'dense' has no layers; write {dense: model}"),
        ({"dense": {"model": "x", "pooling": "cls"}}, "unknown key 'pooling'"),
        ({"dense": {"max_length": 8}}, "no model is named"),
        ({"dense": "/no/where"}, "is no model folder"),
    ],
)
def test_bad_forms(spec: object, said: str) -> None:
    with pytest.raises(DistillirError, match=said):
        load_layered(spec)  # type: ignore[arg-type]
