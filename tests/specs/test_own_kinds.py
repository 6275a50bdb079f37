"""Kinds of a user's own, named in a recipe: trained with through the command line, and never without permission."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from command_line import distillir

CODE = '''
"""Kinds of each sort, in one file of the current folder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import Field

from distillir.collections.file_source import folder_source
from distillir.collections.kind import CollectionKind
from distillir.methods.method import Method
from distillir.objectives.objective import Objective
from distillir.plans.plan import Plan
from distillir.plans.stage import Stage
from distillir.collections.run import from_lists
from distillir.retrieval.source_kinds import SourceKind
from distillir.specs.part import Options
from distillir.teachers.kind import TeacherKind
from distillir.teachers.teacher import Teacher

Path("ran").touch()


class FolderSpec(Options):
    folder: str = Field(description="where it lies")


COLLECTION = CollectionKind(
    "here", "a BEIR folder", FolderSpec, "folder", open=lambda options, imported: folder_source(Path(options.folder))
)


class EarlySpec(Options):
    step: int = Field(1, ge=1, description="every so many documents")


class Early:
    """The first documents of the corpus, whatever is asked."""

    name = "early"

    def __init__(self, step):
        self.step = step

    def search(self, collection, query_rows, depth):
        rows = np.arange(0, len(collection.corpus), self.step)[:depth]
        scores = -np.arange(len(rows), dtype=np.float32)
        return from_lists(query_rows, [rows] * len(query_rows), [scores] * len(query_rows), self.name)


SOURCE = SourceKind("early", "the first documents", EarlySpec, make=lambda options: Early(options.step))


class LengthSpec(Options):
    boost: float = Field(1.0, gt=0, description="times the length")


class Length(Teacher):
    """Longer documents first."""

    name = "length"

    def __init__(self, boost):
        self.boost = boost

    def fingerprint(self, collection):
        return f"length {self.boost}"

    def score(self, collection, queries, lists: Sequence):
        return [
            np.array([self.boost * len(text) for text in collection.corpus.texts(rows)], dtype=np.float32)
            for rows in lists
        ]


TEACHER = TeacherKind("length", "longer documents", LengthSpec, make=lambda options, cache: Length(options.boost))


def squares(student, signals, mask, options):
    real = mask if mask is not None else student.isfinite()
    return options["scale"] * ((student - signals["teacher"].sign()) ** 2)[real].sum()


