"""Sparse students beside weights of words that are kept."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from sentence_transformers import SparseEncoder

from command_line import distillir, run_recipe
from distillir.base.errors import DistillirError
from distillir.batches.tokens import tokenise
from distillir.collections import Collection
from distillir.collections.joined import JoinedTable
from distillir.composition.compose import compose
from distillir.encoding.sparse_vectors import encode_sparse, encode_words
from distillir.objectives.weighted_sum import parse_objective
from distillir.plans.example_stream import ExampleStream
from distillir.plans.plain_lists import PlainLists
from distillir.recipe.read import parse_recipe
from distillir.retrieval.trec import read_run
from distillir.signals.scores.training import ScoresTraining
from distillir.students.kept_documents.named_kind import kept_kind
from distillir.students.kept_documents.sparse.student import KeptWordsStudent
from distillir.students.kept_documents.spec import DocumentsSpec
from distillir.students.load import load_student
from distillir.students.loaded import student_of
from distillir.students.registry import student_kind
from distillir.training.collator import ExampleCollator
from distillir.training.loss import ExampleLoss
from example_lists import ExampleLists
from refused import refused_in_a_line


@pytest.fixture
def recipe(tiny_beir: Path, small_models: Path) -> dict[str, Any]:
    model = str(small_models / "mlm")
    return {
        "collection": str(tiny_beir),
        "teacher": {"ensemble": ["bm25", "sparse"]},
        "student": {
            "model": model,
            "kind": "sparse",
            "layers": 1,
            "documents": {"sparse": {"model": model, "max_length": 24}},
        },
        "candidates": {"depth": 8},
        "method": "kl",
        "training": {"epochs": 1, "queries_per_step": 4, "learning_rate": 1e-3},
        "evaluation": {"measures": ["nDCG@10"]},
    }


def _loaded(model: str) -> Any:
    kind = kept_kind(DocumentsSpec.model_validate({"sparse": model}))
    return load_student(model, kind=kind, max_length=32, device="cpu").eval()


def _batch(model: Any, tiny: Collection, folder: Path, documents: Any = None) -> dict[str, Any]:
    lists = ExampleLists(tiny)
    queries = tokenise(folder / "q", model, tiny.queries, lists.queries, kind="query")
    if documents is None:
        rows = np.concatenate([lists.documents(i) for i in range(12)])
        documents = tokenise(folder / "d", model, tiny.corpus, rows, kind="document")
    examples = ExampleStream(lists, epochs=1, queries_per_step=4, samplers=[PlainLists(None)])
    return ExampleCollator(queries, documents, budget=256, in_batch=True)([examples[i] for i in range(8)])


def test_scores_are_those_of_the_whole_student(word_model: str, tiny: Collection, tmp_path: Path) -> None:
    found = []
    for model in (_loaded(word_model), load_student(word_model, kind="sparse", max_length=32, device="cpu").eval()):
        kept = student_of(model).documents(tiny.corpus)
        batch = _batch(model, tiny, tmp_path, kept)
        with torch.no_grad():
            found.append(ExampleLoss(model, [ScoresTraining(parse_objective("kl"))]).scores(model, batch))
    assert found[0].max() > 1
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=1e-5)


def test_gradients_are_those_of_a_product_of_whole_vectors(word_model: str, tiny: Collection) -> None:
    model = _loaded(word_model)
    student = student_of(model)
    rows = np.array([3, 0, 3, 7])
    documents = student.embed(model, student.documents(tiny.corpus).batch(rows), [], task="document")
    documents = [*documents, torch.empty(0, 2)]  # one without a word
    whole = torch.from_numpy(encode_sparse(word_model, tiny.corpus, rows, kind="document").toarray())
    gradients = []
    for dense in (False, True):
        torch.manual_seed(0)
        queries = torch.rand(5, whole.shape[1], requires_grad=True)
        scores = queries @ whole.T if dense else student.scores(queries, documents)[:, :4]
        torch.autograd.backward((scores * torch.linspace(-1, 1, 20).view(5, 4)).sum())
        gradients.append(queries.grad)
    assert gradients[0] is not None and gradients[1] is not None
    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-5, rtol=1e-5)
    assert isinstance(student, KeptWordsStudent) and student.scores(queries, documents)[:, 4].eq(0).all()


def test_weights_are_read_by_row_also_of_texts_that_signals_bring(word_model: str, tiny: Collection) -> None:
    joined = JoinedTable(tiny.corpus, tiny.queries)
    read = encode_words(word_model, joined, kind="document")
    whole = encode_sparse(word_model, joined, kind="document")
    rows = np.array([61, 70, 0, 62])
    assert read.count == whole.nnz and read.rows == len(joined)
    np.testing.assert_array_equal(read.lengths_of(rows), np.diff(whole.indptr)[rows])
    for row, (words, weights) in zip(rows, read.of(rows), strict=True):
        np.testing.assert_array_equal(words, whole[row].indices)
        np.testing.assert_array_equal(weights, whole[row].data)


def test_queries_are_trained_words_stay_and_the_library_loads_it(
    recipe: dict[str, Any], tmp_path: Path, tiny: Collection, small_models: Path
) -> None:
    planned = run_recipe(recipe, tmp_path, "--dry-run")
    assert planned.returncode == 0 and "search 62 kept vectors for" in planned.stderr, planned.stderr
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 0 and "weights of words of mlm are searched as they are" in done.stderr, done.stderr
    run = tmp_path / "run"
    kept = yaml.safe_load((run / "recipe.yaml").read_text())
    assert kept["candidates"]["from"] == ["bm25", "sparse"] and kept["training"]["candidates_per_query"] is None
    assert kept["teacher"]["ensemble"][1]["sparse"]["max_length"] == 24  # the documents' model
    logged = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert "flops queries" in logged[-1] and "flops documents" not in logged[-1]
    metrics = json.loads((run / "metrics.json").read_text())
    told = metrics["kept"]
    assert told["documents"] == 62 and told["bytes"] == 8 * told["units"] and metrics["student"]["unit"] == "words"
    assert "words in the vocabulary" in (run / "report.html").read_text()
    whole = SparseEncoder(str(run / "student"), device="cpu")
    alone = SparseEncoder(str(run / "student" / "query-encoder"), device="cpu")
    after = read_run(run / "runs" / "after.trec", tiny)
    rows, scores = after.of(0)
    query, texts = [tiny.queries.text(int(after.queries[0]))], tiny.corpus.texts(rows.tolist())
    own = encode_sparse(str(small_models / "mlm"), tiny.corpus, rows, kind="document", max_length=24).toarray()
    np.testing.assert_allclose(whole.encode_document(texts).to_dense(), own, atol=1e-5)
    torch.testing.assert_close(whole.encode_query(query).to_dense(), alone.encode_query(query).to_dense())
    found = whole.similarity(whole.encode_query(query), whole.encode_document(texts))[0]
    np.testing.assert_allclose(found, scores, atol=1e-4, rtol=1e-5)
    by_files = student_kind("sparse").retriever(str(run / "student")).search(tiny, after.queries, 10)
    np.testing.assert_allclose(by_files.of(0)[1], scores[:10], rtol=1e-5)
    done = distillir("index", run, "--to", "qdrant")
    assert done.returncode == 0, done.stderr
    indexed = json.loads((run / "index" / "qdrant-run.json").read_text())
    assert "kept vectors of mlm" in indexed["record"] and "student" not in indexed["record"]
    assert indexed["results"]["exact"]["nDCG@10"] == pytest.approx(metrics["after"]["nDCG@10"], abs=1e-4)


def test_dark_examples_and_the_best_by_dev_go_with_it(recipe: dict[str, Any], tmp_path: Path) -> None:
    recipe["method"] = {"name": "kl", "dark": True}
    recipe["training"] |= {"select": "dev", "select_queries": 5, "select_measures": 2, "in_batch": True}
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("student", "said"),
    [
        ({"kind": "multi-vector"}, "documents are kept for sparse students, and this one is multi-vector"),
        ({"towers": "inference-free"}, "with documents kept the student is a query encoder alone"),
        ({"flops": {"documents": 0.1}}, "the FLOPS regulariser is of queries alone"),
        ({"documents": {"sparse": "some", "projection": "random"}}, "a weight is of a word"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(recipe: dict[str, Any], student: dict[str, Any], said: str) -> None:
    recipe["student"] |= student
    refused_in_a_line(recipe, said)


def test_recipes_that_are_written_out_are_read_again(recipe: dict[str, Any]) -> None:
    recipe["student"]["flops"] = {"queries": 0.01}
    found = parse_recipe({**recipe, "method": "auto"})
    assert parse_recipe(yaml.safe_load(yaml.safe_dump(found.resolved()))) == found
    with pytest.raises(DistillirError, match="vectors are for dense students, and this one is sparse"):
        compose(parse_recipe({**recipe, "method": {"name": "kl", "vectors": True}}))


def test_other_words_and_layers_are_refused(
    recipe: dict[str, Any], tmp_path: Path, mlm_path: str, small_models: Path
) -> None:
    recipe["student"]["documents"] = {"sparse": mlm_path}
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 2 and "has other words than model" in done.stderr, done.stderr
    recipe["student"]["documents"] = {"sparse": str(small_models / "mlm")}
    recipe["method"] = {"name": "kl", "layers": {"teacher": {"dense": str(small_models / "base")}}}
    done = run_recipe(recipe, tmp_path / "layers")
    assert done.returncode == 2 and "a layer's state of a query has no weights of words" in done.stderr, done.stderr
