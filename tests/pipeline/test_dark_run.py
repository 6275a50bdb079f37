"""Runs with dark examples: made and scored once, beside any method, never measured on, refused where impossible."""

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from command_line import apart, distillir, kill_once
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.composition.compose import compose
from distillir.pipeline.mine import mine_stage
from distillir.pipeline.open_run import open_run
from distillir.pipeline.run import run
from distillir.pipeline.score import score_stage
from distillir.pipeline.signals import prepare_product
from distillir.recipe import Recipe
from distillir.recipe.read import parse_recipe
from distillir.retrieval.trec import read_run
from distillir.signals.dark_examples.dark_example_set import open_dark_set
from small_models import few_words, two_layers

DARK = {"reinforced": 4, "noisy": 4, "gate": {"schedule": "quantile", "start": 0.5, "end": 1.0}}


@pytest.fixture(scope="module")
def teacher(small_models: Path) -> str:
    """A cross-encoder with a new head: its scores say little, and are counted."""
    return str(small_models / "cross-encoder")


def _recipe(tiny_beir: Path, **changes: Any) -> Recipe:
    value: dict[str, Any] = {
        "collection": str(tiny_beir),
        "teacher": {"ensemble": ["bm25", {"dense": str(two_layers() / "base")}]},
        "student": {"model": few_words(), "layers": 1, "max_length": 32},
        "candidates": {"from": ["bm25"], "depth": 6, "add_judged": True},
        "method": {"name": "adam", "dark": DARK},
        "training": {"epochs": 2, "queries_per_step": 4, "candidates_per_query": 3, "precision": "float32"},
        "evaluation": {"measures": ["nDCG@10"]},
    }
    return parse_recipe({**value, **changes})


def test_a_run_with_dark_examples(tiny_beir: Path, tiny: Collection, teacher: str, tmp_path: Path) -> None:
    # This teacher knows nothing, so that hardly a text of it lies between negatives and positive: any will do.
    spec = {**DARK, "choice": "random", "drop_above": False}
    recipe = _recipe(tiny_beir, teacher={"cross-encoder": teacher}, method={"name": "adam", "dark": spec})
    run(recipe, tmp_path / "run")
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["method"] == "adam" and metrics["dark"]["lists"] > 0
    assert metrics["stages"][0]["dark"]["objective"] == [{"kl": {"weight": 1.0, "student_temperature": 0.05,
                                                                 "teacher_temperature": 1.0,
                                                                 "own_list": False}}]  # fmt: skip
    (epochs,) = metrics["gate"].values()
    assert len(epochs) == 2 and epochs[0][1] < epochs[1][1]
    assert metrics["dark_calls"]["asked"] == sum(kind["made"] for kind in metrics["dark"]["kinds"].values())
    assert metrics["seconds"]["dark"] > 0
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "<h2>Dark examples</h2>" in page and "<mark>" in page and "Entropy with dark examples" in page

    # None of them is searched or measured: the collection is what it was, and no run names one.
    made = open_dark_set(tmp_path / "run" / "dark")
    for path in (tmp_path / "run" / "runs").glob("*.trec"):
        assert (read_run(path, tiny).documents < len(tiny.corpus)).all()
        assert not any(identifier in path.read_text(encoding="utf-8") for identifier in made.texts.ids()[:5])
    # What the teacher says of a candidate among dark examples is what it says of it alone.
    from distillir.teaching.teaching_set import open_teaching_set

    lists = open_teaching_set(tmp_path / "run" / "teaching", tiny)
    for index, found in made.lists.items():
        np.testing.assert_array_equal(found.candidates, lists.scores(index))

    # Dark examples of another teaching set are not taken for this one's.
    source = tmp_path / "run" / "dark" / "texts" / "source"
    own, other = source.read_text(), "0" * 32
    source.write_text(other)
    with pytest.raises(DistillirError, match="another teaching set"), open_run(tmp_path / "run", recipe) as folder:
        prepare_product("dark examples", folder)
    source.write_text(own)

    run(recipe.model_copy(update={"seed": 0}), tmp_path / "again")
    again = json.loads((tmp_path / "again" / "metrics.json").read_text())
    assert again["teacher_calls"]["asked"] == 0 == again["dark_calls"]["asked"]
    assert again["after"] == metrics["after"] and again["dark"] == metrics["dark"]


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ({"name": "ckl", "dark": DARK}, "ckl + dark examples"),
        ({"name": "margin_mse", "dark": {**DARK, "gate": "none", "weight": 0.5}}, "margin_mse + dark examples"),
        ({"name": "cl-drd", "plan": [{"lists": {"top": 2, "hard": 1, "remaining": 1}}, {"lists": {"top": 3}}],
          "dark": {**DARK, "originals": True}}, "cl-drd + dark examples, plan own"),
        ({"name": "kl", "plan": [{}, {"mine": True}], "dark": True}, "kl + dark examples, plan own"),
        ({"name": "adam", "objective": {"kl": 1, "info_nce": 1}, "dark": {**DARK, "objective": "ranknet"}},
         "kl + info_nce + dark examples"),
    ],
)  # fmt: skip
def test_dark_lists_beside_any_method(tiny_beir: Path, tmp_path: Path, method: dict[str, Any], name: str) -> None:
    changes: dict[str, Any] = {"method": method}
    if "mine" in str(method):
        changes["candidates"] = {"from": ["bm25", "dense"], "depth": 6, "add_judged": True}
    recipe = _recipe(tiny_beir, **changes)
    run(recipe, tmp_path / "run")
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["method"] == name and 0 < metrics["after"]["nDCG@10"] <= 1
    stages = metrics["stages"]
    assert all("dark" in stage for stage in stages)
    assert set(metrics["gate"]) == {str(number) for number in range(1, len(stages) + 1)}
    if "mine" in str(method):
        assert (tmp_path / "run" / "work" / "dark-2" / "dark.parquet").is_file() and "stage 2" in metrics["dark"]


