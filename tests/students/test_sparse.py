"""Sparse students: sentence-transformers' own scores, in training, search and teaching; saved and loaded; bad input."""

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers.sparse_encoder.losses import FlopsLoss

from command_line import without_distillir
from distillir.base.errors import DistillirError
from distillir.batches.tokens import tokenise
from distillir.collections import Collection
from distillir.collections.joined import JoinedTable
from distillir.encoding.active_words import active_words_only
from distillir.encoding.model_files import model_kind
from distillir.encoding.models import load_sparse
from distillir.encoding.sparse_vectors import encode_sparse
from distillir.evaluation.index_size import index_size
from distillir.objectives.weighted_sum import parse_objective
from distillir.plans.example_stream import ExampleStream
from distillir.plans.plain_lists import PlainLists
from distillir.retrieval.sparse import SparseRetriever
from distillir.signals.scores.training import ScoresTraining
from distillir.students.load import load_student
from distillir.students.loaded import student_of
from distillir.students.multi_vector.pylate import write_pylate
from distillir.students.sparse.student import flops, flops_share
from distillir.students.spec import StudentSpec
from distillir.teachers.encoders.sparse import SparseTeacher
from distillir.training.collator import ExampleCollator
from distillir.training.loss import ExampleLoss
from distillir.training.train import set_dropout
from example_lists import ExampleLists


@pytest.fixture(scope="module")
def student(mlm_path: str) -> Any:
    return load_student(mlm_path, kind="sparse", max_length=48, device="cpu").eval()


