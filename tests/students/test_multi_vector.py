"""Multi-vector students: sentence-transformers' own scores, in training, search and teaching; saved and loaded."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from command_line import without_distillir
from distillir.base.errors import DistillirError
from distillir.batches.tokens import tokenise
from distillir.collections import Collection
from distillir.encoding.model_files import model_kind
from distillir.encoding.models import load_multi_vector, load_sentence_transformer
from distillir.encoding.segment_manifest import MANIFEST
from distillir.encoding.token_vectors import encode_tokens
from distillir.evaluation.index_size import index_size
from distillir.objectives.weighted_sum import parse_objective
from distillir.plans.example_stream import ExampleStream
from distillir.plans.plain_lists import PlainLists
from distillir.retrieval import late_index
from distillir.retrieval.maxsim import maxsim
from distillir.retrieval.multi_vector import MultiVectorRetriever
from distillir.signals.scores.training import ScoresTraining
from distillir.students.load import load_student
from distillir.students.loaded import student_of
from distillir.students.multi_vector import student as late
from distillir.students.multi_vector.pylate import write_pylate
from distillir.teachers.encoders.multi_vector import MultiVectorTeacher
from distillir.training.collator import ExampleCollator
from distillir.training.loss import ExampleLoss
from example_lists import ExampleLists


@pytest.fixture(scope="module")
def student(minilm_path: str) -> Any:
    """One layer of MiniLM, with a new projection."""
    return load_student(minilm_path, kind="multi-vector", layers=1, max_length=48, device="cpu").eval()


@pytest.fixture(scope="module")
def folder(student: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("student") / "late"
    student.save_pretrained(str(path))
    return str(path)


@pytest.fixture
def batch(student: Any, tiny: Collection, tmp_path: Path) -> dict[str, Any]:
    lists = ExampleLists(tiny)
    rows = np.concatenate([lists.documents(i) for i in range(12)])
    queries = tokenise(tmp_path / "q", student, tiny.queries, lists.queries, kind="query")
    documents = tokenise(tmp_path / "d", student, tiny.corpus, rows, kind="document")
    examples = ExampleStream(lists, epochs=1, queries_per_step=4, samplers=[PlainLists(None)])
    found = ExampleCollator(queries, documents, budget=256)([examples[i] for i in range(8)])
    return {**found, "examples": [examples[i] for i in range(8)]}


def test_it_is_built_as_colbert_is(student: Any) -> None:
    assert type(student).__name__ == "MultiVectorEncoder"
    short, long = student.encode_query(["bees"]), student.encode_query(["word " * 90])
    assert [len(vectors) for vectors in (*short, *long)] == [32, 32]
    assert short[0].shape[1] == 128
    plain, pointed = student.encode_document(["bees see light", "bees, see: light!?"])
    assert len(plain) == len(pointed)  # punctuation has no vectors
    assert torch.allclose(plain.norm(dim=1), torch.ones(len(plain)))


def test_the_projection_is_the_same_each_time(minilm_path: str, student: Any) -> None:
    again = load_student(minilm_path, kind="multi-vector", layers=1, max_length=48, device="cpu")
    assert all(torch.equal(a, b) for a, b in zip(student.parameters(), again.parameters(), strict=True))


def test_scores_in_training_are_the_models_own(student: Any, batch: dict[str, Any], tiny: Collection) -> None:
    with torch.no_grad():
        scores = ExampleLoss(student, [ScoresTraining(parse_objective("kl"))]).scores(student, batch)
    for row, example in enumerate(batch["examples"]):
        query = student.encode_query([tiny.queries.text(example.query)])
        documents = student.encode_document(tiny.corpus.texts(example.documents))
        expected = student.similarity(query, documents)[0]
        torch.testing.assert_close(scores[row, : len(example.documents)], expected, atol=1e-5, rtol=0)


def test_chunks_change_neither_loss_nor_gradient(
    student: Any, batch: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gradient(recompute: bool) -> tuple[float, torch.Tensor]:
        student.zero_grad()
        loss = ExampleLoss(
            student, [ScoresTraining(parse_objective({"kl": {"student_temperature": 0.5}}))], recompute=recompute
        )
        total = torch.stack(list(loss(student, batch).values())).sum()
        torch.autograd.backward(total)
        return total.item(), torch.cat([p.grad.flatten() for p in student.parameters() if p.grad is not None])

    whole, expected = gradient(False)
    monkeypatch.setattr(late, "TOKENS_AT_ONCE", 200)
    for recompute in (False, True):
        value, found = gradient(recompute)
        assert value == pytest.approx(whole, abs=1e-5)
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


def test_search_teacher_and_model_agree(student: Any, folder: str, tiny: Collection, tmp_path: Path) -> None:
    queries = np.arange(5)
    own = student.similarity(
        student.encode_query(tiny.queries.texts(queries)), student.encode_document(tiny.corpus.texts())
    ).numpy()
    run = MultiVectorRetriever(folder, precision="float32").search(tiny, queries, 10)
    for place, (rows, scores) in enumerate(run.of(i) for i in range(5)):
        np.testing.assert_allclose(scores, np.sort(own[place])[::-1][:10], atol=1e-5)
        np.testing.assert_allclose(own[place][rows], scores, atol=1e-5)
    first = MultiVectorRetriever(folder, first="bm25", first_depth=8, precision="float32").search(tiny, queries, 3)
    for place, (rows, scores) in enumerate(first.of(i) for i in range(5)):
        assert len(rows) <= 3
        np.testing.assert_allclose(own[place][rows], scores, atol=1e-5)
    teacher = MultiVectorTeacher(folder, precision="float32", cache=tmp_path)
    lists = [np.array([4, 1, 60]), np.empty(0, dtype=np.int64), np.array([0])]
    for place, scores in enumerate(teacher.score(tiny, queries[:3], lists)):
        np.testing.assert_allclose(scores, own[place][lists[place]], atol=1e-5)


def test_token_vectors_are_encoded_once_and_in_blocks(folder: str, tiny: Collection, tmp_path: Path) -> None:
    encode_tokens(folder, tiny.corpus, kind="document", cache=tmp_path)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("vectors.npy")}
    again = encode_tokens(folder, tiny.corpus, kind="document", cache=tmp_path)
    assert written == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("vectors.npy")}
    assert again.of(np.empty(0, dtype=np.int64)) == []
    # Elsewhere, only the rows that are asked for are encoded, and what is added later joins them.
    cache = tmp_path / "some"
    for rows in (np.array([9, 3, 9]), np.array([3, 40])):
        some = encode_tokens(folder, tiny.corpus, rows, kind="document", cache=cache)
        for mine, whole in zip(some.of(rows), again.of(rows), strict=True):
            np.testing.assert_allclose(mine, whole, atol=0.05)  # bf16, in other batches
    assert some.count == sum(map(len, again.of(np.array([3, 9, 40]))))
    next(cache.rglob("rows.npy")).write_bytes(b"torn")
    encode_tokens(folder, tiny.corpus, np.array([3]), kind="document", cache=cache)  # the manifest knows its rows
    next(cache.rglob(MANIFEST)).unlink()
    with pytest.raises(DistillirError, match=r"rows.npy: is damaged .* delete the folder"):
        encode_tokens(folder, tiny.corpus, np.array([3]), kind="document", cache=cache)


@pytest.mark.parametrize("trained", [False, True])
def test_an_index_of_token_vectors_finds_the_candidates(
    folder: str, tiny: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: bool
) -> None:
    monkeypatch.setenv("DISTILLIR_CACHE", str(tmp_path))
    if trained:
        monkeypatch.setattr(late_index, "TRAINED_FROM", 100)
    exact = MultiVectorRetriever(folder, precision="float32").search(tiny, np.arange(6), 5)
    options: dict[str, Any] = {"first": "index", "first_depth": 40 if trained else 8, "precision": "float32"}
    found = MultiVectorRetriever(folder, **options).search(tiny, np.arange(6), 5)
    same = [len(np.intersect1d(a, b)) for a, b in zip(exact.lists, found.lists, strict=True)]
    assert sum(same) >= (24 if trained else 30)
    # Whatever was found is scored exactly.
    for place in range(6):
        expected = dict(zip(*(part.tolist() for part in exact.of(place)), strict=True))
        for row, score in zip(*found.of(place), strict=True):
            assert row not in expected or score == pytest.approx(expected[row], abs=1e-5)
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "late-index").rglob("*.lance")}
    assert written
    MultiVectorRetriever(folder, **options).search(tiny, np.arange(2), 5)
    assert written == {path: path.stat().st_mtime_ns for path in (tmp_path / "late-index").rglob("*.lance")}


def test_the_index_wants_normalised_vectors(tiny: Collection, student: Any, tmp_path: Path) -> None:
    longer = copy.deepcopy(student)
    del longer[3]  # Normalize
    longer.save_pretrained(str(tmp_path / "longer"))
    with pytest.raises(DistillirError, match="compares by cosine"):
        MultiVectorRetriever(str(tmp_path / "longer"), first="index").search(tiny, np.arange(2), 5)
    with pytest.raises(DistillirError, match="a PyLate folder holds"):
        write_pylate(str(tmp_path / "longer"), tmp_path / "written")


def test_a_pylate_folder_gives_the_same_scores(student: Any, folder: str, tiny: Collection, tmp_path: Path) -> None:
    """Read back as sentence-transformers reads PyLate's own folders; PyLate itself: benchmarks/results/students.md."""
    write_pylate(folder, tmp_path / "pylate")
    assert model_kind(tmp_path / "pylate") == "multi-vector"
    listed = json.loads((tmp_path / "pylate" / "modules.json").read_text())
    assert [module["type"] for module in listed][1] == "pylate.models.Dense.Dense"
    other = load_multi_vector(tmp_path / "pylate", device="cpu")
    queries, documents = tiny.queries.texts(range(6)), [*tiny.corpus.texts(range(6)), "word " * 99, ""]
    expected = student.similarity(student.encode_query(queries), student.encode_document(documents))
    found = other.similarity(other.encode_query(queries), other.encode_document(documents))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_stanfords_checkpoints_are_read(student: Any, tiny: Collection, tmp_path: Path) -> None:
    """The layout of stanford-futuredata/ColBERT: a BERT, ``linear.weight`` beside it, and artifact.metadata."""
    transformer, projection = student[0], student[1]
    folder = tmp_path / "colbert"
    transformer.auto_model.save_pretrained(folder)
    transformer.tokenizer.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text()) | {"architectures": ["HF_ColBERT"]}
    (folder / "config.json").write_text(json.dumps(config))
    weights = {f"bert.{name}": value.contiguous() for name, value in transformer.auto_model.state_dict().items()}
    save_file({**weights, "linear.weight": projection.linear.weight.detach()}, folder / "model.safetensors")
    artifact = {"query_token_id": "[unused0]", "doc_token_id": "[unused1]", "query_maxlen": 32, "doc_maxlen": 48}
    artifact |= {"attend_to_mask_tokens": False, "mask_punctuation": True, "dim": 128, "similarity": "cosine"}
    (folder / "artifact.metadata").write_text(json.dumps(artifact))
    assert model_kind(folder) == "multi-vector"
    other = load_student(str(folder), kind="multi-vector", device="cpu").eval()
    queries, documents = tiny.queries.texts(range(4)), tiny.corpus.texts(range(4))
    expected = student.similarity(student.encode_query(queries), student.encode_document(documents))
    found = other.similarity(other.encode_query(queries), other.encode_document(documents))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_size_of_an_index(folder: str, tiny: Collection) -> None:
    size = index_size(folder, tiny, np.arange(3))
    vectors = encode_tokens(folder, tiny.corpus, kind="document", precision="float32").of(np.arange(62))
    mean = sum(map(len, vectors)) / 62
    assert size == {
        "kind": "multi-vector",
        "unit": "vectors",
        "per_document": round(mean, 2),
        "per_query": 32.0,
        "bytes_per_document": round(mean * 128 * 4),
    }


