"""Prompts: what is trained on, kept in caches and used later are the same texts."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder, SentenceTransformer

from distillir.base.errors import DistillirError
from distillir.batches.tokens import tokenise
from distillir.collections import Collection
from distillir.encoding.identity import model_identity
from distillir.encoding.model_options import ModelOptions, check_prompts
from distillir.encoding.models import load_sentence_transformer
from distillir.encoding.prompt_families import expected_prompts
from distillir.encoding.vectors import encode_rows
from distillir.pipeline.named_models import check_named_models
from distillir.recipe import Recipe
from distillir.retrieval.sources import load_retriever
from distillir.signals.layers.teacher_inputs import PairInputs
from distillir.students.load import load_student
from distillir.students.multi_vector.pylate import write_pylate
from distillir.teachers.load import load_teacher
from distillir.teachers.load_layered import load_joint, load_layered
from odd_models import one_layer

E5 = {"query": "query: ", "document": "passage: "}
ROWS = np.arange(3)


@pytest.fixture(scope="module")
def small(whole_minilm: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    return one_layer(whole_minilm, tmp_path_factory.mktemp("small") / "e5-small-v2")


@pytest.fixture(scope="module")
def reranker(small: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A cross-encoder with a default prompt of its own; its head is enlarged, so that scores lie apart."""
    torch.manual_seed(0)
    model = CrossEncoder(small, num_labels=1, max_length=128, device="cpu")
    with torch.no_grad():
        model.model.classifier.weight.mul_(20)
    model.prompts, model.default_prompt_name = {"web": "find the answer to: "}, "web"
    folder = tmp_path_factory.mktemp("reranker") / "reranker"
    model.save_pretrained(str(folder))
    return str(folder)


def test_a_students_prompts_are_those_it_trains_with_and_those_it_is_saved_with(
    small: str, tiny: Collection, tmp_path: Path
) -> None:
    student = load_student(small, max_length=16, options=ModelOptions.of(E5), device="cpu")
    stores = {
        side: tokenise(tmp_path / side, student, table, ROWS, kind=side)  # type: ignore[arg-type]
        for side, table in (("query", tiny.queries), ("document", tiny.corpus))
    }
    student.save_pretrained(str(tmp_path / "saved"), create_model_card=False)
    used = SentenceTransformer(str(tmp_path / "saved"), device="cpu")
    plain = SentenceTransformer(small, device="cpu")
    for side, encode, table in (
        ("query", used.encode_query, tiny.queries),
        ("document", used.encode_document, tiny.corpus),
    ):
        texts = table.texts(ROWS)
        read = used.tokenizer([E5[side] + text for text in texts], truncation=True, max_length=16)["input_ids"]
        store = stores[side]
        assert [store.batch(ROWS[i : i + 1])["input_ids"][0].tolist() for i in range(3)] == read  # the prompt counts
        plain.max_seq_length = 16
        np.testing.assert_allclose(encode(texts), plain.encode([E5[side] + text for text in texts]), atol=1e-6)


def test_a_multi_vector_student_has_its_prompts_behind_its_markers(small: str, tmp_path: Path) -> None:
    student = load_student(small, kind="multi-vector", options=ModelOptions.of(E5), device="cpu")
    assert student.prompts == {"query": "[unused0] query: ", "document": "[unused1] passage: "}
    student.save_pretrained(str(tmp_path / "late"), create_model_card=False)
    again = load_student(str(tmp_path / "late"), kind="multi-vector", device="cpu")
    assert again.prompts["query"] == "[unused0] query: "
    with pytest.raises(DistillirError, match="holds one marker"):
        write_pylate(str(tmp_path / "late"), tmp_path / "pylate")