@pytest.fixture(scope="module")
def folder(student: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("student") / "sparse"
    student.save_pretrained(str(path))
    return str(path)


def _batch(student: Any, tiny: Collection, path: Path) -> dict[str, Any]:
    lists = ExampleLists(tiny)
    rows = np.concatenate([lists.documents(i) for i in range(12)])
    queries = tokenise(path / "q", student, tiny.queries, lists.queries, kind="query")
    documents = tokenise(path / "d", student, tiny.corpus, rows, kind="document")
    examples = ExampleStream(lists, epochs=1, queries_per_step=4, samplers=[PlainLists(None)])
    found = ExampleCollator(queries, documents, budget=256)([examples[i] for i in range(8)])
    return {**found, "examples": [examples[i] for i in range(8)]}


@pytest.fixture
def batch(student: Any, tiny: Collection, tmp_path: Path) -> dict[str, Any]:
    return _batch(student, tiny, tmp_path)


def _own(model: Any, tiny: Collection, queries: int) -> Any:
    documents = model.encode_document(tiny.corpus.texts())
    return model.similarity(model.encode_query(tiny.queries.texts(range(queries))), documents).to_dense().numpy()


def test_scores_in_training_are_the_models_own(student: Any, batch: dict[str, Any], tiny: Collection) -> None:
    with torch.no_grad(), active_words_only(student):
        scores = ExampleLoss(student, [ScoresTraining(parse_objective("kl"))]).scores(student, batch)
    for row, example in enumerate(batch["examples"]):
        query = student.encode_query([tiny.queries.text(example.query)])
        expected = student.similarity(query, student.encode_document(tiny.corpus.texts(example.documents)))
        torch.testing.assert_close(scores[row, : len(example.documents)], expected.to_dense()[0], atol=1e-4, rtol=1e-5)


def test_training_through_active_words_alone_changes_nothing(student: Any, batch: dict[str, Any]) -> None:
    penalties = ({"flops queries": 0.3, "flops documents": 0.2}, 0)
    student = copy.deepcopy(student).train()  # sentence-transformers' pooling has a gradient in training alone
    set_dropout(student, 0.0)

    def gradient(recompute: bool) -> tuple[float, torch.Tensor]:
        student.zero_grad()
        loss = ExampleLoss(student, [ScoresTraining(parse_objective("kl"))], penalties=penalties, recompute=recompute)
        total = torch.stack(list(loss(student, batch).values())).sum()
        torch.autograd.backward(total)
        return total.item(), torch.cat([p.grad.flatten() for p in student.parameters() if p.grad is not None])

    whole, expected = gradient(False)
    with active_words_only(student):
        assert "forward" in vars(student[1])  # it is at work
        for recompute in (False, True):
            value, found = gradient(recompute)
            assert value == pytest.approx(whole, rel=1e-5)
            torch.testing.assert_close(found, expected, atol=1e-3 * float(expected.abs().max()), rtol=1e-3)
    assert "forward" not in vars(student[1]) and gradient(False)[0] == whole


def test_what_is_no_number_is_not_dropped(mlm_path: str) -> None:
    model = load_student(mlm_path, kind="sparse", max_length=16, device="cpu").eval()
    with torch.no_grad():
        model[0].auto_model.get_output_embeddings().bias[7] = torch.nan
        own = model.encode_document(["some words"]).to_dense()
        with active_words_only(model):
            found = model.encode_document(["some words"]).to_dense()
    assert own[0, 7].isnan() and found[0, 7].isnan()
    torch.testing.assert_close(found, own, equal_nan=True)


def test_heads_that_do_more_than_multiply_are_left_alone(mlm_path: str) -> None:
    model = load_student(mlm_path, kind="sparse", device="cpu")
    own = model[0].auto_model.forward

    def capped(**features: Any) -> Any:
        found = own(**features)
        found.logits = torch.tanh(found.logits)
        return found

    model[0].auto_model.forward = capped
    with active_words_only(model):
        assert "forward" not in vars(model[1])


def test_flops_regulariser() -> None:
    vectors = torch.tensor([[1.0, 0.0, 2.0], [3.0, 0.0, 0.0]])
    assert flops(vectors).item() == 2.0**2 + 1.0**2
    random = torch.rand(5, 40)
    assert flops(random).item() == pytest.approx(FlopsLoss(None).compute_loss_from_embeddings(random).item())
    assert [flops_share(step, 10) for step in (0, 5, 10, 99)] == [0.0, 0.25, 1.0, 1.0]
    assert flops_share(0, 0) == 1.0


def test_penalties_rise_and_are_means_over_batches(student: Any, batch: dict[str, Any]) -> None:
    loss = ExampleLoss(student, [ScoresTraining(parse_objective("kl"))], penalties=({"flops documents": 0.5}, 10))
    counts = loss.counts(batch["label"])
    assert counts["flops documents"] == 1
    with torch.no_grad():
        late, early = loss(student, batch, counts, 10), loss(student, batch, counts, 5)
        halved = loss(student, batch, {name: 2 * count for name, count in counts.items()}, 10)
        documents = student.encode_document(["a"]).shape[1]
    assert documents == len(student.tokenizer) and late["kl"] == early["kl"]
    assert early["flops documents"].item() == pytest.approx(late["flops documents"].item() / 4)
    assert halved["flops documents"].item() == pytest.approx(late["flops documents"].item() / 2)
    assert "flops queries" not in late


def test_weights_of_the_penalties() -> None:
    plain = StudentSpec(model="a", kind="sparse")
    assert plain.penalties() == ({"flops queries": 8e-4, "flops documents": 6e-4}, 1 / 3)
    assert plain.penalties(first=False)[1] == 0.0  # a later stage begins with a student that is sparse already
    assert StudentSpec(model="a").penalties() == ({}, 0.0)


def test_search_teacher_and_model_agree(student: Any, folder: str, tiny: Collection, tmp_path: Path) -> None:
    own = _own(student, tiny, 5)
    run = SparseRetriever(folder, precision="float32").search(tiny, np.arange(5), 10)
    for place, (rows, scores) in enumerate(run.of(i) for i in range(5)):
        np.testing.assert_allclose(scores, np.sort(own[place])[::-1][:10], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(own[place][rows], scores, rtol=1e-5, atol=1e-5)
    teacher = SparseTeacher(folder, precision="float32", cache=tmp_path)
    lists = [np.array([4, 1, 60]), np.empty(0, dtype=np.int64), np.array([0])]
    for place, scores in enumerate(teacher.score(tiny, np.arange(3), lists)):
        np.testing.assert_allclose(scores, own[place][lists[place]], rtol=1e-5, atol=1e-5)


def test_vectors_are_encoded_once_in_any_order_and_joined(folder: str, tiny: Collection, tmp_path: Path) -> None:
    options: dict[str, Any] = {"kind": "document", "precision": "float32", "cache": tmp_path}
    whole = encode_sparse(folder, tiny.corpus, **options)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("values.npy")}
    rows = np.array([61, 3, 3, 0])
    assert (encode_sparse(folder, tiny.corpus, rows, **options) != whole[rows]).nnz == 0
    assert written == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("values.npy")}
    joined = JoinedTable(tiny.corpus, tiny.queries)
    both = encode_sparse(folder, joined, np.array([64, 3, 62]), **options)
    queries = encode_sparse(folder, tiny.queries, np.array([2, 0]), **options)
    assert (both[[1]] != whole[[3]]).nnz == 0 and (both[[0, 2]] != queries).nnz == 0
    assert encode_sparse(folder, tiny.corpus, rows[:0], **options).shape[0] == 0


def test_only_what_is_asked_for_is_encoded(folder: str, tiny: Collection, tmp_path: Path) -> None:
    options: dict[str, Any] = {"kind": "document", "precision": "float32"}
    whole = encode_sparse(folder, tiny.corpus, **options)
    for wanted in (np.array([61, 3, 3, 0]), np.array([5, 61])):  # what is added later joins what is there
        found = encode_sparse(folder, tiny.corpus, wanted, cache=tmp_path, **options)
        assert abs(found - whole[wanted]).max() < 1e-5
    assert sum(len(np.load(path)) for path in tmp_path.rglob("rows.npy")) == 4


def test_size_of_an_index(student: Any, folder: str, tiny: Collection, minilm_path: str) -> None:
    size = index_size(folder, tiny, np.arange(3))
    words = (student.encode_document(tiny.corpus.texts()).to_dense() > 0).sum().item() / 62
    assert size["unit"] == "words" and size["per_document"] == pytest.approx(words, abs=0.01)
    assert size["bytes_per_document"] == pytest.approx(8 * words, abs=1)
    dense = index_size(minilm_path, tiny, np.arange(3))
    assert dense["unit"] == "numbers" and dense["bytes_per_document"] == 384 * 4


