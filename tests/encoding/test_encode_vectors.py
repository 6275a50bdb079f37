import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from command_line import Apart, kill_once
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.encoding import vectors
from distillir.encoding.store import VectorStore
from distillir.encoding.vectors import encode_rows, encode_table, encode_texts, prompt_for


def test_the_table_as_encode_document_gives_it(
    tiny: Collection, minilm_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = SentenceTransformer(minilm_path, device="cpu")
    expected = model.encode_document(tiny.corpus.texts())
    found = encode_table(
        minilm_path, tiny.corpus, kind="document", precision="float32", batch_tokens=256, cache=tmp_path
    )
    assert isinstance(found, np.memmap) and found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-6)
    # Some rows, in any order, with repeats, come from the same store; the model is not loaded.
    monkeypatch.setattr(vectors, "load_sentence_transformer", lambda *_, **__: pytest.fail("the model was loaded"))
    rows = np.array([5, 2, 5, 0])
    some = encode_rows(minilm_path, tiny.corpus, rows, kind="document", precision="float32", cache=tmp_path)
    assert np.array_equal(some, found[rows])


def test_rows_first_then_the_table_fills_the_rest(
    tiny: Collection, minilm_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    real = vectors.encode_texts

    def counting(model: Any, texts: list[str], **options: Any) -> Any:
        encoded.append(len(texts))
        return real(model, texts, **options)

    monkeypatch.setattr(vectors, "encode_texts", counting)
    monkeypatch.setattr(vectors, "ROWS_PER_BLOCK", 10)
    some = encode_rows(minilm_path, tiny.queries, [1, 4, 2], kind="query", precision="float32", cache=tmp_path)
    everything = encode_table(minilm_path, tiny.queries, kind="query", precision="float32", cache=tmp_path)
    assert encoded[0] == 3 and sum(encoded) == len(tiny.queries) and max(encoded[1:]) <= 10
    assert np.array_equal(everything[[1, 4, 2]], some)
    assert np.linalg.norm(everything, axis=1).min() > 0.9


def test_kind_length_and_precision_are_kept_apart(tiny: Collection, minilm_path: str, tmp_path: Path) -> None:
    rows = np.arange(4)
    options: list[dict[str, Any]] = [{}, {"max_length": 8}, {"precision": "bf16"}]
    for option in options:
        chosen = {"precision": "float32", **option}
        encode_rows(minilm_path, tiny.corpus, rows, kind="document", cache=tmp_path, **chosen)
    encode_rows(minilm_path, tiny.corpus, rows, kind="query", cache=tmp_path, precision="float32")
    assert len(list(tmp_path.iterdir())) == 4


def test_prompts_as_encode_query_and_encode_document_choose_them(minilm_path: str) -> None:
    texts = ["how do bees dance", "a bee dances to tell where flowers are"]
    prompts = {"query": "search: ", "passage": "text: "}
    model = SentenceTransformer(minilm_path, device="cpu", prompts=prompts)
    queries = encode_texts(model, texts, kind="query", precision="float32")
    documents = encode_texts(model, texts, kind="document", precision="float32")
    np.testing.assert_allclose(queries, model.encode_query(texts), atol=2e-6)
    np.testing.assert_allclose(documents, model.encode_document(texts), atol=2e-6)
    plain = SentenceTransformer(minilm_path, device="cpu").encode(texts)
    assert np.abs(queries - plain).max() > 1e-2
    model.prompts, model.default_prompt_name = {"other": "note: "}, "other"
    assert (prompt_for(model, "query"), prompt_for(model, "document")) == ("note: ", "note: ")


def test_truncated_dimension_and_length_are_the_models(minilm_path: str) -> None:
    texts = ["one two three four five six seven eight nine ten eleven twelve", "short"]
    model = SentenceTransformer(minilm_path, device="cpu", truncate_dim=32)
    found = encode_texts(model, texts, kind="document", max_length=6, precision="float32")
    assert model.max_seq_length != 6
    model.max_seq_length = 6
    np.testing.assert_allclose(found, model.encode(texts), atol=2e-6)
    assert found.shape == (2, 32)


def test_bf16_is_near(tiny: Collection, minilm_path: str) -> None:
    model = SentenceTransformer(minilm_path, device="cpu")
    texts = tiny.corpus.texts(range(8))
    exact, near = (encode_texts(model, texts, kind="document", precision=p) for p in ("float32", "bf16"))
    assert near.dtype == np.float32
    assert 0 < np.abs(exact - near).max() < 0.02
    assert (exact * near).sum(axis=1).min() > 0.999


def test_a_loaded_model_is_known_by_its_weights(tiny: Collection, minilm_path: str, tmp_path: Path) -> None:
    model = SentenceTransformer(minilm_path, device="cpu")
    rows = np.arange(3)
    before = encode_rows(model, tiny.corpus, rows, kind="document", precision="float32", cache=tmp_path)
    with torch.no_grad():
        model[0].auto_model.embeddings.word_embeddings.weight.mul_(1.5)
    after = encode_rows(model, tiny.corpus, rows, kind="document", precision="float32", cache=tmp_path)
    assert np.abs(before - after).max() > 1e-3


def test_a_vector_that_is_no_number_names_the_text(tiny: Collection, minilm_path: str, tmp_path: Path) -> None:
    model = SentenceTransformer(minilm_path, device="cpu")
    with torch.no_grad():
        model[0].auto_model.embeddings.LayerNorm.bias.fill_(float("nan"))
    with pytest.raises(DistillirError) as caught:
        encode_rows(model, tiny.corpus, [3], kind="document", cache=tmp_path)
    assert repr(tiny.corpus.id(3)) in str(caught.value)


def test_store_marks_rows_after_their_vectors(tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "s", 10, 3)
    rows, values = np.array([7, 1, 2, 9]), np.arange(12, dtype=np.float32).reshape(4, 3)
    store.write(rows, values)
    again = VectorStore(tmp_path / "s", 10)
    assert np.array_equal(again.array[rows], values)
    assert again.missing(np.arange(10)).tolist() == [0, 3, 4, 5, 6, 8]
    with pytest.raises(DistillirError, match="another shape"):
        VectorStore(tmp_path / "s", 11, 3)
    assert VectorStore(tmp_path / "empty", 0, 3).array.shape == (0, 3)


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = VectorStore(tmp_path / "s", 10, 3)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(DistillirError, match="No space left on device"):
        store.write(np.array([1]), np.ones((1, 3), dtype=np.float32))
    monkeypatch.undo()
    assert store.missing(np.array([1])).tolist() == [1]


ENCODER = """
import sys
from pathlib import Path
from distillir.collections import Collection
from distillir.encoding import vectors
vectors.ROWS_PER_BLOCK = 4
collection = Collection(Path(sys.argv[2]))
vectors.encode_table(sys.argv[1], collection.corpus, kind="document", precision="float32", cache=Path(sys.argv[3]))
"""


def done(folder: Path) -> int:
    return sum(int(np.fromfile(file, dtype=np.uint8).sum()) for file in folder.rglob("done.u1"))


def test_a_kill_loses_at_most_a_block_and_a_rerun_goes_on(tiny: Collection, minilm_path: str, tmp_path: Path) -> None:
    process = Apart(minilm_path, tiny.path, tmp_path, program=ENCODER)
    kill_once(process, lambda: done(tmp_path) >= 8)
    kept = done(tmp_path)
    assert 8 <= kept < len(tiny.corpus) and kept % 4 == 0
    found = encode_table(minilm_path, tiny.corpus, kind="document", precision="float32", cache=tmp_path)
    assert done(tmp_path) == len(tiny.corpus)
    expected = SentenceTransformer(minilm_path, device="cpu").encode_document(tiny.corpus.texts())
    np.testing.assert_allclose(found, expected, atol=2e-6)
