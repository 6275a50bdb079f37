"""Static embeddings: read whole, encoded as sentence-transformers does, tokenised once, no student."""

from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer

from distillir.base.errors import DistillirError
from distillir.collections.collection import Collection
from distillir.encoding.models import load_sentence_transformer
from distillir.encoding.reading import most_tokens, reads_whole
from distillir.encoding.vectors import encode_table, encode_texts
from distillir.students.load import load_student


@pytest.fixture(scope="module")
def static(whole_minilm: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models") / "static"
    words = Tokenizer.from_file(f"{whole_minilm}/tokenizer.json")
    words.no_truncation()
    words.no_padding()
    weights = np.random.default_rng(0).normal(size=(words.get_vocab_size(), 12)).astype(np.float32)
    model = SentenceTransformer(modules=[StaticEmbedding(words, embedding_weights=weights)], device="cpu")
    model.save_pretrained(str(folder), create_model_card=False)
    return str(folder)


def test_vectors_are_those_of_sentence_transformers(static: str, tiny: Collection, tmp_path: Path) -> None:
    found = encode_table(static, tiny.corpus, kind="document", cache=tmp_path)
    texts = tiny.corpus.texts(range(len(tiny.corpus)))
    expected = SentenceTransformer(static, device="cpu").encode_document(texts)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_whole_texts_are_read(static: str) -> None:
    model = load_sentence_transformer(static, device="cpu")
    assert most_tokens(model) is None
    assert reads_whole(model, "bees " * 3000)
    one, other = encode_texts(model, ["bees " * 3000, "bees " * 3000 + "honey " * 3000], kind="document")
    assert np.abs(one - other).max() > 0.1


def test_texts_are_tokenised_once(static: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_sentence_transformer(static, device="cpu")
    seen: list[int] = []
    own = type(model).preprocess

    def counting(self: SentenceTransformer, inputs: list[str], **rest: object) -> dict[str, object]:
        seen.append(len(inputs))
        return own(self, inputs, **rest)  # type: ignore[no-any-return]

    monkeypatch.setattr(type(model), "preprocess", counting)
    encode_texts(model, [f"bee {number}" for number in range(1000)], kind="document")
    assert sum(seen) == 1001  # and one text to see what the model makes of texts


def test_a_length_is_refused(static: str) -> None:
    for call in (
        lambda: load_sentence_transformer(static, max_length=16, device="cpu"),
        lambda: encode_texts(load_sentence_transformer(static, device="cpu"), ["a"], kind="query", max_length=16),
    ):
        with pytest.raises(DistillirError, match="always reads whole texts; leave max_length out"):
            call()


def test_no_student(static: str) -> None:
    with pytest.raises(DistillirError, match="static: is a table of static embeddings, and a student must be"):
        load_student(static, device="cpu")