def test_teachers_and_sources_read_the_prompts(small: str, tiny: Collection, tmp_path: Path) -> None:
    model = SentenceTransformer(small, device="cpu")
    asked = model.encode(["query: " + tiny.queries.text(0)])
    read = model.encode(["passage: " + text for text in tiny.corpus.texts(ROWS)])
    expected = (asked @ read.T)[0]
    options: dict[str, Any] = {"model": small, "precision": "float32", "prompts": E5}
    teacher = load_teacher({"dense": options}, cache=tmp_path)
    np.testing.assert_allclose(teacher.score(tiny, ROWS[:1], [ROWS])[0], expected, atol=1e-5)
    found = load_retriever({"dense": options}).search(tiny, ROWS[:1], len(tiny.corpus))
    by_row = dict(zip(found.of(0)[0].tolist(), found.of(0)[1].tolist(), strict=True))
    np.testing.assert_allclose([by_row[row] for row in ROWS.tolist()], expected, atol=1e-5)
    layered = load_layered({"dense": options}, "mean", cache=tmp_path)
    (scores,) = layered.layers(tiny, ROWS[:1], [ROWS])
    states = [model[0](model.preprocess([text]))["token_embeddings"][0].mean(dim=0).detach() for text in (
        "query: " + tiny.queries.text(0), *("passage: " + text for text in tiny.corpus.texts(ROWS))
    )]  # fmt: skip
    np.testing.assert_allclose(scores[-1], [float(states[0] @ other) for other in states[1:]], rtol=1e-4)
    assert load_joint({"dense": options}).prompts["document"] == "passage: "


def test_vectors_are_kept_apart_by_the_prompt_that_was_read(small: str, tiny: Collection, tmp_path: Path) -> None:
    def encoded(side: Any, prompts: dict[str, Any] | None) -> np.ndarray:
        options = ModelOptions.of(prompts)
        table = tiny.queries if side == "query" else tiny.corpus
        return encode_rows(small, table, ROWS, kind=side, precision="float32", cache=tmp_path, options=options)

    def kept() -> int:
        return len(list(tmp_path.iterdir()))

    plain = encoded("query", None)
    assert kept() == 1
    assert not np.allclose(encoded("query", E5), plain) and kept() == 2
    # A prompt of the other side changes nothing, and neither does one that the model has already.
    np.testing.assert_array_equal(encoded("query", {"document": "passage: "}), plain)
    assert kept() == 2
    folder = shutil.copytree(small, tmp_path / "own")
    model = SentenceTransformer(str(folder), prompts=E5, device="cpu")
    model.save_pretrained(str(folder), create_model_card=False)
    assert model_identity(folder, ModelOptions.of(E5)) == model_identity(folder)
    named = ModelOptions.of({"query": {"name": "document"}})
    assert model_identity(folder, named) not in (model_identity(folder), model_identity(small))
    assert load_sentence_transformer(folder, device="cpu", options=named).prompts["query"] == "passage: "
    with pytest.raises(DistillirError, match="knows no prompt named 'quary'; did you mean 'query'"):
        load_sentence_transformer(folder, options=ModelOptions.of({"query": {"name": "quary"}}))


def test_a_cross_encoders_prompt_is_read_in_scoring_layers_and_joint_training(
    reranker: str, tiny: Collection, tmp_path: Path
) -> None:
    model = CrossEncoder(reranker, device="cpu")
    documents = tiny.corpus.texts(ROWS)
    identity = torch.nn.Identity()

    def expected(prompt: str) -> np.ndarray:
        pairs = [(prompt + tiny.queries.text(0), document) for document in documents]
        return np.asarray(model.predict(pairs, prompt="", activation_fn=identity))

    for given, prompt in (({}, "find the answer to: "), ({"prompts": {"query": "quick: "}}, "quick: ")):
        spec = {"cross-encoder": {"model": reranker, "precision": "float32", **given}}
        scores = load_teacher(spec, cache=tmp_path).score(tiny, ROWS[:1], [ROWS])[0]
        np.testing.assert_allclose(scores, expected(prompt), atol=1e-4)
        layered = load_layered(spec, cache=tmp_path / "scores").layers(tiny, ROWS[:1], [ROWS])[0]
        np.testing.assert_allclose(layered[-1], expected(prompt), atol=1e-4)
        joint = load_joint(spec)
        joint.save_pretrained(str(tmp_path / prompt[:5]))
        again = CrossEncoder(str(tmp_path / prompt[:5]), device="cpu")
        assert again.prompts[again.default_prompt_name] == prompt
        example = type("TrainingExample", (), {"query": 0, "documents": ROWS})
        features, label = PairInputs(joint, tiny, 10_000)([example], ROWS[:1], ROWS, (1, 3))  # type: ignore[list-item]
        ids = features["teacher_pair_input_ids"][label["teacher_pair"][0, 0]]
        wanted = model.tokenizer(prompt + tiny.queries.text(0), documents[0])["input_ids"]
        assert ids[: len(wanted)].tolist() == wanted


