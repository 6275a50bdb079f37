"""Searches on the tiny collection: from a recipe to a better one, stopped, killed, refused, pruned."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml

from command_line import apart, distillir, kill_once
from distillir.recipe import Recipe
from distillir.recipe.read import read_recipe
from distillir.tuning.result import Gain, SearchResult, gain_line, make_result, trial_file
from distillir.tuning.search import Limits, tune
from distillir.tuning.shared import Shared, prepared, trial_recipe
from distillir.tuning.space import build_space
from distillir.tuning.study import FILE, Study, Tried, mend
from distillir.tuning.trial import FINISHED, PRUNED, STOPPED, Outcome, run_trial


@pytest.fixture
def value(tiny_beir: Path, small_models: Path) -> dict[str, Any]:
    return {
        "collection": str(tiny_beir),
        "teacher": "bm25",
        # Two students differ on these queries: the start does not find everything.
        "student": {"model": str(small_models / "base"), "layers": 1, "max_length": 8},
        "candidates": {"from": "bm25", "depth": 8},
        "training": {
            **{"epochs": 1, "queries_per_step": 4, "candidates_per_query": 4, "precision": "float32"},
            **{"select_queries": 6, "select_measures": 3},
        },
        "evaluation": {"measures": ["nDCG@10"]},
    }


def _file(value: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(value), encoding="utf-8")
    return path


def _result(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return found


def _by_number(folder: Path) -> list[dict[str, Any]]:
    return sorted(_result(folder)["tried"], key=lambda trial: trial["number"])


def _logged(path: Path) -> list[float]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [line["dev_nDCG@10"] for line in lines if "dev_nDCG@10" in line]


def test_a_search_from_a_recipe_to_a_better_one(value: dict[str, Any], tmp_path: Path) -> None:
    """The first trial is the recipe, what is found runs and measures as its trial did, a rerun changes nothing."""
    path, folder = _file(value, tmp_path), tmp_path / "search"
    dry = distillir("tune", path, "--output", folder, "--dry-run", "--minutes", 1)
    assert dry.returncode == 0 and not folder.exists(), dry.stderr
    assert "trials in 1 minutes" in dry.stderr and "learning_rate" in dry.stderr
    done = distillir("tune", path, "--output", folder, "--trials", 4, "--minutes", 5)
    assert done.returncode == 0, done.stderr
    assert "Trial 0 is the given recipe" in done.stderr and "4 trials are made (--trials)" in done.stderr
    tried = _by_number(folder)
    assert [trial["own"] for trial in tried] == [True, False, False, False]
    result = _result(folder)
    assert result["first"] == tried[0]["value"] and result["best"] == max(trial["value"] for trial in tried)
    assert result["best"] >= result["first"] and result["queries"] == ["dev", 6]
    counted = {name: sum(part["trials"] for part in parts) for name, parts in result["keys"].items()}
    assert set(counted.values()) == {4} and len(counted) == 8

    # Nothing was made for the queries that are reported.
    runs = {file.name for file in (folder / "shared" / "runs").iterdir()}
    assert runs == {"candidates.trec", "selection-candidates.trec"} and not (folder / "work").exists()

    for recipe, number, settings in (
        (folder / "recipe.yaml", result["number"], []),
        (path, 0, ["--set", "training.select=dev"]),
    ):
        run = distillir("run", recipe, "--output", tmp_path / f"run-{number}", *settings)
        assert run.returncode == 0, run.stderr
        assert _logged(tmp_path / f"run-{number}" / "log.jsonl") == _logged(
            trial_file(folder, number).with_suffix(".jsonl")
        )

    study = (folder / FILE).read_bytes()
    again = distillir("tune", path, "--output", folder, "--trials", 4, "--minutes", 5)
    assert again.returncode == 0 and _by_number(folder) == tried
    assert (folder / FILE).read_bytes() == study

    for changed, words in (
        (["--set", "training.epochs=2"], "another recipe (differs in training.epochs: 1.0 there, 2.0 now)"),
        (["--seed", 1], "another search (differs in seed: 0 there, 1 now)"),
        (["--keys", "epochs"], "another search (differs in keys"),
    ):
        refused = distillir("tune", path, "--output", folder, *changed)
        assert refused.returncode == 2 and words in refused.stderr, refused.stderr
    anew = distillir("tune", path, "--output", folder, "--keys", "epochs", "--trials", 1, "--anew")
    assert anew.returncode == 0 and len(_by_number(folder)) == 1 and "Candidates:" not in anew.stderr


def test_what_is_reported_decides_nothing(value: dict[str, Any], tiny_beir: Path, tmp_path: Path) -> None:
    """Judgements of the test split that name wrong documents change no draw and no measure."""
    poisoned = tmp_path / "tiny"
    shutil.copytree(tiny_beir, poisoned)
    file = poisoned / "qrels" / "test.tsv"
    header, *lines = file.read_text(encoding="utf-8").splitlines()
    parts = [line.split("\t") for line in lines]
    wrong = [[query, other[1], grade] for (query, _, grade), other in zip(parts, [*parts[5:], *parts[:5]], strict=True)]
    file.write_text("\n".join([header, *("\t".join(line) for line in wrong)]) + "\n", encoding="utf-8")
    found = []
    for name, collection in (("as it is", tiny_beir), ("poisoned", poisoned)):
        recipe = Recipe.model_validate({**value, "collection": str(collection)})
        tune(recipe, tmp_path / name, Limits(5, 2), only=["learning_rate", "epochs"])
        found.append([(trial["params"], trial["value"]) for trial in _by_number(tmp_path / name)])
    assert found[0] == found[1]


def test_a_killed_search_goes_on_as_if_it_had_not_been(value: dict[str, Any], tmp_path: Path) -> None:
    path = _file(value, tmp_path)
    arguments = ("--trials", 3, "--minutes", 5, "--keys", "learning_rate,sample", "--seed", 3)
    assert distillir("tune", path, "--output", tmp_path / "whole", *arguments).returncode == 0
    folder = tmp_path / "killed"
    process = apart("tune", path, "--output", folder, *arguments)
    kill_once(process, (folder / "trials" / "001.jsonl").is_file)
    assert (folder / "recipe.yaml").is_file()  # what was found by then
    with (folder / FILE).open("a") as file:
        file.write('{"op_code": 4, "wor')
    done = distillir("tune", path, "--output", folder, *arguments)
    assert done.returncode == 0, done.stderr
    assert "Trial 1 was stopped: it is repeated" in done.stderr

    def made(output: Path) -> list[tuple[Any, Any]]:
        return [(t["params"], t["value"]) for t in _by_number(output) if t["ended"] in (FINISHED, PRUNED)]

    assert made(folder) == made(tmp_path / "whole") and len(made(folder)) == 3


def test_a_search_ends_with_its_time(value: dict[str, Any], tmp_path: Path) -> None:
    """With too little time the given recipe is tried all the same and nothing else begun; without any nothing is."""
    path, folder = _file(value, tmp_path), tmp_path / "search"
    refused = distillir("tune", path, "--output", folder, "--minutes", 0)
    assert refused.returncode == 2 and "--minutes: no time for a trial" in refused.stderr and not folder.exists()
    done = distillir("tune", path, "--output", folder, "--minutes", 0.001)
    assert done.returncode == 0 and "the 0.001 minutes are spent (--minutes)" in done.stderr, done.stderr
    assert (
        "Only the given recipe was tried: give more --minutes" in done.stderr and "1 trial (1 finished)" in done.stderr
    )
    assert len(_by_number(folder)) == 1 and _result(folder)["gain"] is None
    assert read_recipe(folder / "recipe.yaml").training.select == "dev"
    seconds = _by_number(folder)[0]["seconds"]
    few = distillir("tune", path, "--output", folder, "--minutes", seconds * 1.2 / 60)
    assert "is not begun: it would take about" in few.stderr
    assert _result(folder)["trials"][FINISHED] == 1


def test_without_optuna(value: dict[str, Any], tmp_path: Path) -> None:
    with patch.dict(sys.modules, {"optuna": None}):
        done = distillir("tune", _file(value, tmp_path))
    assert done.returncode == 2
    assert done.stderr == "distillir: distillir tune: optuna is not installed; pip install 'distillir[tune]'\n"


def test_a_folder_of_something_else(value: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    done = distillir("tune", _file(value, tmp_path), "--output", tmp_path / "full", "--anew")
    assert done.returncode == 2 and "is not empty and holds no search" in done.stderr
    assert [file.name for file in (tmp_path / "full").iterdir()] == ["letter.txt"]


@pytest.fixture
def shared(value: dict[str, Any], tmp_path: Path) -> Iterator[Shared]:
    with prepared(tmp_path / "shared", trial_recipe(Recipe.model_validate(value)), anew=False) as found:
        yield found


def test_a_bad_trial_is_pruned_and_a_late_one_stopped(shared: Shared, tmp_path: Path) -> None:
    space = build_space(shared.folder.recipe, shared.suggested, longest=8, lists=16, judged=True, only=["epochs"])
    study = Study(tmp_path, space, 0)
    study.take_up()
    for _ in range(3):
        study.ask()
        assert not any(study.prunes(measure, 0.9) for measure in (1, 2, 3))
        study.end(Outcome(FINISHED, 0.9, 4, 4, 4), 1.0)
    study.ask()
    ruined = shared.folder.recipe.model_copy(
        update={"training": shared.folder.recipe.training.model_copy(update={"learning_rate": 0.5})}
    )
    outcome = run_trial(shared, ruined, tmp_path / "work", tmp_path / "bad", study.prunes, lambda: False)
    assert outcome.ended == PRUNED and outcome.done < outcome.steps and outcome.value < 0.9
    study.end(outcome, 1.0)
    assert [trial.ended for trial in study.tried()] == [FINISHED] * 3 + [PRUNED]
    late = run_trial(shared, ruined, tmp_path / "work", tmp_path / "late", lambda *_: False, lambda: True)
    assert (late.ended, late.done) == (STOPPED, 1)
    assert not (tmp_path / "work" / "checkpoints").exists()


def _tried(number: int, value: float, own: bool = False) -> Tried:
    return Tried(number, {"epochs": 1.0 if own else 2.0}, own, FINISHED, value, 1.0, 4, 4, "", number)


def test_a_gain_within_noise_is_told(shared: Shared, tmp_path: Path) -> None:
    space = build_space(shared.folder.recipe, shared.suggested, longest=8, lists=16, judged=True, only=["epochs"])
    first = [0.0, 0.5, 0.2, 0.4, 0.3, 0.6, 0.1, 0.5]

    def found(values: list[float]) -> SearchResult:
        (tmp_path / "trials").mkdir(exist_ok=True)
        for number, kept in enumerate((first, values)):
            trial_file(tmp_path, number).with_suffix(".json").write_text(json.dumps({"0": first, "4": kept}))
        trials = [_tried(0, 0.3, own=True), _tried(1, 0.4), _tried(2, 0.1)]
        result = make_result(tmp_path, space, trials, ("fANOVA", {}), ("dev", 8))
        assert result is not None
        return result

    clear = found([value + 0.3 + 0.01 * place for place, value in enumerate(first)])
    assert isinstance(clear.gain, Gain) and not clear.gain.noise and gain_line(clear).startswith("Above the given")
    assert clear.gain.corrected == pytest.approx(2 * clear.gain.p_value)
    unclear = found([0.5, 0.0, 0.6, 0.1, 0.7, 0.3, 0.4, 0.6])
    assert isinstance(unclear.gain, Gain) and unclear.gain.noise and gain_line(unclear).startswith("Within noise")


def test_a_torn_study_is_mended(tmp_path: Path) -> None:
    file = tmp_path / FILE
    for text, whole in (
        (b'{"a": 1}\n{"b"', b'{"a": 1}\n'),
        (b'{"a": 1}\n{"b": 2}', b'{"a": 1}\n{"b": 2}\n'),
        (b"", b""),
    ):
        file.write_bytes(text)
        mend(file)
        assert file.read_bytes() == whole


def test_an_unknown_key_is_refused_before_the_folder_is_looked_at(value: dict[str, Any], tmp_path: Path) -> None:
    path, folder = _file(value, tmp_path), tmp_path / "search"
    folder.mkdir()
    (folder / "tuning.json").write_text('{"recipe": {}, "seed": 0, "keys": null}')
    refused = distillir("tune", path, "--output", folder, "--keys", "nope")
    assert refused.returncode == 2 and "--keys: no key 'nope'" in refused.stderr


def test_too_few_queries_are_told_without_the_remedy_to_choose_none(value: dict[str, Any], tmp_path: Path) -> None:
    more = {"queries": {"split": "train", "limit": 3}, "training": {**value["training"], "select_queries": 160}}
    path = _file({**value, **more}, tmp_path)
    refused = distillir("tune", path, "--output", tmp_path / "search", "--minutes", 1)
    assert refused.returncode == 2 and "nothing to choose the best student by" in refused.stderr, refused.stderr
    assert "add training queries or a dev split" in refused.stderr and "to none" not in refused.stderr
