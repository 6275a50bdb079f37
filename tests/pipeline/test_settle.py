"""What a recipe leaves to the run is settled once, written out, kept, and settled again where its grounds change."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from command_line import distillir
from distillir.base.errors import DistillirError
from distillir.composition.compose import compose
from distillir.composition.settled import Settled, adopt_settled, settle, unsettled
from distillir.objectives.weighted_sum import parse_objective
from distillir.pipeline.open_run import open_run
from distillir.pipeline.suggested import labels_weight
from distillir.recipe.read import parse_recipe, read_recipe
from distillir.students.load import load_student
from distillir.students.registry import STUDENTS
from distillir.students.scale import own_rate

SHORT: dict[str, Any] = {"collection": "stdlib", "teacher": "bm25", "student": "all-MiniLM-L6-v2"}


def test_the_shortest_recipe_has_the_default_method() -> None:
    recipe = parse_recipe(SHORT)
    assert recipe.method.name == "auto" and compose(recipe).name == "auto"
    assert compose(recipe).objective.names == ["kl", "info_nce"]
    training = recipe.training
    assert (training.sample, training.in_batch, training.pseudo_positives) == ("positive_random", True, True)
    assert recipe.candidates.add_judged and training.dropout == 0.0 and training.epochs == 4
    assert unsettled(recipe) == {"student_temperature", "teacher_temperature", "temperature", "weight", "learning_rate"}


def test_what_a_recipe_says_itself_stands() -> None:
    plain = parse_recipe({**SHORT, "method": "kl"})
    assert not unsettled(plain) and plain.training.sample == "top_random" and not plain.candidates.add_judged
    assert plain.objective is None and plain.training.dropout == 0.0
    # A recipe of before the default method, which names what is compared alone, is of plain lists as it was.
    named = parse_recipe({**SHORT, "objective": "margin_mse"})
    assert named.method.name == "kl" and not named.training.in_batch and named.training.learning_rate == 5e-5
    own = parse_recipe({**SHORT, "training": {"in_batch": False, "learning_rate": 1e-4, "sample": "top"}})
    assert (own.training.in_batch, own.training.learning_rate, own.training.sample) == (False, 1e-4, "top")
    assert parse_recipe({**SHORT, "candidates": {"exclude_judged": True}}).candidates.add_judged is False
    # The authors of methods train with their models' dropout.
    assert parse_recipe({**SHORT, "method": "ckl"}).training.dropout is None
    assert parse_recipe({**SHORT, "method": "cl-drd"}).training.dropout is None


def test_auto_is_filled_in_and_read_back() -> None:
    recipe = parse_recipe(
        {
            **SHORT,
            "method": {"name": "kl", "plan": [{"objective": {"ckl": {"gamma": 1, "teacher_temperature": "auto"}}}]},
        }
    )
    settled = settle(recipe, Settled(0.4, 0.05, 1e-4))
    (stage,) = compose(settled).stages
    assert stage.objective.parts[0][2]["teacher_temperature"] == 0.4
    assert stage.objective.parts[0][2]["student_temperature"] == 1.0  # as the recipe has it
    assert adopt_settled(recipe, settled.resolved()).resolved() == settled.resolved()
    whole = settle(parse_recipe(SHORT), Settled(0.4, 0.05, 1e-4))
    assert not unsettled(whole) and whole.training.learning_rate == 1e-4
    assert whole.method.objective == {
        "kl": {"student_temperature": 0.05, "teacher_temperature": 0.4},
        "info_nce": {"weight": 1.0, "temperature": 0.05},
    }
    # A run of an earlier version, which knew no such weight, goes on as it was.
    earlier = whole.resolved()
    del earlier["method"]["objective"]["info_nce"]["weight"]
    assert adopt_settled(parse_recipe(SHORT), earlier).resolved() == earlier
    # Another method over a recipe that was written out is that method.
    assert compose(parse_recipe({**whole.resolved(), "method": "ckl"})).objective.names == ["ckl"]
    # The numbers of another objective mean something else.
    other = parse_recipe({**SHORT, "method": {"name": "auto", "objective": {"kl": {"teacher_temperature": 3.0}}}})
    assert "teacher_temperature" in unsettled(adopt_settled(parse_recipe(SHORT), other.resolved()))


@pytest.mark.parametrize("objective", [{"margin_mse": {"student_temperature": "auto"}}, {"kl": {"weight": "auto"}}])
def test_auto_is_refused_where_nothing_settles_it(objective: dict[str, Any]) -> None:
    with pytest.raises(DistillirError, match="'auto' is not a finite number"):
        parse_objective(objective)


def test_scale_of_a_student(minilm_path: str, tmp_path: Path) -> None:
    towers = load_student(minilm_path, layers=1, towers="separate", device="cpu")
    towers.save_pretrained(str(tmp_path / "towers"))
    assert own_rate(tmp_path / "towers") == own_rate(minilm_path)
    assert (
        STUDENTS.get("dense").temperature(minilm_path) == 0.05
        and STUDENTS.get("multi-vector").temperature(minilm_path) == 1.0
    )
    assert own_rate(minilm_path) == pytest.approx(7e-4 * (128 / 384) ** 1.8, rel=0.01)


@pytest.fixture
def recipe(tiny_beir: Path, tmp_path: Path, minilm_path: str) -> Path:
    """A recipe that names no method."""
    path = tmp_path / "recipe.yaml"
    value = {
        "collection": str(tiny_beir),
        "teacher": {"dense": minilm_path},
        "student": {"model": minilm_path, "layers": 1, "max_length": 16},
        "candidates": {"from": "bm25", "depth": 6},
        "training": {"epochs": 1, "queries_per_step": 4, "candidates_per_query": 3},
        "evaluation": {"measures": ["nDCG@10"], "depth": 10},
    }
    path.write_text(yaml.safe_dump(value), encoding="utf-8")
    return path


def test_a_run_settles_once_and_keeps_it(recipe: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    done = distillir("run", recipe, "-o", output)
    assert done.returncode == 0, done.stderr
    suggested = json.loads((output / "metrics.json").read_text())["diagnostics"]["temperature"]
    kept = yaml.safe_load((output / "recipe.yaml").read_text())
    assert kept["method"]["name"] == "auto"
    assert kept["method"]["objective"]["kl"] == {"student_temperature": 0.05, "teacher_temperature": suggested}
    assert kept["training"]["learning_rate"] == pytest.approx(9.7e-5)
    assert f"teacher_temperature {suggested:g}" in done.stderr
    # Labels weigh less beside a teacher that ranks what is judged well.
    agreement = json.loads((output / "metrics.json").read_text())["diagnostics"]["ndcg_at_10"]
    assert kept["method"]["objective"]["info_nce"]["weight"] == (0.3 if agreement >= 0.8 else 1.0)

    # The same command goes on with them, and so does the recipe that was written out.
    weights = (output / "student" / "model.safetensors").stat().st_mtime_ns
    for again in (recipe, output / "recipe.yaml"):
        done = distillir("run", again, "-o", output)
        assert done.returncode == 0 and "Settled" not in done.stderr, done.stderr
    assert (output / "student" / "model.safetensors").stat().st_mtime_ns == weights

    # A training that goes on says what its first start settled.
    shutil.rmtree(output / "student")
    done = distillir("train", recipe, "-o", output)
    assert f"Settled (by an earlier start): teacher_temperature {suggested:g}" in done.stderr, done.stderr
    nothing = ("--set", "training.select=none", "--set", "training.patience=2")
    done = distillir("run", recipe, "-o", tmp_path / "other", "--dry-run", *nothing)
    assert "training.patience counts" in done.stderr, done.stderr

    # Of another teacher they are settled anew.
    done = distillir("run", recipe, "-o", output, "--set", "teacher=bm25", "--anew")
    assert done.returncode == 0 and "Settled" in done.stderr, done.stderr
    kept = yaml.safe_load((output / "recipe.yaml").read_text())
    now = json.loads((output / "metrics.json").read_text())["diagnostics"]["temperature"]
    assert kept["method"]["objective"]["kl"]["teacher_temperature"] == now != suggested
    assert kept["teacher"] == "bm25"


def test_without_judgements(recipe: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    settings = ["queries={split: null, sentences: 24}", "evaluation={split: null, held_out: 8, measures: nDCG@10}"]
    done = distillir("run", recipe, "-o", output, *(part for each in settings for part in ("--set", each)))
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    assert all(line["info_nce"] > 0 for line in lines if "info_nce" in line)
    assert any("info_nce" in line for line in lines)  # the teacher's best stands for a positive
    kept = yaml.safe_load((output / "recipe.yaml").read_text())
    assert kept["method"]["objective"]["info_nce"]["weight"] == 1.0  # and how well it ranks is not known


@pytest.mark.parametrize("agreement, weight", [(0.9, 0.3), (0.8, 0.3), (0.7, 1.0), (None, 1.0)])
def test_labels_weigh_less_beside_a_teacher_that_knows_better(
    recipe: Path, tmp_path: Path, agreement: float | None, weight: float
) -> None:
    with open_run(tmp_path / "run", read_recipe(recipe), "train") as folder:
        folder.facts.note(diagnostics={"temperature": 1.0, "ndcg_at_10": agreement})
        assert labels_weight(folder) == weight


def test_of_two_alike_one_may_be_open() -> None:
    written = parse_objective([{"info-nce": {"weight": "auto"}}, {"info_nce": {"weight": 0.2, "own_negatives": False}}])
    assert [one["info_nce"]["weight"] for one in written.spec] == ["auto", 0.2]
    assert parse_objective(written.spec) == written


@pytest.mark.parametrize("objective", ["auto", {"weight": "auto"}, {"name": "info_nce", "weight": "auto"}])
def test_a_weight_that_is_open_stays_so_in_what_is_written(objective: Any) -> None:
    spec = objective if isinstance(objective, dict) and "name" in objective else {"info_nce": objective}
    found = parse_objective(["kl", spec])
    assert found.open_weights == {1} and found.weights == {"kl": 1.0, "info_nce": 1.0}
    assert parse_objective(found.spec).spec == found.spec and found.spec[1]["info_nce"]["weight"] == "auto"
