"""The JSON schema of recipes: it takes whatever a run takes, and refuses a slip of the hand wherever it stands."""

import copy
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from mutations import mutated
from pydantic import Field

from distillir.base.errors import DistillirError
from distillir.comparison.file import ComparisonFile, _cells, _recipe
from distillir.recipe.read import parse_recipe
from distillir.recipe.schema import recipe_schema
from distillir.specs.part import Options
from distillir.students.dense.kind import DenseKind
from distillir.students.registry import STUDENTS

ROOT = Path(__file__).parents[2]
GOOD: dict[str, Any] = {"collection": "stdlib", "teacher": "bm25", "student": "all-MiniLM-L6-v2"}
RECIPES = sorted([*ROOT.glob("recipes/**/*.yaml"), *ROOT.glob("benchmarks/recipes/*.yaml")])
COMPARISONS = sorted(ROOT.glob("benchmarks/comparisons/*.yaml"))


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    found = recipe_schema()
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


def mistakes(schema: Draft202012Validator, recipe: object) -> list[str]:
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in schema.iter_errors(recipe)]


def accepted(value: dict[str, Any]) -> bool:
    """Whether a run would take a recipe."""
    try:
        parse_recipe(copy.deepcopy(value))
    except DistillirError:
        return False
    return True


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_of_the_repository_is_accepted(path: Path, schema: Draft202012Validator) -> None:
    assert mistakes(schema, yaml.safe_load(path.read_text())) == []


@pytest.mark.parametrize("path", COMPARISONS, ids=lambda path: path.stem)
def test_every_cell_of_a_comparison_is_accepted(path: Path, schema: Draft202012Validator) -> None:
    file = ComparisonFile.model_validate(yaml.safe_load(path.read_text()))
    base = _recipe(file.recipe, path) if file.recipe is not None else None
    cells = _cells(file, base, path)
    assert cells and [mistakes(schema, recipe) for recipe in cells.values()] == len(cells) * [[]]


