"""Answers of a user's own kinds: what is wrong with them is one line that names the kind, and its file."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import distillir
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.objectives.weighted_sum import parse_objective
from distillir.retrieval.sources import load_retriever
from distillir.specs.allow_code import allow_code
from distillir.teachers.load import load_teacher
from distillir.teachers.load_pairwise import load_pairwise

TEACHER = """
import numpy as np
from distillir.specs.part import Options
from distillir.teachers.kind import TeacherKind
from distillir.teachers.teacher import Teacher


class Own(Teacher):
    name = "own"

    def fingerprint(self, collection):
        return "own"

    def score(self, collection, queries, lists):
        return ANSWER


OWN = TeacherKind("own", "a teacher", Options, make=lambda options, cache: MADE)
"""
PAIRWISE = TEACHER.replace("TeacherKind", "PairwiseKind").replace("teachers.teacher import", "teachers.pairwise import")
for one, other in {
    "import Teacher": "import PairwiseTeacher",
    "(Teacher)": "(PairwiseTeacher)",
    "fingerprint(self, collection)": "fingerprint(self)",
    "score(self, collection, queries, lists)": "prefer(self, collection, queries, first, second)",
    "MADE": "Own()",
}.items():
    PAIRWISE = PAIRWISE.replace(one, other)
SOURCE = """
import numpy as np
from distillir.collections.run import from_lists
from distillir.retrieval.source_kinds import SourceKind
from distillir.specs.part import Options


class Own:
    name = "own"

    def search(self, collection, query_rows, depth):
        return ANSWER


OWN = SourceKind("own", "a source", Options, make=lambda options: Own())
"""
OBJECTIVE = """
import torch
from distillir.objectives.objective import Objective

OWN = Objective(
    "own", "an objective", "nobody", frozenset(NEEDS), lambda s, g, m, o: TERMS, lambda g, m, o: COUNT
)
"""
GOOD = "[np.arange(len(rows), dtype=np.float32) for rows in lists]"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder whose modules are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("own_"):
            del sys.modules[name]


def written(folder: Path, module: str, code: str, **words: str) -> str:
    """Write a module; its kind's name in recipes."""
    for word, value in words.items():
        code = code.replace(word, value)
    (folder / f"{module}.py").write_text(code, encoding="utf-8")
    return f"{module}:OWN"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("None", "score gave a NoneType"),
        ("[]", "score gave 0 arrays for 2 queries"),
        ("[np.ones(1)] * len(lists)", r"of shape \(1,\) for the 3 candidates of query"),
        ("[np.ones((len(rows), 1)) for rows in lists]", r"of shape \(3, 1\)"),
        ("[np.full(len(rows), np.nan) for rows in lists]", "scored query .* and document .* as nan"),
        ("1 / 0", "score failed \\(ZeroDivisionError: division by zero, own_teacher.py line 15\\)"),
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_scores_of_an_own_teacher(answer: str, why: str, alone: bool, here: Path, tiny: Collection) -> None:
    name = written(here, "own_teacher", TEACHER, ANSWER=answer, MADE="Own()")
    rows = np.arange(3, dtype=np.int64)
    with allow_code(), pytest.raises(DistillirError, match=why):
        teacher = load_teacher(name if alone else {"ensemble": ["bm25", name]})
        teacher.score(tiny, np.array([0, 1]), [rows, rows])


