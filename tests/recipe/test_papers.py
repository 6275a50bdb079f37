"""Recipes of the papers: each is read and composed, and its values are the published ones."""

import re
from pathlib import Path
from typing import Any

import pytest

from distillir.composition.compose import Composition, compose
from distillir.plans.graded_lists import GradedLists
from distillir.recipe import Recipe
from distillir.recipe.read import read_recipe

FOLDER = Path(__file__).parents[2] / "recipes" / "papers"
NAMES = [path.stem for path in sorted(FOLDER.glob("*.yaml"))]


def read(name: str) -> tuple[Recipe, Composition]:
    recipe = read_recipe(FOLDER / f"{name}.yaml")
    return recipe, compose(recipe)


def values(part: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(part, name) for name in names}


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_is_of_its_method(name: str) -> None:
    recipe, composed = read(name)
    method = re.split("-(dense|colbert|warm)", name)[0]
    assert composed.name.split(",")[0] == ("info_nce" if name == "lead-warm-up" else method)
    assert composed.stages and recipe.collection == {"path": "irds:msmarco-passage", "splits": ["train", "dev/small"]}
    # The page names what there is.
    assert f"`{name}.yaml`" in (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["pairdistill-dense", "pairdistill-colbert", "lead"])
def test_the_method_alone_has_what_the_recipe_writes_out(name: str) -> None:
    """Published values that do not depend on models and machines are the method's defaults."""
    recipe, _ = read(name)
    spec = recipe.model_dump(by_alias=True)
    # Steps and clipping of gradients that were averaged over detached parts, lengths, and what cosines and judged
    # positives are given by us.
    ours = {"epochs", "max_grad_norm", "precision", "mask_positives"}
    if name == "lead":
        ours |= {"queries_per_step", "candidates_per_query"}
    spec["training"] = {}
    silent = Recipe.model_validate(spec)
    differ = {key for key, value in recipe.training if value != getattr(silent.training, key)}
    assert differ <= ours


def test_pairdistill() -> None:
    dense, composed = read("pairdistill-dense")
    assert composed.objective.weights == {"kl": 1.0, "pair_kl": 6.0}
    assert {options["student_temperature"] for _, _, options in composed.objective.parts} == {1.0}
    assert dense.student.towers == "separate" and dense.student.max_length == 128
    late, of_late = read("pairdistill-colbert")
    assert of_late.objective.weights == {"kl": 1.0, "info_nce": 1.0, "pair_kl": 3.0}
    names = ("learning_rate", "warmup", "weight_decay", "max_grad_norm", "queries_per_step", "gradient_accumulation")
    assert list(values(dense.training, *names).values()) == [3e-5, 0.45, 0.0, 6 * 2.0, 36, 1]
    assert list(values(late.training, *names).values()) == [1e-5, 0.1, 0.0, 2.0, 32, 8]
    assert round(late.training.epochs * 808_731 / 32, -2) == 30_000
    assert round(0.45 * 808_731 / 36, -3) == 10_000
    for recipe in (dense, late):
        assert recipe.teacher == {"cross-encoder": {"model": "cross-encoder/ms-marco-MiniLM-L-6-v2", "max_length": 180}}
        assert recipe.training.in_batch == "all" and not recipe.training.mask_positives
        assert recipe.training.candidates_per_query == 64 and recipe.candidates.depth == 100
        assert recipe.method.pairs is not None
        assert values(recipe.method.pairs, "per_query", "both_orders") == {"per_query": 8, "both_orders": False}


def test_lead() -> None:
    recipe, composed = read("lead")
    layers = recipe.method.layers
    assert (
        layers is not None
        and layers.joint
        and layers.teacher == {"multi-vector": {"model": "runs/lead-teacher/student"}}
    )
    assert (layers.count, layers.redraw, layers.layer_temperature, layers.cosine_temperature) == (5, 10, 10.0, 1.0)
    assert composed.objective.parts[0][2]["temperature"] == 1.0
    training, before = recipe.training, read("lead-warm-up")[0].training
    for both in (training, before):
        assert (both.learning_rate, both.weight_decay, both.max_grad_norm) == (2e-5, 0.0, 8 * 2.0)
        assert (both.sample, both.in_batch, both.precision) == ("first_positive", "all", "float32")
    assert round(training.epochs * 502_939 / training.queries_per_step, -3) == 50_000
    assert round(before.epochs * 502_939 / before.queries_per_step, -3) == 20_000
    assert recipe.seed == 888


def test_cl_drd() -> None:
    recipe, composed = read("cl-drd")
    assert recipe.student.towers == "separate" and composed.objective.names == ["lambda_mrr"]
    assert [stage.samplers[0] for stage in composed.stages] == [
        GradedLists(5, 12, 13, spare=False),
        GradedLists(10, 10, 10, spare=False),
        GradedLists(30, 0, 0, spare=False),
    ]
    trained = [values(stage.training, "learning_rate", "epochs", "warmup") for stage in composed.stages]
    assert [list(stage.values()) for stage in trained] == [
        pytest.approx(wanted) for wanted in ([7e-6, 4, 0.016], [3e-6, 2, 0.032], [3e-6, 2, 0.032])
    ]
    for stage in composed.stages:
        assert stage.training.queries_per_step == 8 and not stage.training.in_batch
    # What is written out is the method's own plan.
    written = Recipe.model_validate(recipe.model_dump(by_alias=True) | {"method": "cl-drd"})
    assert compose(written).stages == composed.stages


@pytest.mark.parametrize("name", ["adam", "ckl"])
def test_a_reconstruction_is_called_one_and_writes_out_the_defaults(name: str) -> None:
    recipe, composed = read(name)
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    assert "every other value is a reconstruction" in text
    assert recipe.method.dark is None or recipe.method.dark == type(recipe.method.dark)()
    default = compose(Recipe.model_validate({"collection": "c", "teacher": "bm25", "student": "s", "method": name}))
    (one,), (other,) = composed.objective.parts, default.objective.parts
    assert {**one[2], "student_temperature": 0.05} == other[2]


def test_a_student_of_raw_products_is_made_as_the_page_says(
    minilm_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distillir.students.load import load_student
    from distillir.students.loaded import student_of

    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", (FOLDER / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    exec(code.replace("bert-base-uncased", minilm_path), {})
    made = load_student("models/bert-base-cls-dot", layers=1, device="cpu")
    assert not student_of(made).compares_cosines and made[1].pooling_mode == "cls"