@pytest.mark.parametrize(
    ("prompts", "said"),
    [
        ("query: ", "is no mapping"),
        ({"quary": "q"}, "unknown key 'quary'; did you mean 'query'"),
        ({"query": 3}, "query is 3; give the text itself"),
        ({"query": {"named": "query"}}, "give the text itself, or {name: word}"),
    ],
)
def test_other_forms_of_prompts_are_refused(prompts: object, said: str) -> None:
    with pytest.raises(DistillirError) as told:
        check_prompts(prompts, "teacher.dense.prompts")
    assert said in str(told.value)
    for kind in ("dense", "multi-vector", "sparse"):
        with pytest.raises(DistillirError):
            load_teacher({kind: {"model": "somewhere", "prompts": prompts}})
    with pytest.raises(DistillirError, match="a cross-encoder has one prompt"):
        load_teacher({"cross-encoder": {"model": "somewhere", "prompts": {"document": "passage: "}}})
    with pytest.raises(DistillirError, match="the student's prompts stand under student"):
        load_retriever({"dense": {"prompts": E5}}, "somewhere")


def test_a_word_where_a_family_that_needs_prompts_has_none(
    small: str, whole_minilm: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert expected_prompts(small) == E5 and expected_prompts(whole_minilm) is None
    for name, told in (
        ("bge-base-en-v1.5", "Represent this sentence"), ("bge-m3", None), ("Qwen3-Embedding-0.6B", "Instruct: "),
        ("multilingual-e5-base", "query: "), ("nomic-embed-text-v1.5", "search_query: "), ("gte-base", None),
        ("snowflake-arctic-embed-m-v2.0", "query: "), ("multilingual-e5-large-instruct", "Instruct: "),
        ("mxbai-embed-large-v1", "Represent this sentence"), ("gte-Qwen2-1.5B-instruct", "Instruct: "),
        ("simple5-model", None),
    ):  # fmt: skip
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
        (tmp_path / name / "vocab.txt").touch()
        found = expected_prompts(tmp_path / name)
        assert (found is None) == (told is None) and (found or {"query": ""})["query"].startswith(told or ""), name
    (tmp_path / "tuned").mkdir()
    (tmp_path / "tuned" / "config.json").write_text(json.dumps({"_name_or_path": "intfloat/e5-base-v2"}))
    (tmp_path / "tuned" / "vocab.txt").touch()
    assert expected_prompts(tmp_path / "tuned") == E5
    recipe: dict[str, Any] = {"collection": "stdlib", "teacher": {"dense": small}, "candidates": {"from": "bm25"}}

    def words(**student: Any) -> list[str]:
        check_named_models(Recipe.model_validate({**recipe, "student": {"model": small, **student}}))
        return [line for line in " ".join(capsys.readouterr().err.split()).split("teacher.dense") if "prompt" in line]

    assert len(words()) == 2
    assert len(words(prompts=E5)) == 1  # the teacher's
    recipe["teacher"] = {"dense": {"model": small, "prompts": {"query": ""}}}
    assert not words(prompts=E5)
