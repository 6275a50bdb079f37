"""Late-interaction students beside token vectors that are kept."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from sentence_transformers import MultiVectorEncoder

from command_line import distillir, run_recipe
from distillir.base.errors import DistillirError
from distillir.batches.tokens import tokenise
from distillir.collections import Collection
from distillir.composition.compose import compose
from distillir.objectives.weighted_sum import parse_objective
from distillir.plans.example_stream import ExampleStream
from distillir.plans.plain_lists import PlainLists
from distillir.recipe.read import parse_recipe
from distillir.retrieval.trec import read_run
from distillir.signals.scores.training import ScoresTraining
from distillir.students.kept_documents.multi_vector.ready import ready_tokens
from distillir.students.kept_documents.named_kind import kept_kind
from distillir.students.kept_documents.spec import DocumentsSpec
from distillir.students.load import load_student
from distillir.students.loaded import student_of
from distillir.students.multi_vector import student as late
from distillir.students.registry import student_kind
from distillir.training.collator import ExampleCollator
from distillir.training.loss import ExampleLoss
from example_lists import ExampleLists
from refused import refused_in_a_line


@pytest.fixture
def recipe(tiny_beir: Path, late_model: str) -> dict[str, Any]:
    return {
        "collection": str(tiny_beir),
        "teacher": {"ensemble": ["bm25", "multi-vector"]},
        "student": {
            "model": late_model,
            "kind": "multi-vector",
            "layers": 1,
            "documents": {"multi-vector": {"model": late_model, "max_length": 24}},
        },
        "candidates": {"from": ["bm25", "multi-vector"], "depth": 8},
        "method": "kl",
        "training": {"epochs": 1, "queries_per_step": 4, "learning_rate": 1e-3},
        "evaluation": {"measures": ["nDCG@10"]},
    }


def _loaded(model: str, **documents: Any) -> Any:
    kind = kept_kind(DocumentsSpec.model_validate(documents))
    return load_student(model, kind=kind, max_length=32, device="cpu").eval()


@pytest.fixture
def student(late_model: str) -> Any:
    return _loaded(late_model, **{"multi-vector": late_model})


def _batch(model: Any, tiny: Collection, folder: Path, documents: Any = None, *, in_batch: bool) -> dict[str, Any]:
    lists = ExampleLists(tiny)
    queries = tokenise(folder / "q", model, tiny.queries, lists.queries, kind="query")
    if documents is None:
        rows = np.concatenate([lists.documents(i) for i in range(12)])
        documents = tokenise(folder / "d", model, tiny.corpus, rows, kind="document")
    examples = ExampleStream(lists, epochs=1, queries_per_step=4, samplers=[PlainLists(None)])
    made = ExampleCollator(queries, documents, budget=256, in_batch=in_batch)
    return made([examples[i] for i in range(8)])


@pytest.mark.parametrize("in_batch", [False, True])
def test_scores_are_those_of_the_whole_student(
    student: Any, late_model: str, tiny: Collection, tmp_path: Path, in_batch: bool
) -> None:
    whole = load_student(late_model, kind="multi-vector", max_length=32, device="cpu").eval()
    kept = student_of(student).documents(tiny.corpus)
    found = []
    for model, documents in ((student, kept), (whole, None)):
        batch = _batch(model, tiny, tmp_path, documents, in_batch=in_batch)
        with torch.no_grad():
            scores = ExampleLoss(model, [ScoresTraining(parse_objective("kl"))]).scores(model, batch)
        found.append(torch.where(batch["label"]["loss_mask"], scores, 0.0))
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=0)


def test_pairs_that_nobody_looks_at_and_chunks_change_nothing(
    student: Any, tiny: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = student_of(student)
    batch = _batch(student, tiny, tmp_path, own.documents(tiny.corpus), in_batch=False)

    def gradient() -> tuple[float, torch.Tensor]:
        student.zero_grad()
        loss = ExampleLoss(student, [ScoresTraining(parse_objective({"kl": {"student_temperature": 0.5}}))])
        total = torch.stack(list(loss(student, batch).values())).sum()
        torch.autograd.backward(total)
        return total.item(), torch.cat([p.grad.flatten() for p in student.parameters() if p.grad is not None])

    some, expected = gradient()
    monkeypatch.setattr(type(own), "told_pairs", False)
    for at_once in (late.TOKENS_AT_ONCE, 60):
        monkeypatch.setattr(late, "TOKENS_AT_ONCE", at_once)
        value, found = gradient()
        assert value == pytest.approx(some, abs=1e-5)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-3)


def test_queries_are_trained_token_vectors_stay_and_the_library_loads_it(
    recipe: dict[str, Any], tmp_path: Path, tiny: Collection, late_model: str
) -> None:
    planned = run_recipe(recipe, tmp_path, "--dry-run")
    assert planned.returncode == 0 and "search 62 kept vectors for" in planned.stderr, planned.stderr
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 0 and "No document was encoded again: the" in done.stderr, done.stderr
    run = tmp_path / "run"
    kept = yaml.safe_load((run / "recipe.yaml").read_text())
    assert kept["training"]["candidates_per_query"] is None
    assert kept["teacher"]["ensemble"][1]["multi-vector"]["max_length"] == 24  # the documents' model
    metrics = json.loads((run / "metrics.json").read_text())
    told = metrics["kept"]
    assert told["documents"] == 62 and told["width"] == 128 and told["unit"] == "token vectors"
    assert told["units"] > 620 and told["bytes"] == told["units"] * 128 * 4
    assert metrics["student"]["unit"] == "vectors" and metrics["student"]["per_query"] == 32
    assert told["query"]["student"]["parameters"] < told["query"]["documents"]["parameters"]
    assert "token vectors of" in (run / "report.html").read_text()
    whole = MultiVectorEncoder(str(run / "student"), device="cpu")
    alone = MultiVectorEncoder(str(run / "student" / "query-encoder"), device="cpu")
    own = MultiVectorEncoder(late_model, device="cpu")
    own.max_seq_length = 24
    after = read_run(run / "runs" / "after.trec", tiny)
    rows, scores = after.of(0)
    query, texts = [tiny.queries.text(int(after.queries[0]))], tiny.corpus.texts(rows.tolist())
    for one, other in zip(whole.encode_document(texts), own.encode_document(texts), strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(whole.encode_query(query)[0], alone.encode_query(query)[0])
    found = whole.similarity(whole.encode_query(query), whole.encode_document(texts))[0]
    np.testing.assert_allclose(found, scores, atol=1e-4)
    assert not torch.allclose(alone.encode_query(query)[0], own.encode_query(query)[0], atol=1e-3)
    by_files = student_kind("multi-vector").retriever(str(run / "student")).search(tiny, after.queries, 10)
    assert by_files.of(0)[0].shape == (10,)
    done = distillir("index", run)
    assert done.returncode == 0, done.stderr
    indexed = json.loads((run / "index" / "lancedb-run.json").read_text())
    assert "kept vectors of late" in indexed["record"] and "student" not in indexed["record"]
    assert indexed["results"]["exact"]["nDCG@10"] == pytest.approx(metrics["after"]["nDCG@10"], abs=1e-4)
    refused = distillir("export", run, "--format", "pylate", "-o", tmp_path / "pylate")
    assert refused.returncode == 2 and "name its query encoder" in refused.stderr
    done = distillir("export", run / "student" / "query-encoder", "--format", "pylate", "-o", tmp_path / "pylate")
    assert done.returncode == 0, done.stderr


def test_dark_examples_layers_and_stages_go_with_it(recipe: dict[str, Any], tmp_path: Path, late_model: str) -> None:
    recipe["method"] = {"name": "kl", "dark": True, "layers": {"teacher": {"multi-vector": late_model}, "count": 1}}
    recipe["training"] |= {"select": "dev", "select_queries": 5, "select_measures": 2}
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 0, done.stderr
    logged = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert {"layers", "kl"} <= set(logged[-1])


def test_tokens_of_another_width_are_fitted_one_by_one(
    tiny: Collection, late_model: str, narrow_model: str, small_models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def made(model: str, how: str) -> Any:
        kind = kept_kind(DocumentsSpec.model_validate({"multi-vector": late_model, "projection": how}))
        start = load_student(model, kind=kind, max_length=32, device="cpu")
        queries = np.arange(len(tiny.queries), dtype=np.int64)
        return ready_tokens(kind.index, how, model, tiny, lambda: queries, 0)(start)

    texts = tiny.queries.texts([0, 1, 2])
    own = MultiVectorEncoder(late_model, device="cpu").encode_query(texts)

    def nearness(model: Any) -> float:
        pairs = zip(model.encode_query(texts), own, strict=True)
        return float(torch.cat([(one * other).sum(dim=1) for one, other in pairs]).mean())

    # The dense model that it was made of: its states are the same, and the map between them is found again.
    same = made(str(small_models / "base"), "least-squares")
    assert "least squares on" in capsys.readouterr().err
    assert nearness(same) > 0.999
    fitted, drawn = made(narrow_model, "auto"), made(narrow_model, "random")
    assert fitted.encode_query(texts)[0].shape == own[0].shape
    assert nearness(fitted) > nearness(drawn) + 0.2
    assert made(late_model, "auto").encode_query(texts)[0].equal(own[0])  # its own model: none


def test_other_tokens_are_not_fitted(
    tiny: Collection, late_model: str, whole_minilm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    queries = np.arange(len(tiny.queries), dtype=np.int64)
    for how in ("least-squares", "auto"):
        kind = kept_kind(DocumentsSpec.model_validate({"multi-vector": late_model, "projection": how}))
        start = load_student(whole_minilm, kind=kind, layers=1, max_length=32, device="cpu")
        choose = ready_tokens(kind.index, how, whole_minilm, tiny, lambda: queries, 0)
        if how == "auto":
            assert choose(start) is start and "are not fitted to those of late" in capsys.readouterr().err
            continue
        with pytest.raises(DistillirError, match="cannot be: its tokens of queries are others than those of late"):
            choose(start)


def test_words_that_other_tokenizers_leave_out_of_queries_are_refused(
    tiny: Collection, late_model: str, whole_minilm: str
) -> None:
    kind = kept_kind(DocumentsSpec.model_validate({"multi-vector": late_model}))
    start = load_student(whole_minilm, kind=kind, layers=1, max_length=32, device="cpu")
    choose = ready_tokens(kind.index, "none", whole_minilm, tiny, lambda: np.arange(3), 0)
    assert choose(start) is start
    start[2].skiplist_tasks = ["query", "document"]
    with pytest.raises(DistillirError, match="it leaves words out of queries, and has another tokenizer than late"):
        choose(start)


@pytest.mark.parametrize(
    ("student", "said"),
    [
        ({"kind": "dense"}, "documents are kept for multi-vector students, and this one is dense"),
        ({"kind": "cross-encoder"}, "documents are kept for multi-vector students, and this one is cross-encoder"),
        ({"documents": {"multi-vector": "some", "dense": "some"}}, "one of the two"),
        ({"flops": {"queries": 1.0}}, "the FLOPS regulariser is for sparse students"),
        ({"documents": {"multi-vector": "some", "similarity": "dot"}}, "ids and similarity are for vectors made"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(recipe: dict[str, Any], student: dict[str, Any], said: str) -> None:
    recipe["student"] |= student
    refused_in_a_line(recipe, said)


def test_no_vector_of_a_text_can_be_followed(recipe: dict[str, Any]) -> None:
    found = parse_recipe({**recipe, "method": "auto"})
    assert "vectors" not in found.method.signals and found.training.queries_per_step == 4
    with pytest.raises(DistillirError, match="vectors are for dense students, and this one is multi-vector"):
        compose(parse_recipe({**recipe, "method": {"name": "kl", "vectors": True}}))


def test_a_documents_model_of_another_kind_or_width_is_refused(
    recipe: dict[str, Any], tmp_path: Path, small_models: Path, narrow_model: str
) -> None:
    recipe["teacher"] = "bm25"
    recipe["student"]["documents"] = {"multi-vector": str(small_models / "base")}
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 2 and "is a dense model" in done.stderr and "documents.multi-vector" in done.stderr
    narrow = tmp_path / "narrow"
    model = load_student(narrow_model, kind="multi-vector", device="cpu")
    from distillir.students.kept_documents.multi_vector.projection import project_tokens

    project_tokens(model, 16, unit=True, found=None).save_pretrained(str(narrow))
    recipe["student"]["documents"] = {"multi-vector": str(narrow), "projection": "none"}
    done = run_recipe(recipe, tmp_path / "narrower")
    assert done.returncode == 2 and "have 128 numbers, and those of narrow 16" in done.stderr, done.stderr
