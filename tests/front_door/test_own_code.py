"""Kinds of a caller's own, ``module:NAME``, go through the front door where the call allows it."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import distillir
from distillir.collections import Collection

FILES = Path(__file__).parents[2] / "examples" / "extending"


@pytest.fixture
def own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder holds the examples; what was imported from it is forgotten."""
    folder = shutil.copytree(FILES, tmp_path / "own", ignore=shutil.ignore_patterns("__pycache__", "runs"))
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


@pytest.mark.usefixtures("own_code")
def test_source_teacher_and_student_of_ones_own(tiny: Collection, minilm_path: str) -> None:
    source, teacher = {"source:NGRAMS": {"length": 3}}, {"teacher:TEACHER": {"window": 6}}
    with pytest.raises(distillir.DistillirError, match=r"source:NGRAMS.*allow.code"):
        distillir.mine(tiny, source, depth=5)
    candidates = distillir.mine(tiny, source, depth=5, allow_code=True)
    with pytest.raises(distillir.DistillirError, match=r"teacher:TEACHER.*allow.code"):
        distillir.score(tiny, candidates, teacher)
    teaching = distillir.score(tiny, candidates, teacher, allow_code=True)
    assert len(teaching) == 16 and np.isfinite(teaching.scores(0)).all()
    student = {"model": minilm_path, "kind": "student_kind:NARROW", "layers": 1, "max_length": 16}
    settings = {"epochs": 1, "queries_per_step": 8}
    model = distillir.train(tiny, teaching, student, "kl", training=settings, allow_code=True)
    assert model.encode_query(["how are bees fed"]).shape == (1, 64)
    by_files = distillir.evaluate(tiny, model, measures="MRR@10", depth=10)
    by_kind = distillir.evaluate(
        tiny, model, measures="MRR@10", depth=10, kind="student_kind:NARROW", allow_code=True, before=by_files
    )
    assert by_kind["MRR@10"] == by_files["MRR@10"] > 0