def test_a_teacher_of_other_code_is_another_teacher(here: Path, tiny: Collection) -> None:
    name = written(here, "own_teacher", TEACHER, ANSWER=GOOD, MADE="Own()")
    with allow_code():
        before = load_teacher(name).fingerprint(tiny)
        assert load_teacher(name).fingerprint(tiny) == before
        written(here, "own_teacher", TEACHER, ANSWER=f"[-one for one in {GOOD}]", MADE="Own()")
        assert load_teacher(name).fingerprint(tiny) != before
    written(here, "own_nothing", TEACHER, ANSWER=GOOD, MADE="None")
    with allow_code(), pytest.raises(DistillirError, match="make gave a NoneType"):
        load_teacher("own_nothing:OWN")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("None", r"shape \(\) for 2 pairs"),
        ("np.ones(1)", r"shape \(1,\) for 2 pairs"),
        ("np.full(2, np.inf)", "answered inf about query"),
        ("1 / 0", r"prefer failed \(ZeroDivisionError: division by zero, own_pairwise.py line 15\)"),
    ],
)
def test_answers_of_an_own_pairwise_teacher(answer: str, why: str, here: Path, tiny: Collection) -> None:
    name = written(here, "own_pairwise", PAIRWISE, ANSWER=answer)
    rows = np.array([0, 1])
    with allow_code():
        teacher = load_pairwise({name: {}})
        before = teacher.fingerprint()
        with pytest.raises(DistillirError, match=why):
            teacher.prefer(tiny, rows, rows, rows + 1)
        written(here, "own_pairwise", PAIRWISE, ANSWER="np.array([1.0, np.nan])")
        assert teacher.fingerprint() != before


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("None", "search gave a NoneType"),
        ("from_lists(query_rows, [np.array([999])] * 2, [np.ones(1)] * 2)", "search gave document row 999"),
        ("from_lists(query_rows, [np.array([1, 1])] * 2, [np.ones(2)] * 2)", "a document twice for query"),
        ("from_lists(query_rows[::-1], [np.array([1])] * 2, [np.ones(1)] * 2)", "rankings of other queries"),
        ("{}['x']", "search failed \\(KeyError: 'x', own_source.py line 12\\)"),
    ],
)
def test_rankings_of_an_own_source(answer: str, why: str, here: Path, tiny: Collection) -> None:
    name = written(here, "own_source", SOURCE, ANSWER=answer)
    with allow_code(), pytest.raises(DistillirError, match=why):
        load_retriever(name).search(tiny, np.array([0, 1]), 5)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"NEEDS": "['teachr']", "TERMS": "s.sum()", "COUNT": "1"}, "needs the signal 'teachr'.*teacher"),
        ({"NEEDS": "['teacher']", "TERMS": "s.sum(1)", "COUNT": "1"}, r"terms gave a tensor of shape \(2,\)"),
        ({"NEEDS": "['teacher']", "TERMS": "s.detach().sum()", "COUNT": "1"}, "a value without gradient"),
        ({"NEEDS": "['teacher']", "TERMS": "s.sum()", "COUNT": "None"}, "count gave a NoneType"),
        ({"NEEDS": "['teacher']", "TERMS": "nothing", "COUNT": "1"}, "terms failed \\(NameError"),
    ],
)
def test_values_of_an_own_objective(words: dict[str, str], why: str, here: Path) -> None:
    name = written(here, "own_objective", OBJECTIVE, **words)
    scores, signals = torch.zeros(2, 3, requires_grad=True), {"teacher": torch.zeros(2, 3)}
    with allow_code(), pytest.raises(DistillirError, match=why):
        objective = parse_objective(name)
        objective.counts(signals)
        objective.numerators(scores, signals)


def test_a_count_may_be_a_number(here: Path) -> None:
    name = written(here, "own_objective", OBJECTIVE, NEEDS="['teacher']", TERMS="s.sum()", COUNT="2")
    with allow_code():
        counts = parse_objective(name).counts({"teacher": torch.zeros(2, 3)})
    assert {float(count) for count in counts.values()} == {2.0}


def test_a_card_of_one_own_objective_alone(here: Path, tiny: Collection) -> None:
    from distillir.composition.compose import compose
    from distillir.pipeline.model_card import model_card
    from distillir.recipe.read import parse_recipe

    name = written(here, "own_objective", OBJECTIVE, NEEDS="['teacher']", TERMS="s.sum()", COUNT="2")
    with allow_code():
        recipe = parse_recipe({"collection": "x", "teacher": "bm25", "student": "all-MiniLM-L6-v2", "objective": name})
        card = model_card(recipe, tiny, compose(recipe))
    assert "an objective (nobody)" in card


def test_what_the_front_door_refuses(tiny: Collection) -> None:
    queries, documents = tiny.queries.ids([0]), tiny.corpus.ids([0, 1])
    with pytest.raises(DistillirError, match="have no order"):
        distillir.teaching_set({queries[0]: set(documents)}, {queries[0]: [1, 2]}, collection=tiny)  # type: ignore[dict-item]
    with pytest.raises(DistillirError, match="1 queries have no list"):
        distillir.teaching_set({queries[0]: documents}, {queries[0]: [1, 2], "other": [1]}, collection=tiny)
    for wrong in (None, SimpleNamespace()):
        with pytest.raises(DistillirError, match="is no recipe"):
            distillir.run(wrong, output="x")  # type: ignore[arg-type]
    with pytest.raises(DistillirError, match="is no mapping"):
        distillir.run({}, output="x", settings=["a=1"])  # type: ignore[arg-type]
    with pytest.raises(DistillirError, match="'no' is not True or False"):
        distillir.mine(tiny, "bm25", depth=2, allow_code="no")  # type: ignore[arg-type]