def test_maxsim_by_hand() -> None:
    query = np.array([[1.0, 0.0], [0.0, 2.0]], dtype=np.float32)
    document = np.array([[0.5, 0.5], [0.0, -1.0]], dtype=np.float32)
    assert maxsim([query], [document]).tolist() == [[1.5]]


def test_it_loads_where_distillir_is_not_imported(student: Any, folder: str, tiny: Collection) -> None:
    texts = tiny.corpus.texts(range(4))
    code = (
        "import json\nfrom sentence_transformers import MultiVectorEncoder\n"
        f"model = MultiVectorEncoder({folder!r}, device='cpu')\n"
        f"scores = model.similarity(model.encode_query(['light']), model.encode_document({texts!r}))\n"
        "print(json.dumps(scores.tolist()))\n"
    )
    printed = without_distillir(code)
    expected = student.similarity(student.encode_query(["light"]), student.encode_document(texts))
    np.testing.assert_allclose(json.loads(printed.splitlines()[-1]), expected.numpy(), atol=1e-5)


def test_kinds_are_told_apart(folder: str, minilm_path: str) -> None:
    assert model_kind(folder) == "multi-vector" and model_kind(minilm_path) == "dense"
    assert type(load_student(folder, kind="multi-vector", device="cpu")).__name__ == "MultiVectorEncoder"
    assert type(student_of(load_student(minilm_path, device="cpu"))).__name__ == "DenseStudent"
    with pytest.raises(DistillirError, match="is a multi-vector model"):
        load_student(folder, kind="dense")
    # sentence-transformers would load either with parts drawn at random.
    with pytest.raises(DistillirError, match="write dense in place of multi-vector"):
        load_multi_vector(minilm_path)
    with pytest.raises(DistillirError, match="write multi-vector in place of dense"):
        load_sentence_transformer(folder)


def test_empty_queries_and_texts_longer_than_the_model(folder: str, tiny: Collection) -> None:
    model = load_student(folder, kind="multi-vector", device="cpu")
    scores = model.similarity(model.encode_query([""]), model.encode_document(["", "word " * 999]))
    assert torch.isfinite(scores).all()


def test_padding_is_undone_by_its_mask_and_gives_each_text_its_gradient() -> None:
    texts = [torch.randn(n, 4, requires_grad=True) for n in (3, 1, 5)]
    made, mask = late.padded(texts)
    expected = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True)
    torch.testing.assert_close(made, expected)
    assert mask.tolist() == [[True] * n + [False] * (5 - n) for n in (3, 1, 5)]
    weights = torch.randn_like(made)
    found = torch.autograd.grad((made * weights).sum(), texts)
    for mine, own in zip(found, torch.autograd.grad((expected * weights).sum(), texts), strict=True):
        torch.testing.assert_close(mine, own)
