"""Steps of a run, each by itself: their order, what is made once, and what several processes answer alike."""

import shutil
from pathlib import Path

import pytest

from command_line import in_two
from distillir.base.errors import DistillirError
from distillir.base.processes import Write
from distillir.pipeline.mine import prepare_student
from distillir.pipeline.open_run import open_run
from distillir.pipeline.products import BY_NAME, PRODUCTS, VERBS
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.step import Step, made, make_once, walk
from distillir.pipeline.steps import OPENING, STEPS, named, of_verb
from distillir.recipe import Recipe
from distillir.recipe.read import parse_recipe

PROGRAM = Path(__file__).with_name("step_by_two.py")


@pytest.fixture
def recipe(tiny_beir: Path, minilm_path: str) -> Recipe:
    return parse_recipe(
        {
            "collection": str(tiny_beir),
            "teacher": "bm25",
            "student": {"model": minilm_path, "layers": 1, "max_length": 16},
            "candidates": {"from": "bm25", "depth": 6},
        }
    )


def test_what_a_step_needs_is_made_by_one_before_it_and_by_the_verb_that_messages_name() -> None:
    made_by: dict[str, set[str | None]] = {product.name: set() for product in PRODUCTS}
    for step in STEPS:
        assert all(made_by[name] for name in step.needs), step.name
        for name in step.makes:
            made_by[name].add(step.verb)
    assert all(BY_NAME[name].verb in verbs for name, verbs in made_by.items())
    assert [step.name for step in of_verb("score")] == ["score", "dark", "pairs", "layers", "vectors", "signals"]
    assert all(of_verb(verb) for verb in (*VERBS, "report"))
    names = [step.name for step in (*OPENING, *STEPS)]
    assert len(names) == len(set(names))


def test_steps_are_taken_in_the_order_of_a_run() -> None:
    assert [step.name for step in named("train", "mine", "before")] == ["mine", "before", "train"]


def test_where_a_later_step_lacks_something_none_is_taken(recipe: Recipe, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run", recipe)
    with pytest.raises(DistillirError, match=r"student: is missing; run `distillir train`"):
        walk(folder, of_verb("evaluate"))
    with pytest.raises(DistillirError, match=r"candidates.trec: is missing; run `distillir mine`"):
        walk(folder, of_verb("score"))
    assert not folder.initial_student.exists() and not folder.runs.exists()
    brought = recipe.model_copy(update={"teaching": "elsewhere", "teacher": None})
    assert not named("score")[0].lacks(RunFolder(tmp_path / "brought", brought))


def test_what_a_step_of_a_walk_makes_is_not_lacking(recipe: Recipe, tmp_path: Path) -> None:
    folder, taken = RunFolder(tmp_path / "run", recipe), list[int]()
    steps = [
        Step("first", lambda _: taken.append(1), makes=("teaching set",)),
        Step("second", lambda _: taken.append(2), makes=("student",), needs=("teaching set",)),
    ]
    walk(folder, steps)
    assert taken == [1, 2]


def test_a_part_is_made_once_and_again_where_it_was_not_finished(recipe: Recipe, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run", recipe)
    target, calls = folder.work / "part", list[str]()

    def killed() -> Write:
        calls.append("killed")
        raise KeyboardInterrupt

    def make() -> Write:
        calls.append("made")
        return lambda: target.write_text("whole")

    with pytest.raises(KeyboardInterrupt):
        make_once(folder, target, killed, timed="mine")
    assert not target.exists() and folder.facts.read() == {}
    assert make_once(folder, target, make, timed="mine")
    assert list(folder.facts.read()["seconds"]) == ["mine"]
    assert not make_once(folder, target, make, timed="mine")
    assert calls == ["killed", "made"] and target.read_text() == "whole"


def test_a_product_that_was_changed_by_hand_is_refused_and_made_anew_where_asked(
    recipe: Recipe, tmp_path: Path
) -> None:
    with open_run(tmp_path / "run", recipe, "mine") as folder:
        assert not made(folder, "initial student")
        prepare_student(folder)
        assert made(folder, "initial student")
    config = folder.initial_student / "config.json"
    whole = config.read_text(encoding="utf-8")
    config.write_text(whole.replace('"hidden_act": "gelu"', '"hidden_act": "relu"'), encoding="utf-8")
    with pytest.raises(DistillirError, match=r"config\.json changed since it was made; --anew"):
        made(folder, "initial student")
    with pytest.raises(DistillirError, match=r"config\.json changed"), open_run(tmp_path / "run", recipe, "mine"):
        pass
    with open_run(tmp_path / "run", recipe, "mine", anew=True) as folder:
        assert not folder.initial_student.exists()
        prepare_student(folder)
    assert config.read_text(encoding="utf-8") == whole


def test_two_processes_answer_alike_though_one_is_late(tiny_beir: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_beir, tmp_path / "text")
    done = in_two(tmp_path / "run", program=PROGRAM, timeout=120)
    assert done.returncode == 0, done.stderr[-4000:]
    work = tmp_path / "run" / "work"
    assert (work / "target").read_text() == "by 0" and (work / "share-0").is_file() and (work / "share-1").is_file()
    first, second = ((work / f"refused-{number}").read_text() for number in (0, 1))
    assert first == second and "nothing says what it was made from" in first
