"""The student on other collections: figures, refusals before anything is made, what is made anew, where it is told."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from command_line import distillir, in_two
from distillir.base.errors import DistillirError
from distillir.collections import load_collection
from distillir.dry_run.encoding import Encodings
from distillir.dry_run.folder import open_dry
from distillir.dry_run.plan import plan
from distillir.evaluation.measures import evaluate
from distillir.evaluation.search import search_student
from distillir.evaluation.significance import compare
from distillir.recipe.read import parse_recipe
from distillir.reporting.metrics import read_metrics
from distillir.reporting.summary import elsewhere
from distillir.retrieval.trec import read_run
from other_collection import DOCUMENTS, JUDGED, QUERIES, make_other
from small_models import few_words, two_layers

MEASURES = ["nDCG@10", "MRR@10"]


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    return make_other(tmp_path / "tools")


@dataclass(frozen=True)
class Whole:
    """A run that was done once: its folder, recipe and other collection, and what it said."""

    output: Path
    recipe: Path
    tools: Path
    said: str


@pytest.fixture(scope="module")
def whole(tiny_beir: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    place = tmp_path_factory.mktemp("also")
    tools = make_other(place / "tools")
    also = [str(tools), {"collection": str(tools), "split": "dev", "name": "Tools, dev"}]
    recipe, output = _recipe(tiny_beir, place, also), place / "run"
    done = distillir("run", recipe, "--output", output)
    assert done.returncode == 0, done.stderr
    return Whole(output, recipe, tools, done.stderr)


def _value(tiny_beir: Path, also: Any) -> dict[str, Any]:
    return {
        "collection": str(tiny_beir),
        "teacher": {"dense": {"model": str(two_layers() / "base"), "max_length": 32}},
        "student": {"model": few_words(), "layers": 1, "max_length": 16},
        "candidates": {"from": "bm25", "depth": 6},
        "training": {"epochs": 1, "queries_per_step": 4, "candidates_per_query": 3, "precision": "float32"},
        "evaluation": {"measures": MEASURES, "depth": 10, "also": also},
    }


def _recipe(tiny_beir: Path, tmp_path: Path, also: Any) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(_value(tiny_beir, also)), encoding="utf-8")
    return path


def _last(done: Any) -> str:
    lines = [line for line in done.stderr.splitlines() if line.startswith("distillir: ")]
    assert done.returncode == 2 and len(lines) == 1, done.stderr
    return str(lines[0])


def _reciprocal_ranks(model: Path) -> list[float]:
    """The first relevant document's, by sentence-transformers and a sort, without the queries that are documents."""
    from sentence_transformers import SentenceTransformer

    student = SentenceTransformer(str(model), device="cpu")
    asked = student.encode_query([QUERIES[query] for query in JUDGED["test"]], normalize_embeddings=True)
    read = student.encode_document(list(DOCUMENTS.values()), normalize_embeddings=True)
    found = []
    for query, scores in zip(JUDGED["test"], asked @ read.T, strict=True):
        ranked = [list(DOCUMENTS)[row] for row in np.argsort(-scores) if list(DOCUMENTS)[row] != query]
        found.append(1 / (1 + ranked.index(JUDGED["test"][query])))
    return found


def test_figures_are_those_of_the_collection_and_are_told_everywhere(whole: Whole) -> None:
    output, tools = whole.output, whole.tools
    assert "Also measured on tools: 5 test queries, 8 documents" in whole.said

    collection = load_collection(tools)
    metrics = json.loads((output / "metrics.json").read_text())
    assert list(metrics["also"]) == ["tools", "Tools, dev"]
    found, qrels = metrics["also"]["tools"], collection.qrels("test")
    assert (found["split"], found["queries"], found["documents"]) == ("test", 5, 8)
    before, after = (
        evaluate(search_student(output / model, collection, qrels.query_rows, 10), qrels, MEASURES)
        for model in ("work/initial-student", "student")
    )
    assert found["before"] == before.means and found["after"] == after.means
    assert found["comparison"] == [asdict(compare(before, after, name)) for name in MEASURES]
    for when, model in (("before", "work/initial-student"), ("after", "student")):
        assert found[when]["MRR@10"] == pytest.approx(np.mean(_reciprocal_ranks(output / model)))
    # The document that is a query itself is in no ranking of that query.
    run = read_run(output / "runs" / "also" / "tools" / "after.trec", collection)
    lists = {collection.queries.id(int(q)): rows for q, rows in zip(run.queries, run.lists, strict=True)}
    assert collection.corpus.row("q6") not in lists["q6"] and len(lists["q6"]) == 7 and len(lists["q2"]) == 8

    # Told in the terminal, the page and the card.
    lines = elsewhere(read_metrics(output / "metrics.json"))
    assert len(lines) == 2 and lines[0].startswith("On tools (5 test queries) it went from ") and "p " in lines[0]
    assert all(line in " ".join(whole.said.split()) for line in lines)
    page = (output / "report.html").read_text(encoding="utf-8")
    section = page.split('<section id="also">')[1].split("</section>")[0]
    assert "tools" in section and "Tools, dev" in section and f"{found['after']['nDCG@10']:.3f}" in section
    assert "| also measured on | tools (test), Tools, dev (dev) |" in (output / "student" / "README.md").read_text()

    # A rerun searches nothing; a ranking that is gone comes back by itself.
    rankings = {path: path.stat().st_mtime_ns for path in (output / "runs").rglob("*.trec")}
    gone = output / "runs" / "also" / "tools" / "before.trec"
    text = gone.read_text()
    gone.unlink()
    assert distillir("run", whole.recipe, "--output", output).returncode == 0
    assert gone.read_text() == text
    assert {path for path, time in rankings.items() if path.stat().st_mtime_ns != time} == {gone}