def test_what_a_recipe_with_dark_examples_is_called(tiny_beir: Path) -> None:
    ckl = {"name": "adam", "dark": DARK, "objective": {"ckl": {"gamma": 1, "beta": 0}}}
    for method, name in ((ckl, "ckl + dark examples"), ("adam", "adam"), ({"name": "adam", "dark": False}, None)):
        found = compose(_recipe(tiny_beir, method=method))
        assert found.name == (name or "adam without dark examples")
        assert found.wants("dark") == (name is not None) == ("dark" in found.stages[0].facts())


def test_killed_while_scoring_nothing_is_asked_twice(tiny_beir: Path, teacher: str, tmp_path: Path) -> None:
    value = _recipe(tiny_beir, teacher={"cross-encoder": {"model": teacher, "max_length": 127}}).resolved()
    path, output, cache = tmp_path / "recipe.yaml", tmp_path / "run", tmp_path / "cache"
    path.write_text(yaml.safe_dump(value), encoding="utf-8")
    call = (path, "--output", output)
    assert distillir("mine", *call, DISTILLIR_CACHE=str(cache)).returncode == 0
    process = apart("score", *call, DISTILLIR_CACHE=str(cache))
    kill_once(process, (output / "dark" / "texts").is_dir)
    assert process.returncode == -signal.SIGKILL
    texts = (output / "dark" / "texts" / "texts.arrow").stat().st_mtime_ns
    done = distillir("score", *call, DISTILLIR_CACHE=str(cache))
    assert done.returncode == 0, done.stderr
    assert (output / "dark" / "texts" / "texts.arrow").stat().st_mtime_ns == texts
    scored = [file.stat().st_size for file in cache.glob("scores/*/*") if file.is_file()]
    again = distillir("score", *call, DISTILLIR_CACHE=str(cache))
    assert again.returncode == 0 and "asked" not in again.stderr
    assert scored == [file.stat().st_size for file in cache.glob("scores/*/*") if file.is_file()]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": {"name": "adam", "dark": {"reinforced": 0, "noisy": 0}}}, "none is made"),
        ({"method": {"name": "adam", "dark": {"noisy": 0, "kinds": ["noisy"]}}}, "of noisy none is made"),
        ({"method": {"name": "info_nce", "dark": True}}, "learns from judgements alone"),
        ({"method": {"name": "adam", "dark": {"objective": "info_nce"}}}, "learns from judgements alone"),
        ({"teacher": None, "teaching": "somewhere"}, "the recipe has none"),
        ({"method": {"name": "adam", "dark": {"modes": ["swap"]}}}, "swap"),
        ({"method": {"name": "adam", "dark": {"rates": [1.0]}}}, "rates"),
        ({"method": {"name": "adam", "dark": {"gate": {"shedule": "linear"}}}}, "schedule"),
        ({"method": {"name": "adam", "dark": {"gate": {"start": 2}}}}, "from 0 to 1"),
        ({"method": {"name": "adam", "dark": 3}}, "dark"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_loaded(
    tiny_beir: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(DistillirError) as error:
        _recipe(tiny_beir, **changes)
    assert said in str(error.value) and len(str(error.value).splitlines()) == 1


def _beir(folder: Path, documents: list[str], queries: int = 4) -> Path:
    """A collection whose query ``i`` has document ``i`` as its positive; the last query is for the test split."""
    folder.mkdir()
    rows = [json.dumps({"_id": f"d{i}", "title": "", "text": text}) for i, text in enumerate(documents)]
    (folder / "corpus.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    asked = [json.dumps({"_id": f"q{i}", "text": documents[i].split()[0]}) for i in range(queries)]
    (folder / "queries.jsonl").write_text("\n".join(asked) + "\n", encoding="utf-8")
    (folder / "qrels").mkdir()
    for split, chosen in (("train", range(queries - 1)), ("test", [queries - 1])):
        lines = ["query-id\tcorpus-id\tscore", *(f"q{i}\td{i}\t1" for i in chosen)]
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _dark_of(recipe: Recipe, output: Path) -> Any:
    with open_run(output, recipe) as folder:
        mine_stage(folder)
        score_stage(folder)
        prepare_product("dark examples", folder)
    return open_dark_set(output / "dark")


def test_one_word_positives_have_reinforced_negatives_alone(tmp_path: Path) -> None:
    words = ["bee", "comb", "queen", "drone and wax", "a hive of bees and wax"]
    path = _beir(tmp_path / "words", words)
    made = _dark_of(_recipe(path, candidates={"from": "dense", "depth": 4, "add_judged": True}), tmp_path / "run")
    assert {kind for found in made.lists.values() for kind in found.kinds} == {"reinforced"}


def test_no_negatives_and_nothing_left_to_make(tiny_beir: Path, tmp_path: Path) -> None:
    """Lists of the positive alone: noisy positives where it has words to lose, a clear end where it has none."""
    path = _beir(tmp_path / "alone", ["bee sees light", "comb holds honey", "queen lays eggs", "drone waits long"])
    recipe = _recipe(path, candidates={"from": "bm25", "depth": 2, "add_judged": True})
    made = _dark_of(recipe, tmp_path / "run")
    assert {kind for found in made.lists.values() for kind in found.kinds} == {"noisy"}
    words = _beir(tmp_path / "words", ["bee", "comb", "queen", "drone"])
    for _ in range(2):  # nothing is left of the first that the second could take for damage
        with pytest.raises(DistillirError, match="positives are too short"):
            _dark_of(_recipe(words, candidates={"from": "bm25", "depth": 2, "add_judged": True}), tmp_path / "none")
        assert not (tmp_path / "none" / "dark").exists()
    with pytest.raises(DistillirError, match="no list has a positive"):
        _dark_of(_recipe(tiny_beir, queries={"split": None, "sentences": 4}), tmp_path / "unjudged")


def test_texts_longer_than_the_encoders(tmp_path: Path, minilm_path: str) -> None:
    """Whatever is put into a negative is read by the student, which reads 16 tokens here."""
    long = [f"{name} " + "honey wax light flower nectar " * 60 for name in ("bee", "comb", "queen", "drone")]
    path = _beir(tmp_path / "long", long)
    recipe = _recipe(
        path,
        candidates={"from": "dense", "depth": 3, "add_judged": True},
        student={"model": minilm_path, "layers": 1, "max_length": 16},
    )
    made = _dark_of(recipe, tmp_path / "run")
    for found in made.lists.values():
        for row, kind in zip(found.rows, found.kinds, strict=True):
            text = made.text(int(row))
            if kind == "reinforced":
                assert all(len(text.text[:end].split()) <= 14 for _, end in text.injected)
