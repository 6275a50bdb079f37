"""How well each layer ranks: measured as by hand, once, for any student, and never the end of a run."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distillir.collections import Collection
from distillir.collections.run import from_lists
from distillir.pipeline.mine import prepare_student
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.signal_place import SignalPlace
from distillir.recipe import Recipe
from distillir.retrieval.bm25 import BM25Index
from distillir.retrieval.trec import write_run
from distillir.signals.layers import layer_quality as stage
from distillir.students.load import load_student
from distillir.teachers.encoders.layered import LayeredSparse
from distillir.teachers.load_layered import load_layered


def _folder(tiny_beir: Path, path: Path, minilm_path: str, student: dict[str, Any], **layers: Any) -> RunFolder:
    """A run that is trained and searched: the student after is the student before."""
    recipe = {
        "collection": str(tiny_beir),
        "teacher": "bm25",
        "student": {"model": minilm_path, "max_length": 32, **student},
        "method": {"name": "kl", "layers": {"teacher": {"dense": minilm_path}, **layers}},
        "evaluation": {"split": "test", "precision": "float32"},
    }
    folder = RunFolder(path / "run", Recipe.model_validate(recipe))
    prepare_student(folder)
    shutil.copytree(folder.initial_student, folder.student)
    collection = folder.collection
    found = BM25Index.build_or_load(collection).search(collection.qrels("test").query_rows, 30)
    write_run(found, collection, folder.teacher_run)
    return folder


def _measure(folder: RunFolder) -> None:
    spec = folder.recipe.method.layers
    assert spec is not None
    stage.layer_quality(SignalPlace.of_run(folder), spec)


def _read(folder: RunFolder) -> dict[str, Any]:
    _measure(folder)
    found: dict[str, Any] = json.loads((folder.path / stage.LAYER_QUALITY).read_text())
    return found


def test_as_by_hand_once_and_by_one_process_of_several(
    tiny_beir: Path, tmp_path: Path, minilm_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _folder(tiny_beir, tmp_path, minilm_path, {"layers": 2}, pooling="mean", joint=True)
    shutil.copytree(minilm_path, folder.path / "teacher")
    found = _read(folder)
    assert found["judged"] and found["queries"] == 8 and found["documents"] == 20
    assert len(found["teacher"]) == 6 and found["teacher_after"] == found["teacher"]
    assert len(found["before"]) == 2 and found["before"] == found["after"] != found["teacher"][:2]
    assert "layer quality" in folder.facts.read()["seconds"] and not (folder.work / "layer-scores").exists()
    # By hand.
    qrels, (queries, lists, _) = folder.collection.qrels("test"), stage.sample(SignalPlace.of_run(folder))
    values = []
    scores = load_layered({"dense": minilm_path}, "mean").layers(folder.collection, queries, lists)
    for query, documents, own in zip(queries.tolist(), lists, scores, strict=True):
        grades = dict(zip(*(part.tolist() for part in qrels.of(query)), strict=True))
        ranked = [grades.get(int(row), 0) for row in documents[np.argsort(-own[3])]][:10]
        ideal = sorted(grades.values(), reverse=True)[:10]
        gains = [sum(g / np.log2(rank + 2) for rank, g in enumerate(order)) for order in (ranked, ideal)]
        values.append(gains[0] / gains[1])
    assert found["teacher"][3] == pytest.approx(np.mean(values), abs=1e-5)
    assert max(found["teacher"]) <= found["best"] <= 1
    # Once; anew where the file is spoilt or of another student.
    written = (folder.path / stage.LAYER_QUALITY).stat().st_mtime_ns
    _measure(folder)
    assert (folder.path / stage.LAYER_QUALITY).stat().st_mtime_ns == written
    (folder.path / stage.LAYER_QUALITY).write_text('{"source": ')
    monkeypatch.setattr(stage, "world_size", lambda: 2)
    monkeypatch.setattr(stage, "load_layered", lambda *given, **more: _never_cached(load_layered(*given, **more)))
    assert _read(folder) == found


def _never_cached(teacher: Any) -> Any:
    teacher.layers = None
    return teacher


@pytest.mark.parametrize("kind", ["multi-vector", "sparse"])
def test_other_students(tiny_beir: Path, tmp_path: Path, minilm_path: str, mlm_path: str, kind: str) -> None:
    student = {"kind": kind, **({"model": mlm_path} if kind == "sparse" else {"layers": 1})}
    folder = _folder(tiny_beir, tmp_path, minilm_path, student)
    found = _read(folder)
    assert "teacher_after" not in found and len(found["teacher"]) == 6
    assert len(found["before"]) == 1 and 0.1 < found["before"][0] == found["after"][0]


def test_layers_of_a_sparse_model(tiny: Collection, mlm_path: str, tmp_path: Path) -> None:
    load_student(mlm_path, kind="sparse", device="cpu").save_pretrained(str(tmp_path / "sparse"))
    teacher = LayeredSparse(str(tmp_path / "sparse"), precision="float32", cache=tmp_path / "cache")
    (found,) = teacher.layers(tiny, np.array([3]), [np.array([7, 1])])
    model = load_student(mlm_path, kind="sparse", device="cpu").eval()

    def state(text: str) -> torch.Tensor:
        batch = model.preprocess([text])
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
        with torch.no_grad():
            states: torch.Tensor = model[0].auto_model.bert(**inputs).last_hidden_state
        return states[0, 0]

    query = state(tiny.queries.text(3))
    expected = [float(query @ state(tiny.corpus.text(row))) for row in (7, 1)]
    np.testing.assert_allclose(found, [expected], rtol=1e-4)


def test_which_queries_and_documents(tiny_beir: Path, tmp_path: Path, minilm_path: str) -> None:
    folder = _folder(tiny_beir, tmp_path, minilm_path, {"layers": 1})
    qrels = folder.collection.qrels("test")
    rows = qrels.query_rows
    # The relevant ones stand last of 40, and a query has no candidate.
    lists = []
    for query in rows[1:].tolist():
        relevant = qrels.relevant(query)
        others = np.setdiff1d(np.arange(len(folder.collection.corpus)), relevant)[: 40 - len(relevant)]
        lists.append(np.concatenate([others, relevant]))
    scores = [np.arange(len(documents), 0, -1, dtype=np.float32) for documents in lists]
    write_run(from_lists(rows[1:], lists, scores), folder.collection, folder.teacher_run)
    queries, found, kept = stage.sample(SignalPlace.of_run(folder))
    assert queries.tolist() == rows[1:].tolist() == kept.query_rows.tolist()
    for query, documents, whole in zip(queries.tolist(), found, lists, strict=True):
        expected = np.union1d(whole[:20], qrels.relevant(query))
        assert sorted(documents.tolist()) == expected.tolist() and documents.tolist() != whole[: len(expected)].tolist()


def test_what_goes_wrong_is_told_and_passed_over(
    tiny_beir: Path, tmp_path: Path, minilm_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _folder(tiny_beir, tmp_path, minilm_path, {"layers": 1})
    shutil.rmtree(folder.student)
    folder.student.mkdir()
    _measure(folder)
    said = " ".join(capsys.readouterr().err.split())
    assert "could not be measured, and is left out of the report" in said and "without a model" in said
    assert not (folder.path / stage.LAYER_QUALITY).exists()
