"""Runs on a collection whose queries are documents, as ArguAna's: every stage leaves them out, or none."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.collections.text_identity import normalised
from distillir.dry_run.encoding import Encodings
from distillir.dry_run.folder import DryFolder
from distillir.dry_run.lists import planned_training_lists
from distillir.dry_run.search import Searches
from distillir.pipeline.evaluate import evaluate_stage, search_before
from distillir.pipeline.mine import mine_stage
from distillir.pipeline.queries import evaluation_qrels, training_queries
from distillir.pipeline.rankings import read_ranking
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.score import score_stage
from distillir.recipe.read import parse_recipe
from distillir.retrieval.trec import read_run
from distillir.teaching import build_teaching_set, open_teaching_set
from same_texts import ARGUMENTS, COUNTERS, arguana, make_collection
from small_models import few_words


def _recipe(collection: Path, **changed: Any) -> dict[str, Any]:
    return {
        "collection": str(collection),
        "teacher": {"dense": few_words()},
        "student": {"model": few_words(), "layers": 1, "max_length": 32},
        "candidates": {"from": [{"dense": few_words()}], "depth": 6},
        "training": {"epochs": 1, "queries_per_step": 2, "candidates_per_query": 3, "precision": "float32"},
        "evaluation": {"measures": ["nDCG@10", "MRR@10"]},
        **changed,
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    arguana(tmp_path / "arguana", copy="SPENDING on bees  helps nobody, whatever towns say of bees")
    return tmp_path / "arguana"


def _folder(source: Path, output: Path, **changed: Any) -> RunFolder:
    return RunFolder(output, parse_recipe(_recipe(source, **changed)))


def _own(folder: RunFolder, queries: np.ndarray, lists: list[np.ndarray]) -> int:
    """How many lists hold the query itself."""
    opened = folder.collection
    texts = [normalised(text) for text in opened.corpus.bodies()]
    asked = [normalised(text) for text in opened.queries.texts(queries)]
    return sum(query in [texts[row] for row in rows] for query, rows in zip(asked, lists, strict=True))


def test_mining_teaching_and_measuring_leave_the_query_itself_out(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _folder(source, tmp_path / "run")
    mine_stage(folder)
    score_stage(folder)
    search_before(folder)
    said = capsys.readouterr().err
    assert "6 of 6 queries are documents of the corpus themselves" in said
    assert "1 candidates of 1 lists have the text of a positive under another id" in said
    for path in (folder.candidates, folder.evaluation_candidates, folder.teacher_run, folder.before_run):
        run = read_run(path, folder.collection)
        assert _own(folder, run.queries, run.lists) == 0, path.name
    assert all(len(rows) == 6 for rows in read_run(folder.candidates, folder.collection).lists)
    taught = open_teaching_set(folder.teaching)
    assert _own(folder, taught.queries, taught.lists) == 0
    assert folder.facts.read()["same_texts"] == {
        "own_documents": 6, "own_judged": 0, "same_id": 0, "same_text": 0, "evaluated": 0, "copies": 1,
    }  # fmt: skip
    # A ranking that an earlier version wrote, or that was put there, is measured without them too.
    run = read_run(folder.before_run, folder.collection)
    lines = [
        f"{folder.collection.queries.id(int(q))} Q0 {folder.collection.queries.id(int(q))} 1 9 old" for q in run.queries
    ]
    folder.before_run.write_text("\n".join([*folder.before_run.read_text().splitlines(), *lines]) + "\n")
    assert _own(folder, run.queries, read_run(folder.before_run, folder.collection).lists) == 2
    assert _own(folder, run.queries, read_ranking(folder, folder.before_run).lists) == 0


def test_an_option_keeps_it_everywhere(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _folder(source, tmp_path / "run", queries={"own_document": "keep"})
    mine_stage(folder)
    score_stage(folder)
    search_before(folder)
    assert "queries.own_document: keep" in capsys.readouterr().err
    for path in (folder.candidates, folder.evaluation_candidates, folder.teacher_run, folder.before_run):
        run = read_ranking(folder, path)
        assert _own(folder, run.queries, run.lists) == len(run), path.name


def test_queries_held_out_are_not_judged_relevant_to_themselves(source: Path, tmp_path: Path) -> None:
    held = {"split": None, "held_out": 2, "measures": ["nDCG@10"]}
    folder = _folder(source, tmp_path / "run", evaluation=held)
    mine_stage(folder)
    score_stage(folder)
    qrels = evaluation_qrels(folder)
    assert len(qrels) == 2
    own = folder.collection.corpus.rows(folder.collection.queries.ids(qrels.queries))
    assert not (qrels.documents == own).any()


def _teaching(opened: Collection, path: Path, queries: list[str]) -> None:
    """Lists of the query itself and two others."""
    rows = opened.queries.rows(queries)
    lists = [opened.corpus.rows([name, "bread-con", "violins-con"]) for name in queries]
    scores = [np.array([3, 2, 1], dtype=np.float32)] * len(rows)
    build_teaching_set(
        opened, rows, lists, scores, [np.array([True, False, False])] * len(rows), {"teacher": "x"}, path
    )


def test_a_teaching_set_made_elsewhere_loses_own_documents_and_evaluated_queries(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = _folder(source, tmp_path / "other").collection
    _teaching(opened, tmp_path / "set", ["bees-pro", "trains-pro", "harbours-pro"])
    changed = {"teaching": str(tmp_path / "set"), "teacher": None}
    with pytest.raises(DistillirError, match="teaches 1 queries of the evaluation split, for example 'harbours-pro'"):
        score_stage(_folder(source, tmp_path / "refused", **changed))
    folder = _folder(source, tmp_path / "run", **changed, queries={"leave_out_evaluated": True})
    score_stage(folder)
    taught = open_teaching_set(folder.teaching)
    assert opened.queries.ids(taught.queries) == ["bees-pro", "trains-pro"] and taught.info["teacher"] == "x"
    assert [opened.corpus.ids(taught.documents(i)) for i in range(2)] == [["bread-con", "violins-con"]] * 2
    assert [taught.scores(i).tolist() for i in range(2)] == [[2, 1]] * 2
    assert not any(taught.relevant(i).any() for i in range(2))
    assert "left out 2 candidates of the teaching set that are the queries themselves" in capsys.readouterr().err
    kept = {"leave_out_evaluated": True, "own_document": "keep"}
    folder = _folder(source, tmp_path / "kept", **changed, queries=kept)
    dry = DryFolder(folder.path, folder.recipe, tmp_path / "scratch")
    planned = planned_training_lists(dry, Searches(dry, Encodings())).total
    score_stage(folder)
    assert len(open_teaching_set(folder.teaching)) == planned == 2
    assert open_teaching_set(folder.teaching).sizes.tolist() == [3, 3]


def test_training_queries_with_the_text_of_an_evaluated_one_are_told_or_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    queries = {
        "a": ARGUMENTS["bees-pro"],
        "b": ARGUMENTS["trains-pro"],
        "c": "Towns should spend  more on BEES since bees make people glad",
    }
    qrels = {"train": [("a", "bees-con", 1), ("b", "trains-con", 1)], "test": [("c", "bees-con", 1)]}
    opened = make_collection(tmp_path / "leak", COUNTERS | {"b": "something else"}, queries, qrels)
    folder = _folder(tmp_path / "leak", tmp_path / "run")
    mine_stage(folder)
    said = " ".join(capsys.readouterr().err.split())
    assert "1 of 2 training queries have the text of an evaluated query under another id" in said
    assert "1 of 3 queries have the id of a document with another text" in said
    assert folder.facts.read()["same_texts"]["evaluated"] == 1 and folder.facts.read()["same_texts"]["same_id"] == 1
    assert opened.queries.ids(training_queries(folder)) == ["a", "b"]
    left = _folder(tmp_path / "leak", tmp_path / "left", queries={"leave_out_evaluated": True})
    assert opened.queries.ids(training_queries(left)) == ["b"]


def test_metrics_hold_the_counts(source: Path, tmp_path: Path) -> None:
    from distillir.pipeline.train import train_stage
    from distillir.reporting.metrics import read_metrics

    folder = _folder(source, tmp_path / "run")
    mine_stage(folder)
    score_stage(folder)
    train_stage(folder)
    evaluate_stage(folder)
    metrics = read_metrics(folder.metrics)
    assert metrics.same_texts["own_documents"] == 6 and metrics.same_texts["copies"] == 1
    runs = {name: read_run(folder.runs / f"{name}.trec", folder.collection) for name in ("before", "after")}
    assert all(_own(folder, run.queries, run.lists) == 0 for run in runs.values())
    # Of twelve other documents none is the query: the counter-argument can come first.
    assert json.loads(folder.metrics.read_text())["after"]["MRR@10"] > 0.3