def blocks() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping in YAML of the docs, with where it stands."""
    for page in [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]:
        for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)):
            for value in yaml.safe_load_all(text):
                if isinstance(value, dict):
                    yield f"{page.name} {number}", value


def test_every_form_in_the_docs_is_accepted(schema: Draft202012Validator) -> None:
    """Where a block says what a run would take, alone or beside the least of a recipe."""
    read = 0
    for where, block in blocks():
        for recipe in (block, {**GOOD, **block}, {**{k: v for k, v in GOOD.items() if k != "teacher"}, **block}):
            if accepted(recipe):
                read += 1
                assert mistakes(schema, recipe) == [], where
                break
    assert read > 20


FORMS: list[dict[str, Any]] = [
    {"teacher": {"ensemble": ["bm25", {"ensemble": [{"dense": "x"}]}, {"cross-encoder": {"model": "x"}}]}},
    {"teacher": {"prompt": {"server": "http://x", "model": "y", "budget": {"calls": 3}}}},
    {"teacher": {"bm25": None}},
    {"teacher": {"query-likelihood": "gpt2"}, "queries": {"generated": 5, "generator": "t5"}},
    {"candidates": {"from": [{"dense": {"factory": "IVF16,Flat"}}, {"multi-vector": {"model": "x", "first": "bm25"}}]}},
    {"objective": {"kl": 1.0, "info-nce": {"weight": 0.1, "temperature": "auto"}}},
    {"objective": [{"name": "kl", "student_temperature": 0.05}, "ranknet"]},
    {"method": {"name": "pairdistill", "pairs": {"teacher": {"difference": {"teacher": "bm25"}}}}},
    {"method": {"name": "adam", "dark": {"gate": False, "objective": "kl"}}},
    {"method": {"name": "lead", "layers": {"teacher": {"dense": "x"}}}},
    {"method": {"plan": [{"lists": {"top": 2, "hard": 1}}, {"lists": ["plain", {"top": 3}], "objective": "kl"}]}},
    {"evaluation": {"measures": "nDCG@10", "also": ["stdlib", {"documents": "a"}, {"collection": "x", "split": "t"}]}},
    {"collection": {"documents": "a.tsv", "queries": {"train": "q.tsv"}, "qrels": ["x", "y"], "empty": "skip"}},
    {"collection": {"path": "irds:x", "splits": ["train"]}},
    {"method": {"name": "kl", "signals": {"dark": {"noisy": 3}}}},
    {"student": {"model": "x", "kind": "sparse", "prompts": {"query": {"name": "query"}}}, "queries": "dev"},
]  # fmt: skip
#: Where each of these has a slip of the hand: the keys that lead there, and what is put there.
SLIPS: list[tuple[int, list[Any], Any]] = [
    (0, ["teacher", "ensemble", 1, "ensemble", 0], {"dense": {"model": "x", "max_lenght": 3}}),
    (0, ["teacher", "ensemble", 2, "cross-encoder", "max_length"], "long"),
    (0, ["teacher", "normalise"], "zscore"),
    (0, ["teacher", "ensemble", 0], "bm52"),
    (1, ["teacher", "prompt", "budget", "call"], 3),
    (3, ["queries", "generator"], {"model": "x", "tokens": 3}),
    (4, ["candidates", "from", 0, "dense", "factori"], "Flat"),
    (4, ["candidates", "from", 1, "multi-vector", "first"], {"bm25": {"k": 1}}),
    (5, ["objective", "kl"], {"temperature": 1}),
    (6, ["objective", 1], "rankent"),
    (7, ["method", "pairs", "teacher", "difference", "temprature"], 1),
    (8, ["method", "dark", "gate"], {"shedule": "linear"}),
    (9, ["method", "layers", "teacher", "dense"], {"model": "x", "pooling": "cls"}),
    (10, ["method", "plan", 0, "lists", "tip"], 3),
    (10, ["method", "name"], "kll"),
    (11, ["evaluation", "also", 1, "document"], "x"),
    (12, ["collection", "qrel"], "x"),
    (13, ["collection", "split"], "x"),
    (14, ["method", "signals", "dark", "niosy"], 3),
    (14, ["method", "signals", "drak"], {}),
    (15, ["student", "kind"], "colbert"),
    (15, ["student", "prompts", "quary"], "x"),
]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_forms_of_a_recipe(form: dict[str, Any], schema: Draft202012Validator) -> None:
    assert accepted({**GOOD, **form})
    assert mistakes(schema, {**GOOD, **form}) == []


@pytest.mark.parametrize(("number", "keys", "slip"), SLIPS, ids=str)
def test_slips_are_refused(number: int, keys: list[Any], slip: Any, schema: Draft202012Validator) -> None:
    recipe = copy.deepcopy({**GOOD, **FORMS[number]})
    place: Any = recipe
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = slip
    assert mistakes(schema, recipe) != []


@pytest.mark.parametrize("code", ["my_teachers:LENGTH", {"my.teachers:LENGTH": {"boost": 2}}])
def test_code_that_a_recipe_brings_is_accepted_unread(code: Any, schema: Draft202012Validator) -> None:
    """Wherever a kind is named; what it takes is not known without running it."""
    parts: list[dict[str, Any]] = [
        {"teacher": {"ensemble": ["bm25", code]}},
        {"candidates": {"from": [code, "bm25"]}},
        {"objective": [code, "kl"]},
        {"collection": code},
        {"method": {"name": "kl", "signals": code if isinstance(code, dict) else {code: None}}},
    ]
    if isinstance(code, str):
        parts += [{"method": code}, {"method": {"name": code, "plan": code}}]
    for part in parts:
        assert mistakes(schema, {**GOOD, **part}) == []


def test_every_key_has_a_description() -> None:
    found = recipe_schema()
    missing = [
        f"{name}.{key}"
        for name, part in {"recipe": found, **found["$defs"]}.items()
        for key, value in part.get("properties", {}).items()
        if "description" not in value and "$ref" not in value
    ]
    assert missing == []


def test_what_a_run_takes_of_mutated_recipes_is_accepted(schema: Draft202012Validator) -> None:
    """But for collections, which are looked at when they are opened."""
    rng, read = random.Random(0), 0
    for _ in range(150):
        recipe = {**mutated({**GOOD, **rng.choice([*FORMS[:11], *FORMS[12:]])}, rng), "collection": "stdlib"}
        if accepted(recipe):
            read += 1
            assert mistakes(schema, recipe) == [], recipe
    assert read > 20


def test_options_stand_beside_a_kind_of_student_from_outside_alone(schema: Draft202012Validator) -> None:
    own = {**GOOD, "student": {"model": "any", "kind": "my_module:NARROW", "layers": 2, "width": 64}}
    assert mistakes(schema, own) == []
    for change in ({"kind": "dense"}, {"layers": "2"}):
        assert mistakes(schema, {**own, "student": {**own["student"], **change}})
    del own["student"]["kind"]
    assert mistakes(schema, own)


def test_options_of_an_installed_kind_of_student_are_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    class NarrowOptions(Options):
        width: int = Field(64, ge=1, description="numbers in a vector")

    class Narrow(DenseKind):
        name, description, own_options = "narrow", "few numbers a text", NarrowOptions

    monkeypatch.setitem(STUDENTS._builtin, "narrow", Narrow())
    schema = Draft202012Validator(recipe_schema())
    student = {"model": "any", "kind": "narrow", "layers": 2, "width": 8}
    assert mistakes(schema, {**GOOD, "student": student}) == [] and accepted({**GOOD, "student": student})
    for change in ({"width": 0}, {"width": "8"}, {"widht": 8}, {"kind": "dense"}, {"layers": "two"}):
        wrong = {**GOOD, "student": {**student, **change}}
        assert mistakes(schema, wrong) and not accepted(wrong)