def test_other_texts_and_judgements_are_refused_by_name_and_made_anew(
    tiny_beir: Path, tools: Path, tmp_path: Path
) -> None:
    output, recipe = tmp_path / "run", _recipe(tiny_beir, tmp_path, [str(tools)])
    assert distillir("run", recipe, "--output", output).returncode == 0
    kept = {path: path.read_bytes() for path in (output / "student" / "model.safetensors", output / "runs/after.trec")}
    first = json.loads((output / "metrics.json").read_text())["also"]["tools"]

    qrels = tools / "qrels" / "test.tsv"
    qrels.write_text(qrels.read_text().replace("q5\tlathe", "q5\tfile"))
    for verb in ("run", "report"):
        said = _last(distillir(verb, recipe, "--output", output))
        assert "metrics.json" in said and "judgements of tools" in said and "--anew" in said
    done = distillir("run", recipe, "--output", output, "--anew")
    assert done.returncode == 0 and "To be made anew: metrics" in done.stderr and "other collections" not in done.stderr
    second = json.loads((output / "metrics.json").read_text())["also"]["tools"]
    assert second["after"] != first["after"]

    corpus = tools / "corpus.jsonl"
    corpus.write_text(corpus.read_text().replace("until a board is flat", "of wood"))
    said = _last(distillir("run", recipe, "--output", output))
    assert "runs/also" in said and "other documents of tools" in said
    assert distillir("run", recipe, "--output", output, "--anew").returncode == 0
    collection = load_collection(tools)
    judged = collection.qrels("test")
    fresh = evaluate(search_student(output / "student", collection, judged.query_rows, 10), judged, MEASURES)
    assert json.loads((output / "metrics.json").read_text())["also"]["tools"]["after"] == fresh.means
    assert kept == {path: path.read_bytes() for path in kept}  # nothing else was made anew

    # Taken out of the recipe, its rankings and figures go.
    changed = ["--set", "evaluation.also=[]"]
    assert "evaluation.also" in _last(distillir("run", recipe, "--output", output, *changed))
    assert distillir("run", recipe, "--output", output, "--anew", *changed).returncode == 0
    assert "also" not in json.loads((output / "metrics.json").read_text())
    assert not list((output / "runs").rglob("also/*/*.trec"))
    assert 'id="also"' not in (output / "report.html").read_text(encoding="utf-8")

    # Put into the recipe of a run that is done, it is measured without training again.
    assert distillir("evaluate", recipe, "--output", output, "--anew").returncode == 0
    assert json.loads((output / "metrics.json").read_text())["also"]["tools"]["after"] == fresh.means
    assert kept == {path: path.read_bytes() for path in kept}