OBJECTIVE = Objective(
    "squares",
    "squared distance from the sign of the teacher's scores",
    "nobody",
    frozenset({"teacher"}),
    squares,
    lambda signals, mask, options: mask.sum().float(),
    {"scale": 0.5},
    {"scale": (0.0, 10.0)},
)
PLAN = Plan("short", "half an epoch", (Stage(epochs=0.5),))
METHOD = Method("mine", "squares, briefly", "nobody", PLAN, "own_kinds:OBJECTIVE")
'''


@pytest.fixture
def folder(tmp_path: Path, tiny_beir: Path, monkeypatch: pytest.MonkeyPatch, minilm_path: str) -> Iterator[Path]:
    """The current folder, with the file and a recipe that names all that is in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "own_kinds", raising=False)
    (tmp_path / "own_kinds.py").write_text(CODE)
    recipe = {
        "collection": {"own_kinds:COLLECTION": str(tiny_beir)},
        "teacher": {"ensemble": ["bm25", {"own_kinds:TEACHER": {"boost": 2.0}}]},
        "student": {"model": minilm_path, "layers": 1, "max_length": 16},
        "candidates": {"from": ["bm25", {"own_kinds:SOURCE": {"step": 2}}], "depth": 6},
        "method": "own_kinds:METHOD",
        "training": {"queries_per_step": 8, "candidates_per_query": 3, "precision": "float32", "select": "none"},
        "evaluation": {"measures": ["nDCG@10"]},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    yield tmp_path
    sys.modules.pop("own_kinds", None)


def test_kinds_of_a_users_own_are_trained_with(folder: Path) -> None:
    done = distillir("run", "recipe.yaml", "--output", "run", "--allow-code")
    assert done.returncode == 0, done.stderr
    metrics = json.loads(Path("run/metrics.json").read_text())
    assert metrics["method"] == "own_kinds:METHOD" and "nDCG@10" in metrics["after"]
    assert list(yaml.safe_load(Path("run/recipe.yaml").read_text())["candidates"]["from"][1]) == ["own_kinds:SOURCE"]
    assert "own_kinds:OBJECTIVE" in Path("run/metrics.json").read_text()
    again = distillir("run", "recipe.yaml", "--output", "run", "--allow-code")
    assert again.returncode == 0 and "Student: run/student" in again.stderr + again.stdout
    Path("ran").unlink()
    Path("run/report.html").unlink()
    told = distillir("report", "recipe.yaml", "--output", "run")
    assert told.returncode == 0 and "is Python code, which is not run: the report is made of what" in told.stderr
    assert "own_kinds:METHOD" in Path("run/report.html").read_text() and not Path("ran").exists()
    plan = distillir("run", "recipe.yaml", "--output", "run", "--dry-run", "--allow-code")
    assert plan.returncode == 0, plan.stderr
    Path("own_kinds.py").write_text(CODE.replace('options["scale"] *', "2 *"))
    changed = distillir("run", "recipe.yaml", "--output", "run", "--allow-code")
    assert changed.returncode == 2 and "other code of own_kinds:" in changed.stderr, changed.stderr


@pytest.mark.parametrize("verb", ["run", "run --dry-run", "mine", "score", "train", "evaluate", "report", "tune"])
def test_nothing_of_it_runs_without_permission(verb: str, folder: Path) -> None:
    name, *flags = verb.split()
    done = distillir(name, "recipe.yaml", "--output", "run", *flags)
    told = [line for line in done.stderr.splitlines() if line.startswith("distillir: ")]
    assert done.returncode == 2 and len(told) == 1 and "--allow-code" in told[0], done.stderr
    assert not Path("ran").exists() and not Path("run").exists()


def test_a_comparison_needs_permission_too(folder: Path) -> None:
    Path("both.yaml").write_text(yaml.safe_dump({"recipe": "recipe.yaml", "cells": {"a": {}, "b": {"method": "kl"}}}))
    done = distillir("compare", "both.yaml", "--dry-run")
    assert done.returncode == 2 and "--allow-code" in done.stderr and not Path("ran").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"teacher": {"own_kinds:TEACHER": {"bost": 2}}}, "teacher.own_kinds:TEACHER: unknown key 'bost'"),
        ({"teacher": "own_kinds:SOURCE"}, "own_kinds:SOURCE is of type SourceKind, and no teacher"),
        ({"teacher": "own_kinds:TEECHER"}, "own_kinds.py has no TEECHER; did you mean 'TEACHER'"),
        ({"teacher": "own_kind:TEACHER"}, "there is no module own_kind"),
        ({"candidates": {"from": {"own_kinds:SOURCE": {"step": 0}}}}, "step is 0; give a whole number above 0"),
        ({"objective": {"own_kinds:OBJECTIVE": {"scale": 20}}}, "20 is out of range"),
        ({"collection": {"own_kinds:COLLECTION": {"fodler": "x"}}}, "own_kinds:COLLECTION: unknown key 'fodler'"),
        ({"collection": "own_kinds:COLLECTION"}, "own_kinds:COLLECTION needs more than its name"),
    ],
)  # fmt: skip
def test_mistakes_are_told_as_those_of_built_in_kinds(change: dict[str, object], said: str, folder: Path) -> None:
    recipe = yaml.safe_load(Path("recipe.yaml").read_text()) | change
    Path("recipe.yaml").write_text(yaml.safe_dump(recipe))
    done = distillir("run", "recipe.yaml", "--output", "run", "--dry-run", "--allow-code")
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr
