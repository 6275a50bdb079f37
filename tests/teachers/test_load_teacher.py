import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from teacher_examples import untrained_cross_encoder

from distillir.base.errors import DistillirError
from distillir.teachers.bm25 import BM25Teacher
from distillir.teachers.cross_encoders.cross_encoder import CrossEncoderTeacher
from distillir.teachers.encoders.dense import DenseTeacher
from distillir.teachers.ensemble import EnsembleTeacher
from distillir.teachers.load import load_teacher, teacher_kinds, validate_teacher_spec


def test_every_form_of_a_recipe(whole_minilm: str) -> None:
    path = untrained_cross_encoder(whole_minilm)
    assert isinstance(load_teacher("bm25"), BM25Teacher)
    bm25 = load_teacher({"bm25": {"k1": 1.2, "stemmer": "english", "stopwords": None}})
    assert isinstance(bm25, BM25Teacher)
    assert bm25.settings == {"k1": 1.2, "b": 0.4, "stemmer": "english", "stopwords": None, "identifiers": False}
    dense = load_teacher({"dense": {"model": "all-MiniLM-L6-v2", "max_length": 64}})
    assert isinstance(dense, DenseTeacher) and dense.max_length == 64
    cross = load_teacher({"cross-encoder": {"model": path, "precision": "int8", "max_length": 96}})
    assert isinstance(cross, CrossEncoderTeacher) and (cross.precision, cross.max_length) == ("int8", 96)
    both = load_teacher({"ensemble": ["bm25", {"dense": whole_minilm}], "weights": [1, 0.5], "normalize": "minmax"})
    assert isinstance(both, EnsembleTeacher) and (both.weights, both.normalise) == ([1.0, 0.5], "minmax")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("bm52", r"unknown teacher 'bm52'; did you mean 'bm25'"),
        ("dense", r"needs more than its name; write \{dense: name\}"),
        (None, "names no teacher"),
        ({}, "names no teacher"),
        ({"crossencoder": "x"}, "did you mean 'cross-encoder'"),
        ({"dense": ""}, "no mapping"),
        ({"dense": {"max_length": 3}}, "no model is named"),
        ({"dense": {"model": "x", "maxlength": 3}}, "did you mean 'max_length'"),
        ({"dense": {"model": "x", "max_length": 0}}, "max_length is 0"),
        ({"dense": {"model": "x", "max_length": True}}, "max_length is True"),
        ({"dense": {"model": "x", "precision": "int8"}}, "unknown precision 'int8'"),
        ({"dense": "x", "max_length": 12}, "options go inside"),
        ({"bm25": {"k1": "high"}}, "k1 is 'high'; give a number"),
        ({"bm25": 3}, "no mapping"),
        ({"ensemble": []}, "no list of teachers"),
        ({"ensemble": "bm25"}, "no list of teachers"),
        ({"ensemble": ["bm25", {"dens": "x"}]}, r"ensemble\[1\].*did you mean 'dense'"),
        ({"ensemble": ["bm25"], "weights": [1, 2]}, "2 weights for 1 members"),
        ({"ensemble": ["bm25"], "weights": 1}, "no list of finite numbers"),
        ({"ensemble": ["bm25"], "normalise": "zscore"}, "did you mean 'normalize'"),
        ({"ensemble": ["bm25"], "normalize": "zscores"}, "did you mean 'zscore'"),
    ],
)
def test_mistakes_are_one_line_with_a_remedy(spec: Any, message: str) -> None:
    with pytest.raises(DistillirError, match=message) as caught:
        validate_teacher_spec(spec)
    assert str(caught.value).startswith("teacher") and "\n" not in str(caught.value)


def test_a_path_to_nothing_is_said_before_anything_is_scored(tmp_path: Path) -> None:
    with pytest.raises(DistillirError, match="no model folder"):
        load_teacher({"cross-encoder": str(tmp_path / "missing")})


def test_kinds_and_validation_need_no_torch() -> None:
    language_models = {"prompt", "monot5", "query-likelihood"}
    own = {"bm25", "dense", "multi-vector", "sparse", "cross-encoder", "ensemble"}
    assert set(teacher_kinds()) == own | language_models
    code = (
        "import sys; from distillir.teachers.load import validate_teacher_spec as v, load_teacher;"
        "v({'ensemble': ['bm25', {'dense': 'x'}]}); load_teacher('bm25'); print('torch' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
