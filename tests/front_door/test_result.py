"""A run from Python: as the command line's, step by step as in one call; and its result, which shows itself."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import distillir
from command_line import distillir as command
from distillir.collections import Collection
from distillir.teaching import open_teaching_set


@pytest.fixture(scope="module")
def recipe(tiny_beir: Path, minilm_path: str, small_models: Path) -> dict[str, Any]:
    """What every test here trains: one layer, short texts, two epochs."""
    return {
        "collection": str(tiny_beir),
        "teacher": {"ensemble": ["bm25", {"dense": str(small_models / "base")}]},
        "student": {"model": minilm_path, "layers": 1, "max_length": 32},
        "candidates": {"from": ["bm25", "dense"], "depth": 8, "add_judged": True},
        "method": "ckl",
        "training": {"epochs": 2, "queries_per_step": 4, "candidates_per_query": 4, "precision": "float32"},
        "evaluation": {"measures": ["nDCG@10", "MRR@10"]},
    }


@pytest.fixture(scope="module")
def result(recipe: dict[str, Any], tmp_path_factory: pytest.TempPathFactory, isolated_cache: Path) -> distillir.Result:
    """That run, called from Python."""
    return distillir.run(recipe, output=tmp_path_factory.mktemp("front") / "run")


def _digest(student: Path) -> str:
    return hashlib.sha256((student / "model.safetensors").read_bytes()).hexdigest()


def _figures(run: Path) -> dict[str, Any]:
    """``metrics.json`` without what the clock says."""
    metrics: dict[str, Any] = json.loads((run / "metrics.json").read_text())
    return {key: value for key, value in metrics.items() if key not in ("seconds", "teacher_calls")}


def test_run_is_that_of_the_command_line(recipe: dict[str, Any], result: distillir.Result, tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    done = command("run", file, "--output", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert _digest(result.path / "student") == _digest(tmp_path / "run" / "student")
    assert _figures(result.path) == _figures(tmp_path / "run")
    # The file from Python, into the folder that the command line wrote: nothing is left to do.
    again = distillir.run(file, output=tmp_path / "run", settings={"seed": 0})
    assert again.metrics == json.loads((tmp_path / "run" / "metrics.json").read_text())


def test_step_by_step_is_the_run(
    recipe: dict[str, Any], result: distillir.Result, tiny: Collection, tmp_path: Path
) -> None:
    student = recipe["student"]
    candidates = distillir.mine(tiny, ["bm25", "dense"], depth=8, student=student, add_judged=True)
    teaching = distillir.score(tiny, candidates, teacher=recipe["teacher"])
    whole = open_teaching_set(result.path / "teaching")
    assert len(teaching) == len(whole)
    for index in range(len(whole)):
        assert np.array_equal(teaching.documents(index), whole.documents(index))
        assert np.array_equal(teaching.scores(index), whole.scores(index))
        assert np.array_equal(teaching.relevant(index), whole.relevant(index))
    model = distillir.train(
        tiny, teaching, student, method="ckl", training=recipe["training"], output=tmp_path / "trained"
    )
    assert _digest(tmp_path / "trained" / "student") == _digest(result.path / "student")
    measures = distillir.evaluate(tiny, model, measures=["nDCG@10", "MRR@10"])
    assert dict(measures) == result.metrics["after"]
    assert np.isclose(measures.per_query["MRR@10"].mean(), measures["MRR@10"])
    before = distillir.evaluate(tiny, result.path / "work" / "initial-student", measures=["nDCG@10", "MRR@10"])
    compared = distillir.evaluate(tiny, result.student, measures=["nDCG@10", "MRR@10"], before=before)
    assert [vars(one) for one in compared.comparison] == result.metrics["comparison"]


def test_set_of_the_run_gives_the_weights_of_the_command_line(
    recipe: dict[str, Any], result: distillir.Result, tiny: Collection, tmp_path: Path
) -> None:
    parts = {key: value for key, value in recipe.items() if key not in ("teacher", "candidates", "method", "training")}
    training = {**recipe["training"], "epochs": 1}
    value = {**parts, "teaching": str(result.path / "teaching"), "objective": "kl", "training": training}
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump(value), encoding="utf-8")
    for verb in ("score", "train"):
        done = command(verb, file, "--output", tmp_path / "run")
        assert done.returncode == 0, done.stderr
    distillir.train(
        tiny,
        result.path / "teaching",
        recipe["student"],
        objective="kl",
        training=training,
        output=tmp_path / "trained",
    )
    assert _digest(tmp_path / "trained" / "student") == _digest(tmp_path / "run" / "student")


def test_recipe_may_hold_paths_and_open_collections(recipe: dict[str, Any], tiny: Collection, tmp_path: Path) -> None:
    """Checked only: what is wrong with it is said of the text that the path stands for."""
    with pytest.raises(distillir.DistillirError, match=r"training\.epoch: unknown key; did you mean 'epochs'"):
        distillir.run({**recipe, "collection": tiny}, output=tmp_path / "run", settings={"training.epoch": 1})
    with pytest.raises(distillir.DistillirError, match="nowhere: no such folder"):
        distillir.run({**recipe, "collection": tmp_path / "nowhere"}, output=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_result_of_a_run(result: distillir.Result) -> None:
    assert set(result.metrics["after"]) == {"nDCG@10", "MRR@10"} and "teacher" in result.metrics
    assert result.report.is_file() and result.path.is_dir()
    assert result.student.encode_query(["how are bees fed"]).shape == (1, 384)
    assert len(result.student[0].auto_model.encoder.layer) == 1


def test_result_in_a_terminal(result: distillir.Result) -> None:
    first, *lines = repr(result).splitlines()
    assert first.startswith("ckl on tiny: the student went from")
    head, ndcg, mrr, student, report = lines
    assert head.split() == ["measure", "before", "after", "teacher", "gain", "95", "%", "interval", "p", "share"]
    assert ndcg.split()[:3] == ["nDCG@10", *(f"{result.metrics[part]['nDCG@10']:.3f}" for part in ("before", "after"))]
    assert mrr.startswith("MRR@10") and student.endswith("student") and report.endswith("report.html")


def test_result_in_a_notebook(result: distillir.Result) -> None:
    page = result._repr_html_()
    assert re.findall(r"<th [^>]*>([^<]*)<", page)[:4] == ["measure", "before", "after", "teacher"]
    assert f"{result.metrics['teacher']['MRR@10']:.3f}</td>" in page
    assert page.count("<tr>") == 3 and str(result.report) in page
    for tag in ("div", "p", "table", "tr", "td", "th", "code"):
        assert len(re.findall(rf"<{tag}[ >]", page)) == page.count(f"</{tag}>"), tag


def test_folder_of_the_command_line_is_opened(result: distillir.Result, tmp_path: Path) -> None:
    assert distillir.Result(str(result.path)).metrics == result.metrics
    with pytest.raises(distillir.DistillirError, match="holds no run that has been evaluated"):
        distillir.Result(tmp_path)


def test_measures_show_what_is_known(tiny: Collection) -> None:
    bm25 = distillir.evaluate(tiny, distillir.mine(tiny, "bm25", depth=100, queries="test"), measures="MRR@10")
    assert repr(bm25).splitlines()[0] == "tiny, 8 test queries"
    assert repr(bm25).splitlines()[1].split() == ["measure", "mean"]
    shallow = distillir.evaluate(tiny, bm25.run, measures="MRR@10", depth=1, before=bm25)
    assert "before" in repr(shallow) and "teacher" not in repr(shallow)
    assert shallow.comparison[0].before == bm25["MRR@10"] >= shallow["MRR@10"]
    assert "<td" in shallow._repr_html_() and list(shallow) == ["MRR@10"]
