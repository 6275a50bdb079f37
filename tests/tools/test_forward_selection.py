"""Forward selection: which parts are kept, when it ends, how a part changes a recipe, and the file it goes with."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from distillir.base.errors import DistillirError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def forward() -> ModuleType:
    spec = importlib.util.spec_from_file_location("forward_selection", ROOT / "benchmarks" / "forward_selection.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Worth:
    """What parts are worth together: the sum of their own worths, less what two of them take from each other."""

    def __init__(self, own: Mapping[str, float | None], clash: Mapping[frozenset[str], float] | None = None) -> None:
        self.own, self.clash = own, clash or {}
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, wanted: Sequence[tuple[str, ...]]) -> Mapping[tuple[str, ...], float | None]:
        self.asked += wanted
        return {parts: self.value(parts) for parts in wanted}

    def value(self, parts: tuple[str, ...]) -> float | None:
        own = [self.own[part] for part in parts]
        if None in own:
            return None
        lost = sum(less for pair, less in self.clash.items() if pair <= set(parts))
        return 0.5 + sum(one for one in own if one is not None) - lost


def test_parts_are_added_best_first_until_none_raises(forward: ModuleType) -> None:
    worth = Worth({"a": 0.02, "b": 0.03, "c": -0.01})
    steps = forward.select(["a", "b", "c"], worth)
    assert [step.kept for step in steps] == [(), ("b",), ("a", "b"), ("a", "b")]
    assert worth.asked == [(), ("a",), ("b",), ("c",), ("a", "b"), ("b", "c"), ("a", "b", "c")]


def test_a_part_that_helps_alone_is_left_out_where_it_adds_nothing(forward: ModuleType) -> None:
    worth = Worth({"a": 0.02, "b": 0.03}, {frozenset({"a", "b"}): 0.02})
    assert forward.select(["a", "b"], worth)[-1].kept == ("b",)


def test_it_ends_where_all_parts_are_in(forward: ModuleType) -> None:
    assert [step.kept for step in forward.select(["a", "b"], Worth({"a": 0.1, "b": 0.2}))][-1] == ("a", "b")


def test_compositions_that_cannot_be_had_are_passed_over(forward: ModuleType) -> None:
    steps = forward.select(["a", "b"], Worth({"a": None, "b": 0.1}))
    assert steps[-1].kept == ("b",) and steps[-1].tried == {("a", "b"): None}
    assert forward.select(["a"], Worth({"a": None}))[-1].kept == ()
    with pytest.raises(DistillirError, match="the start cannot be trained"):
        forward.select(["a"], lambda wanted: dict.fromkeys(wanted))


def test_changes_go_in_key_by_key(forward: ModuleType) -> None:
    base = {"objective": {"kl": {"weight": 1}}, "training": {"epochs": 2, "dropout": 0}}
    change = {"objective": {"kl": None, "ckl": {"gamma": 1}}, "training": {"epochs": 1}}
    assert forward.merged(base, change) == {
        "objective": {"ckl": {"gamma": 1}},
        "training": {"epochs": 1, "dropout": 0},
    }
    assert base["objective"] == {"kl": {"weight": 1}}


def test_what_is_compared_at_last(forward: ModuleType) -> None:
    steps = forward.select(["a", "b", "c"], Worth({"a": 0.02, "b": 0.03, "c": -0.01}))
    known = [(), ("a",), ("b",), ("c",), ("a", "b"), ("b", "c"), ("a", "b", "c")]
    assert forward.last_comparison(steps, known) == [(), ("a",), ("b",), ("c",), ("a", "b")]


def test_every_part_of_the_file_is_a_recipe(forward: ModuleType, tmp_path: Path) -> None:
    import yaml

    file = yaml.safe_load((ROOT / "benchmarks" / "forward_selection.yaml").read_text())
    compositions = forward.Compositions(file, [], tmp_path)
    cells = [compositions._cell((part,)) for part in file["parts"]]
    assert len({str(cell.recipe.resolved()) for cell in [*cells, compositions._cell(())]}) == len(file["parts"]) + 1
    assert compositions._cell(tuple(file["parts"])).name == " + ".join(["kl", *file["parts"]])