def test_it_loads_where_distillir_is_not_imported(student: Any, folder: str, tiny: Collection) -> None:
    texts = tiny.corpus.texts(range(4))
    code = (
        "import json\nfrom sentence_transformers import SparseEncoder\n"
        f"model = SparseEncoder({folder!r}, device='cpu')\n"
        f"scores = model.similarity(model.encode_query(['light']), model.encode_document({texts!r}))\n"
        "print(json.dumps(scores.to_dense().tolist()))\n"
    )
    printed = without_distillir(code)
    expected = student.similarity(student.encode_query(["light"]), student.encode_document(texts)).to_dense()
    np.testing.assert_allclose(json.loads(printed.splitlines()[-1]), expected.numpy(), rtol=1e-5)


def test_queries_without_inference(mlm_path: str, tiny: Collection, tmp_path: Path) -> None:
    model = load_student(mlm_path, kind="sparse", max_length=48, towers="inference-free", device="cpu")
    words = model.encode_query(["light light of bees"]).to_dense()[0]
    assert sorted(words[words > 0].tolist()) == [1.0] * 3
    model.save_pretrained(str(tmp_path / "student"))
    assert model_kind(tmp_path / "student") == "sparse"
    run = SparseRetriever(str(tmp_path / "student"), precision="float32").search(tiny, np.arange(4), 5)
    own = _own(model, tiny, 4)
    for place, (rows, scores) in enumerate(run.of(i) for i in range(4)):
        np.testing.assert_allclose(own[place][rows], scores, rtol=1e-5, atol=1e-5)
    # It learns by the same loss: the table's weights and the document encoder both get a gradient.
    with active_words_only(model):
        parts = ExampleLoss(model, [ScoresTraining(parse_objective("kl"))])(model, _batch(model, tiny, tmp_path))
        torch.autograd.backward(parts["kl"])
    unreached = {name for name, p in model.named_parameters() if p.grad is None}
    assert not unreached, unreached
    # Queries that are looked up have no regulariser, and a student may go on from there, whatever the recipe says.
    weights = {"flops queries": 1.0, "flops documents": 1.0}
    for towers in ("shared", "inference-free"):
        again = load_student(str(tmp_path / "student"), kind="sparse", towers=towers, device="cpu")
        assert ExampleLoss(again, [ScoresTraining(parse_objective("kl"))], penalties=(weights, 0)).penalties == {
            "flops documents": 1.0
        }


def test_a_model_without_the_head_is_refused(minilm_path: str, mlm_path: str, folder: str, tmp_path: Path) -> None:
    with pytest.raises(DistillirError, match="no masked-LM head") as told:
        load_student(minilm_path, kind="sparse")
    assert "BertForMaskedLM" in str(told.value)
    # What counts is the weights, not what the configuration says.
    shutil.copytree(mlm_path, tmp_path / "headless")
    weights = load_file(tmp_path / "headless" / "model.safetensors")
    kept = {name: value for name, value in weights.items() if "transform" not in name}
    save_file(kept, tmp_path / "headless" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DistillirError, match="no masked-LM head"):
        load_student(str(tmp_path / "headless"), kind="sparse")
    with pytest.raises(DistillirError, match="is a sparse model"):
        load_student(folder, kind="dense")
    with pytest.raises(DistillirError, match="is a sparse model"):
        load_student(folder, kind="multi-vector")
    with pytest.raises(DistillirError, match="PyLate folders are for multi-vector"):
        write_pylate(folder, tmp_path / "pylate")


def test_vectors_without_any_word(mlm_path: str, tiny: Collection, tmp_path: Path) -> None:
    model = load_student(mlm_path, kind="sparse", max_length=48, device="cpu")
    with torch.no_grad():
        model[0].auto_model.cls.predictions.bias.sub_(1e3)
    model.save_pretrained(str(tmp_path / "nothing"))
    run = SparseRetriever(str(tmp_path / "nothing"), precision="float32").search(tiny, np.arange(3), 5)
    assert [len(rows) for rows in run.lists] == [0, 0, 0]
    teacher = SparseTeacher(str(tmp_path / "nothing"), precision="float32")
    assert [scores.tolist() for scores in teacher.score(tiny, np.arange(1), [np.array([0, 1])])] == [[0.0, 0.0]]
    model.train()
    with active_words_only(model):
        parts = ExampleLoss(model, [ScoresTraining(parse_objective("kl"))])(model, _batch(model, tiny, tmp_path))
        torch.autograd.backward(parts["kl"])
    assert torch.isfinite(parts["kl"]) and all(
        p.grad is None or torch.isfinite(p.grad).all() for p in model.parameters()
    )


def test_empty_queries_and_texts_longer_than_the_model(folder: str) -> None:
    model = load_sparse(folder, device="cpu")
    scores = model.similarity(model.encode_query([""]), model.encode_document(["", "word " * 999])).to_dense()
    assert torch.isfinite(scores).all() and type(student_of(model)).__name__ == "SparseStudent"
