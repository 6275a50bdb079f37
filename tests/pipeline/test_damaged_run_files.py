"""Files of a run folder that a user edited, or a full disk cut, are told in one line; what is nobody's work is none."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from distillir.base.errors import DistillirError
from distillir.base.files import write_json
from distillir.base.lock import locked
from distillir.pipeline import provenance
from distillir.pipeline.run_folder import RunFolder
from distillir.recipe import Recipe
from distillir.recipe.read import parse_recipe

DAMAGES = {
    "empty": "",
    "cut": '{"seconds": {"mine": 1',
    "a list": "[]",
    "other kinds": '{"seconds": "long", "candidates": "none"}',
    "kinds within": '{"seconds": {"mine": [1]}, "candidates": {"version": [1]}}',
}


@pytest.fixture
def recipe() -> Recipe:
    return parse_recipe({"collection": "text", "teacher": "bm25", "student": "all-MiniLM-L6-v2"})


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_records_are_refused_by_name(damage: str, recipe: Recipe, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run", recipe)
    readers: dict[Path, Callable[[], object]] = {
        folder.facts.file: folder.facts.read,
        folder.provenance: lambda: provenance.read(folder),
    }
    for file, read in readers.items():
        assert read() == {}
        file.write_text(DAMAGES[damage])
        with pytest.raises(DistillirError, match=rf"^{file}.*; mend it, or delete it"):
            read()


def test_what_is_whole_is_read(recipe: Recipe, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run", recipe)
    with folder.facts.timed("mine"):
        pass
    folder.facts.note(teacher_calls={"asked": 3, "cached": 0}, reading_of="key")
    assert (
        folder.facts.read()["teacher_calls"] == {"asked": 3, "cached": 0} and folder.facts.read()["reading_of"] == "key"
    )
    provenance.write(folder, {"candidates": {"version": 1, "documents": "f00"}})
    assert provenance.read(folder) == {"candidates": {"version": 1, "documents": "f00"}}


@pytest.mark.parametrize("text", ["", "- a list\n", "method: {name: [\n"])
def test_a_damaged_recipe_is_told_as_one(text: str, recipe: Recipe, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run", recipe)
    file = folder.path / "recipe.yaml"
    file.write_text(text)
    with pytest.raises(DistillirError, match=rf"^{file}(:\d+)?: (is no recipe|not YAML)"):
        RunFolder(folder.path, recipe)


def test_what_errors_and_kills_leave_does_not_count_as_content(recipe: Recipe, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in ("error.log", "error-process-1.log", ".lock", ".lock-holder", ".recipe.yaml.0123abcd-77-xy_z.part"):
        (run / name).touch()
    RunFolder(run, recipe).release()
    assert sorted(path.name for path in run.iterdir()) == [
        ".lock",
        ".lock-holder",
        ".recipe.yaml.0123abcd-77-xy_z.part",
    ]
    (run / "notes.txt").touch()
    with pytest.raises(DistillirError, match="is not empty and holds no run"):
        RunFolder(run, recipe)


def test_a_folder_begun_on_a_full_disk_goes_on(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: RunFolder) -> None:
        raise OSError(28, os.strerror(28), str(folder.path / "recipe.yaml"))

    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space left"):
        patched.setattr(RunFolder, "write_recipe", full)
        RunFolder(tmp_path / "run", recipe)
    assert RunFolder(tmp_path / "run", recipe).work.is_dir()


@pytest.mark.parametrize("beside", [False, True])
def test_a_lock_that_the_machine_refuses(
    beside: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "teacher" if beside else tmp_path

    def refuse(number: int) -> None:
        def acquire(*_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number), str(tmp_path / ".lock"))

        monkeypatch.setattr(FileLock, "acquire", acquire)

    refuse(errno.EROFS)
    with (
        pytest.raises(DistillirError, match=rf"^{tmp_path}: may not be written \(Read-only file system\); check"),
        locked(target, beside=beside),
    ):
        pass
    refuse(errno.ENOSPC)
    with pytest.raises(OSError, match="No space left"), locked(target, beside=beside):
        pass
    refuse(errno.ENOLCK)  # a network mount without locks: the command goes on, and says what it cannot guard
    with locked(target, beside=beside):
        assert "this file system has no locks" in " ".join(capsys.readouterr().err.split())


def test_a_file_that_is_json_and_no_object(tmp_path: Path) -> None:
    from distillir.base.files import read_json

    file = tmp_path / "facts.json"
    write_json(file, {"a": 1})
    assert read_json(file, "delete it") == {"a": 1}
    for text, said in ((json.dumps([1]), "a JSON list"), ("[" * 100_000, "nested too deep"), ("{", "not JSON")):
        file.write_text(text)
        with pytest.raises(DistillirError, match=rf"{said}.*; delete it$"):
            read_json(file, "delete it")
