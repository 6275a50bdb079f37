"""The files of ``examples/extending``, each named by a recipe there that the command line runs."""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.numpy import load_file

from command_line import apart, distillir, kill_once

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "examples" / "extending"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy beside a copy of the tiny collection, as the recipes name it."""
    root = tmp_path_factory.mktemp("root")
    shutil.copytree(ROOT / "tests" / "data" / "tiny", root / "tests" / "data" / "tiny")
    shutil.copytree(FILES, root / "examples" / "extending", ignore=shutil.ignore_patterns("__pycache__", "runs"))
    return root / "examples" / "extending"


@pytest.fixture(autouse=True)
def current(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder is the current one; what was imported from it is forgotten."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


def _run(name: str) -> dict[str, Any]:
    done = distillir("run", f"{name}.yaml", "--allow-code", "--output", f"runs/{name}")
    assert done.returncode == 0, done.stderr
    metrics: dict[str, Any] = json.loads(Path(f"runs/{name}/metrics.json").read_text())
    assert 0 < metrics["after"]["nDCG@10"] <= 1
    return metrics


def test_collection_source_and_teacher() -> None:
    subprocess.run([sys.executable, "collection.py", "../../tests/data/tiny", "tiny.db"], check=True)
    metrics = _run("texts")
    assert metrics["collection"] == "tiny" and metrics["queries"] == 8
    # BM25 alone finds fewer than 8 documents for most of these queries; the n-grams fill the lists.
    found = Counter(line.split()[0] for line in Path("runs/texts/runs/candidates.trec").read_text().splitlines())
    assert set(found.values()) == {8} and metrics["teacher_calls"]


def test_method_with_its_plan_and_objective() -> None:
    metrics = _run("method")
    assert metrics["method"] == "method:METHOD" and metrics["plan"] == "plan:PLAN"
    assert [stage["lists"][0]["form"] for stage in metrics["stages"]] == ["GradedLists", "PlainLists"]
    assert [stage["learning_rate"] for stage in metrics["stages"]] == pytest.approx([1e-4, 5e-5])
    assert "objective:LISTMLE" in json.dumps(metrics["objective"])


def test_kind_of_student_with_weighted_objectives() -> None:
    metrics = _run("student")
    assert metrics["student"]["kind"] == "student_kind:NARROW" and metrics["student"]["per_document"] == 48
    from sentence_transformers import SentenceTransformer

    assert SentenceTransformer("runs/student/student", device="cpu").encode(["honey"]).shape == (1, 48)
    # Killed between two stages, and run again: the weights are the same.
    killed = Path("runs/killed")
    flags = ("--allow-code", "--output", killed, "--set", "training.checkpoint_seconds=0")
    kill_once(apart("run", "student.yaml", *flags), (killed / "work" / "student-1").is_dir)
    assert not (killed / "student").is_dir()
    again = distillir("run", "student.yaml", *flags)
    assert again.returncode == 0, again.stderr
    assert _weights(killed) == _weights(Path("runs/student"))


def test_engine() -> None:
    if not Path("runs/student/student").is_dir():
        _run("student")
    given = ("index", "runs/student", "--to", "engine:ENGINE", "--allow-code")
    refused = distillir(*given, "--set", "most=5")
    assert refused.returncode == 2 and "62 documents, and it takes 5" in refused.stderr
    done = distillir(*given, "--set", "most=5000")
    assert done.returncode == 0, done.stderr
    told = json.loads(next(Path("runs/student/index").glob("engine-engine-*-student.json")).read_text())
    assert told["documents"] == 62 and told["results"]["engine"]["recall@10"] == 1.0


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("width: 0", "wrong.yaml:5: student.width: width is 0; give a whole number above 0"),
        ("width: '64'", "student.width: width is '64'; give a whole number"),
        ("widht: 64", "student.widht: unknown key; did you mean 'width'?"),
        ("width: 8, layer: 1", "student.layer: unknown key; did you mean 'layers'?"),
    ],
)
def test_options_of_a_kind_of_student_are_checked(option: str, said: str) -> None:
    Path("wrong.yaml").write_text(Path("student.yaml").read_text().replace("width: 48", option))
    done = distillir("run", "wrong.yaml", "--allow-code", "--dry-run")
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_another_option_of_a_kind_of_student_is_another_run() -> None:
    flags = ("--allow-code", "--output", "runs/options", "--set", "training.epochs=0.5")
    assert distillir("run", "student.yaml", *flags, "--set", "student.width=16").returncode == 0
    kept = yaml.safe_load(Path("runs/options/recipe.yaml").read_text())
    assert kept["student"]["width"] == 16
    refused = distillir("run", "student.yaml", *flags, "--set", "student.width=32")
    assert refused.returncode == 2 and "student.width: 16 there, 32 now" in refused.stderr, refused.stderr


def _weights(run: Path) -> dict[str, bytes]:
    files = sorted((run / "student").rglob("*.safetensors"))
    assert len(files) == 2  # the transformer and the projection
    return {f"{file.name} {name}": value.tobytes() for file in files for name, value in load_file(file).items()}


def test_signal_that_needs_texts_alone() -> None:
    assert _run("words")["method"] == "signals + words"
    assert not Path("runs/words/teaching").exists()


def test_signal() -> None:
    metrics = _run("signal")
    assert "lexical_signal:LEXICAL" in metrics["signals"]
    logged = [json.loads(line) for line in Path("runs/signal/log.jsonl").read_text().splitlines()]
    assert any("lexical" in name for line in logged for name in line)


def test_the_page_has_a_section_and_the_recipe_of_each_file() -> None:
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    recipes = [yaml.safe_load(path.read_text()) for path in FILES.glob("*.yaml")]
    for block in re.findall(r"```yaml\n(.*?)```", page, flags=re.S):
        shown = yaml.safe_load(block)
        assert any(shown.items() <= recipe.items() for recipe in recipes), block
    for file in FILES.glob("*.py"):
        assert f"](../examples/extending/{file.name})" in page, f"no section shows {file.name}"