def test_what_cannot_be_measured_is_refused_before_anything_is_made(
    tiny_beir: Path, tools: Path, tmp_path: Path
) -> None:
    unjudged = make_other(tmp_path / "unjudged", splits=())
    none_relevant = make_other(tmp_path / "none")
    qrels = none_relevant / "qrels" / "test.tsv"
    qrels.write_text(qrels.read_text().replace("\t1\n", "\t0\n"))
    cases: list[tuple[Any, str]] = [
        ([str(tmp_path / "nowhere")], "evaluation.also[0]: "),
        (
            [str(tools), {"collection": str(tools), "split": "train", "name": "b"}],
            "evaluation.also[1]: tools has no split",
        ),
        ([str(unjudged)], "has no judgements"),
        ([str(none_relevant)], "judges no document relevant"),
        ([str(tools), {"collection": str(tools), "split": "dev"}], "is called 'tools', as another is"),
        ([{"collection": str(tools), "name": "tiny"}], "as the run's own collection is"),
        ([str(tiny_beir)], "which it is measured on anyway"),
        ([{"collection": str(tiny_beir), "split": "train"}], "which it learns from"),
    ]
    for number, (also, said) in enumerate(cases):
        output = tmp_path / f"run-{number}"
        recipe = _recipe(tiny_beir, tmp_path, also)
        assert said in _last(distillir("run", recipe, "--output", output)), also
        assert not output.exists()
        with pytest.raises(DistillirError) as refused:
            open_dry(output, parse_recipe(_value(tiny_beir, also)), tmp_path / "scratch")
        assert said in str(refused.value)


def test_splits_limits_and_forms(tiny_beir: Path, tools: Path, tmp_path: Path) -> None:
    """The only split stands for a missing test split; a limit draws the same queries whatever the seed."""
    alone = make_other(tmp_path / "alone", splits=("dev",))
    files = {"documents": str(tools / "corpus.jsonl"), "queries": str(tools / "queries.jsonl"), "name": "files"}
    files["qrels"] = str(tools / "qrels" / "test.tsv")
    also = [str(alone), files, {"collection": str(tools), "queries": 2}]
    drawn = []
    for seed in (0, 1):
        value = {**_value(tiny_beir, also), "seed": seed}
        folder = open_dry(tmp_path / f"run-{seed}", parse_recipe(value), tmp_path / "scratch")
        assert [(one.name, one.split, len(one.rows)) for one in folder.others] == [
            ("alone", "dev", 1), ("files", "test", 5), ("tools", "test", 2),
        ]  # fmt: skip
        drawn.append(folder.others[2].rows.tolist())
        assert set(folder.others[2].qrels.queries) == set(drawn[-1]) and folder.others[2].judged == 5
    assert drawn[0] == drawn[1]
    recipe = parse_recipe(_value(tiny_beir, str(tools)))
    assert [one.collection for one in recipe.evaluation.also] == [str(tools)]
    assert parse_recipe(recipe.resolved()) == recipe
    with pytest.raises(DistillirError, match=r"evaluation\.also\.0\.spilt: unknown key; did you mean 'split'"):
        parse_recipe(_value(tiny_beir, [{"collection": "stdlib", "spilt": "dev"}]))


def test_a_dry_run_counts_them(tiny_beir: Path, tools: Path, tmp_path: Path) -> None:
    dry = open_dry(tmp_path / "run", parse_recipe(_value(tiny_beir, [str(tools)])), tmp_path / "scratch")
    steps = {step.stage: step for step in plan(dry, Encodings())}
    assert list(steps) == ["mine", "score", "before", "before on tools", "train", "evaluate", "evaluate on tools"]
    for name in ("before on tools", "evaluate on tools"):
        assert steps[name].work == "encode 8 documents, search 5 queries" and (steps[name].seconds or 0) > 0


def test_training_queries_and_own_documents_elsewhere_are_told(tiny_beir: Path, tools: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(tiny_beir, copied)
    tiny = load_collection(tiny_beir)
    learnt = tiny.queries.text(int(tiny.qrels("train").query_rows[0]))
    (tools / "queries.jsonl").write_text(
        (tools / "queries.jsonl").read_text().replace(QUERIES["q2"], learnt), encoding="utf-8"
    )
    also = [str(tools), {"collection": str(copied), "split": "dev"}]
    done = distillir("mine", _recipe(tiny_beir, tmp_path, also), "--output", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stderr.split())
    assert "1 of 5 queries of tools have the text of a training query" in said
    assert "copied has the documents of tiny" in said


def test_two_processes_measure_what_one_does(whole: Whole, tmp_path: Path) -> None:
    two = tmp_path / "two"
    shutil.copytree(whole.output, two)
    shutil.rmtree(two / "runs" / "also")
    (two / "metrics.json").unlink()
    done = in_two("evaluate", whole.recipe, "--output", two, DISTILLIR_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    one, both = (json.loads((path / "metrics.json").read_text())["also"]["tools"] for path in (whole.output, two))
    assert both["after"] == pytest.approx(one["after"]) and both["before"] == pytest.approx(one["before"])
    assert done.stderr.count("Student after training on tools") == 1
