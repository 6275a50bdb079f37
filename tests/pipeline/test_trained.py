"""The student of a run that is read while another command makes it anew, or that is not there."""

from pathlib import Path

import pytest

from command_line import distillir
from distillir.base.errors import DistillirError
from distillir.base.lock import held_by, locked
from distillir.pipeline.trained import trained_student


@pytest.fixture
def run(tmp_path: Path, tiny_beir: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    recipe = f"collection: {tiny_beir}\nteacher: bm25\nstudent: all-MiniLM-L6-v2\n"
    (folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "command",
    [["export", "--format", "servers", "-o", "x"], ["export", "--format", "pylate", "-o", "x"], ["index"], ["serve"]],
)
def test_a_student_that_is_made_anew_is_said_to_be(
    command: list[str], run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run.parent)
    with locked(run):
        done = distillir(command[0], run, *command[1:])
    lines = [line for line in done.stderr.splitlines() if line.startswith("distillir: ")]
    assert done.returncode == 2 and len(lines) == 1, done.stderr
    assert "student: is not there at the moment: another command is making it (process " in lines[0]
    assert "wait until that has ended" in lines[0]
    done = distillir(command[0], run, *command[1:])
    assert "has no trained student yet; run `distillir run" in done.stderr


def test_who_holds_a_lock_is_told_without_taking_it(tmp_path: Path) -> None:
    assert held_by(tmp_path) == "" and not list(tmp_path.iterdir())
    with locked(tmp_path):
        assert held_by(tmp_path).startswith("process ")
    with locked(tmp_path, reading=True):
        assert held_by(tmp_path) == ""  # it only looks
    (tmp_path / ".lock").touch()  # left by a kill
    assert held_by(tmp_path) == ""
    with locked(tmp_path):
        pass


def test_a_student_that_is_there_is_read_whoever_writes(run: Path) -> None:
    (run / "student").mkdir()
    with locked(run):
        assert trained_student(run) == run / "student"
    with pytest.raises(DistillirError, match="work/initial-student: is missing"):
        trained_student(run, "work/initial-student")
