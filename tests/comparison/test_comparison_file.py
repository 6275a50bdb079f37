"""Reading a comparison: cells, grids, what is merged and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from distillir.base.errors import DistillirError
from distillir.comparison.cell import shared_key
from distillir.comparison.file import ComparisonPlan, read_comparison

BASE: dict[str, Any] = {
    "collection": "stdlib",
    "teacher": "bm25",
    "student": "all-MiniLM-L6-v2",
    "method": {"name": "cl-drd", "stages": [1]},
    "training": {"epochs": 3, "dropout": 0.0},
    "seed": 7,
}


def read(tmp_path: Path, *settings: str, **value: Any) -> ComparisonPlan:
    path = tmp_path / "comparison.yaml"
    path.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
    return read_comparison(path, settings)


def test_cells_change_keys_of_training_and_replace_the_method(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(BASE), encoding="utf-8")
    cells = {"kl": {"method": "kl", "training": {"epochs": 1}}, "as it is": None, "two": {"student.layers": 2}}
    read_ = read(tmp_path, "training.learning_rate=0.001", recipe="base.yaml", cells=cells, seeds=[1, 2])
    kl, same, two = (cell.recipe for cell in read_.cells)
    assert (kl.method.name, kl.method.stages, kl.training.epochs, kl.training.dropout) == ("kl", None, 1, 0.0)
    assert (same.method.name, same.method.stages, same.training.epochs) == ("cl-drd", [1], 3)
    assert (two.student.model, two.student.layers) == ("all-MiniLM-L6-v2", 2)
    assert {cell.recipe.training.learning_rate for cell in read_.cells} == {0.001}
    assert read_.baseline == "kl"
    assert [(cell.name, seed) for cell, seed in read_.runs][:4] == [("kl", 1), ("as it is", 1), ("two", 1), ("kl", 2)]


def test_a_grid_makes_every_combination(tmp_path: Path) -> None:
    grid = {"method": ["kl", {"name": "ckl", "plan": "cl-drd"}], "training.learning_rate": [1e-4, 2e-4]}
    names = [cell.name for cell in read(tmp_path, recipe=BASE, grid=grid).cells]
    assert names == [f"{m}, learning_rate {r}" for m in ("kl", "ckl {plan: cl-drd}") for r in (0.0001, 0.0002)]
    crossed = read(tmp_path, recipe=BASE, cells={"a": {"method": "kl"}, "b": {}}, grid={"student.layers": [1, 2]})
    assert [cell.name for cell in crossed.cells] == ["a, layers 1", "a, layers 2", "b, layers 1", "b, layers 2"]
    assert len({cell.folder for cell in crossed.cells}) == 4


def test_cells_may_be_recipes_of_their_own(tmp_path: Path) -> None:
    for name, layers in (("small", 1), ("large", 2)):
        value = {**BASE, "student": {"model": "all-MiniLM-L6-v2", "layers": layers}}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(value), encoding="utf-8")
    cells = read(tmp_path, cells={"a": "small.yaml", "b": "large.yaml"}, baseline="b").cells
    assert [cell.recipe.student.layers for cell in cells] == [1, 2]


def test_what_comes_before_training_is_shared_by_methods_and_seeds(tmp_path: Path) -> None:
    cells = {"kl": {"method": "kl"}, "ckl": {"method": "ckl"}, "deep": {"candidates": {"depth": 80}}}
    kl, ckl, deep = read(tmp_path, recipe=BASE, cells=cells).cells
    key = shared_key(kl.seeded(0, 7))
    assert key == shared_key(kl.seeded(5, 7)) == shared_key(ckl.seeded(1, 7))
    assert key != shared_key(kl.seeded(0, 8))
    assert key != shared_key(deep.seeded(0, 7))
    assert (kl.seeded(5, 7).seed, kl.seeded(5, 7).query_seed) == (5, 7)


def test_a_split_set_by_name_leaves_the_measures(tmp_path: Path) -> None:
    base = {**BASE, "evaluation": {"measures": ["MRR@10"]}}
    (cell,) = read(tmp_path, "evaluation=dev", recipe=base, cells={"a": {}}).cells
    assert (cell.recipe.evaluation.split, cell.recipe.evaluation.measures) == ("dev", ["MRR@10"])
    (cell,) = read(tmp_path, recipe=base, cells={"a": {"evaluation": "dev"}}).cells
    assert (cell.recipe.evaluation.split, cell.recipe.evaluation.measures) == ("dev", ["MRR@10"])


def test_names_make_folders_that_no_file_system_refuses(tmp_path: Path) -> None:
    names = ["A", "a", "..", "é 中文", "a/b", "x" * 80]
    folders = [cell.folder for cell in read(tmp_path, recipe=BASE, cells={name: {} for name in names}).cells]
    assert folders[1] == "a" and "中文" in folders[3]
    assert len({folder.casefold() for folder in folders}) == len(folders)
    assert not any(folder.startswith(("-", ".")) or "/" in folder for folder in folders)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({}, "nothing to compare"),
        ({"cells": {"a": {"method": "kl"}}}, "no base recipe|there is none"),
        ({"grid": {"method": ["kl"]}}, "needs a base"),
        ({"recipe": BASE, "cell": {}}, "did you mean 'cells'"),
        ({"recipe": BASE, "cells": {"a": {}}, "baseline": "b"}, "no cell 'b'"),
        ({"recipe": BASE, "cells": {"a": {"method": "kll"}}}, "cell 'a'.*did you mean 'kl'"),
        ({"recipe": BASE, "cells": {"a": {"training.epochs": {"x": 1}}}}, "training.epochs"),
        ({"recipe": BASE, "cells": {"a": {}}, "seeds": [1, 1]}, "seed occurs twice"),
        ({"recipe": BASE, "cells": {"a": {}}, "seeds": ["x"]}, "seeds"),
        ({"recipe": BASE, "cells": {"a": {}}, "seeds": [-1]}, "seeds.*greater than or equal to 0"),
        ({"recipe": BASE, "cells": {"a": {}}, "seeds": [True]}, "seeds"),
        ({"recipe": BASE, "cells": {"a": {"seed": 3}}}, "write seeds"),
        ({"recipe": BASE, "cells": {" ": {}}}, "cells: a key is empty"),
        ({"recipe": BASE, "cells": {"a": 3}}, "cells.a: is neither a recipe's path nor a mapping"),
        ({"recipe": BASE, "grid": {"method": []}}, "grid.method"),
        ({"recipe": BASE, "grid": {"method": ["kl", "kl"]}}, "'kl' occurs twice"),
        ({"recipe": BASE, "cells": {"a": {}, "b": {"evaluation": "dev"}}}, "differ in evaluation"),
        ({"recipe": "nowhere.yaml", "cells": {"a": {}}}, "nowhere.yaml"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path: Path, value: dict[str, Any], said: str) -> None:
    with pytest.raises(DistillirError, match=said) as error:
        read(tmp_path, **value)
    assert "\n" not in str(error.value)
