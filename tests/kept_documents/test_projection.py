"""The projection of a query encoder: least squares, and when there is none."""

from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from distillir.base.errors import DistillirError
from distillir.encoding.models import load_sentence_transformer
from distillir.students.kept_documents.index import KeptIndex
from distillir.students.kept_documents.projection import choose, fit, has_unit_length, projected
from distillir.students.kept_documents.query_encoder import as_query_encoder, check_width
from distillir.students.kept_documents.student import KeptDocumentsStudent
from distillir.students.kept_documents.vectors import DocumentVectors


def _drawn(rows: int, width: int) -> np.ndarray:
    return np.random.default_rng(rows).standard_normal((rows, width)).astype(np.float32)


def test_a_linear_map_is_found_again() -> None:
    start, weight, bias = _drawn(200, 5), _drawn(3, 5), _drawn(1, 3)[0]
    found = fit(start, start @ weight.T + bias)
    np.testing.assert_allclose(found.weight, weight, atol=1e-3)
    np.testing.assert_allclose(found.bias, bias, atol=1e-3)
    assert found.cosine > 0.9999


def test_of_fewer_texts_than_numbers_the_ridge_is_chosen_on_texts_held_out() -> None:
    start, weight = _drawn(40, 64), _drawn(8, 64)
    wanted = start @ weight.T + 3 * np.random.default_rng(1).standard_normal((40, 8)).astype(np.float32)
    found = fit(start, wanted)
    assert np.isfinite(found.weight).all() and -1 <= found.cosine <= 1
    one = fit(start[:1], wanted[:1])  # of one text the bias is all there is
    np.testing.assert_allclose(one.bias + one.weight @ start[0], wanted[0], atol=1e-5)


def test_a_projected_encoder_gives_what_was_fitted(narrow_model: str) -> None:
    model = SentenceTransformer(narrow_model, device="cpu")
    texts = [f"bees see light {number} volcano" for number in range(12)]
    start = model.encode_query(texts, convert_to_numpy=True)
    wanted = start @ _drawn(7, 16).T
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    assert has_unit_length(wanted) and not has_unit_length(start)
    made = choose(model, texts, wanted, "least-squares", "an index")
    given = made.encode_query(texts)
    assert given.shape == (12, 7) and has_unit_length(given)
    assert float((given * wanted).sum(axis=1).mean()) > 0.9
    np.testing.assert_array_equal(model.encode_query(texts), start)  # the model itself stays
    # Of the same width, and as near without: none.
    assert choose(model, texts, start, "auto", "an index") is model
    drawn = [projected(model, 7, unit=True, found=None).encode_query(texts) for _ in range(2)]
    np.testing.assert_array_equal(*drawn)


def test_random_weights_follow_the_seed(narrow_model: str) -> None:
    model = SentenceTransformer(narrow_model, device="cpu")
    texts = ["bees see light"]
    first, again, other = (
        choose(model, texts, _drawn(1, 7), "random", "an index", seed).encode_query(texts) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    plain = projected(model, 7, unit=False, found=None).encode_query(texts)  # of seed 0, as ever
    np.testing.assert_array_equal(choose(model, texts, _drawn(1, 7), "random", "an index").encode_query(texts), plain)


def test_widths_that_differ_are_refused() -> None:
    check_width(16, 16, "an index")
    with pytest.raises(DistillirError, match="have 16 numbers, and those of an index 384"):
        check_width(16, 384, "an index")


class _Index(KeptIndex):
    name, similarity, fingerprint, width = "index", "cosine", "none", 7

    def vectors(self, table: object) -> DocumentVectors:
        """Nothing is asked for."""
        raise NotImplementedError


def test_layers_of_a_query_are_projected_as_the_last_one(narrow_model: str) -> None:
    index = _Index()
    start = as_query_encoder(load_sentence_transformer(narrow_model, device="cpu"), narrow_model, index)
    model = projected(start, 7, unit=True, found=None)
    student = KeptDocumentsStudent(model, index)
    features = model.preprocess(["bees see light", "a volcano"], task="query")
    cut = [(0, 2, int(features["input_ids"].shape[1]))]
    kept = torch.from_numpy(_drawn(5, 7))
    with torch.no_grad():
        asked: dict[str, Any] = {"layers": [0, 1], "pooling": "mean"}
        queries, states = student.embed_layers(model, features, cut, task="query", **asked)
        documents, same = student.embed_layers(model, {"vectors": kept}, [], task="document", **asked)
        by_layer = student.layer_scores(states, same)
        last = student.scores(queries, documents)
    assert by_layer.shape == (2, 2, 5)
    torch.testing.assert_close(0.05 * by_layer[1], last, atol=1e-5, rtol=1e-5)  # mean pooling is the model's own
    assert not torch.allclose(by_layer[0], by_layer[1])
