"""Kinds by name: built-in, installed, and code that a recipe names."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from distillir.base.errors import DistillirError
from distillir.specs import Registry, allow_code, code_allowed


@dataclass(frozen=True)
class Fruit:
    name: str
    description: str


FRUITS: Registry[Fruit] = Registry(
    "fruit", "distillir.fruits", Fruit, {"pear": Fruit("pear", "green"), "plum": "fruit_of_the_house:PLUM"}
)
MODULE = "from test_registry import Fruit\nPEACH = Fruit('peach', 'furry')\nPLUM = Fruit('plum', 'blue')\nPIP = 3\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder with a module in it, and the modules and folders of before given back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parent)])
    before = set(sys.modules)
    (tmp_path / "orchard.py").write_text(MODULE)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def offer(folder: Path, text: str) -> None:
    """Install a package that offers kinds."""
    about = folder / "orchards-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: orchards\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[distillir.fruits]\n{text}")
    sys.path.append(str(folder))


def test_built_in_kinds_may_be_imported_late(folder: Path) -> None:
    (folder / "fruit_of_the_house.py").write_text(MODULE)
    sys.path.append(str(folder))
    assert FRUITS.get("pear").description == "green" and "fruit_of_the_house" not in sys.modules
    assert [kind.name for kind in FRUITS.kinds()] == FRUITS.names() == ["pear", "plum"]


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(DistillirError, match=r"r\.yaml:3: fruit: unknown fruit 'paer'; did you mean 'pear'\?"):
        FRUITS.get("paer", "r.yaml:3: fruit")
    for name in (None, 3, ["pear"], "a b:C", "c:\\x:y", "http://x"):
        with pytest.raises(DistillirError, match="unknown fruit"):
            FRUITS.get(name)


def test_code_runs_only_where_it_was_allowed(folder: Path) -> None:
    (folder / "orchard.py").write_text(MODULE + "open('ran', 'w')\n")
    with pytest.raises(DistillirError, match=r"orchard:PEACH is Python code.* add --allow-code"):
        FRUITS.get("orchard:PEACH")
    assert not (folder / "ran").exists() and FRUITS.knows("orchard:PEACH") and not code_allowed()
    with allow_code():
        assert FRUITS.get("orchard:PEACH") == Fruit("orchard:PEACH", "furry")
    with pytest.raises(DistillirError):  # imported by now, and still not allowed
        FRUITS.get("orchard:PEACH")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("orchards:PEACH", None, "there is no module orchards; it is looked for among the installed packages and in /"),
        ("orchard:PEECH", None, r"orchard\.py has no PEECH; did you mean 'PEACH'\? \(choose from PEACH, PLUM\)"),
        ("orchard:PIP", None, "orchard:PIP is of type int, and no fruit; name a test_registry.Fruit"),
        ("orchard:Fruit", None, "orchard:Fruit is the class Fruit, and no fruit"),
        ("orchard:X", "", "orchard.py has no X; it names no fruit at all"),
        (
            "orchard:X",
            "import not_there_at_all\n",
            r"orchard cannot be imported \(ModuleNotFoundError.*orchard\.py:1\)",
        ),
        (
            "orchard:X",
            "\n1 / 0\n",
            r"orchard cannot be imported \(ZeroDivisionError: division by zero, orchard\.py:2\)",
        ),
        ("orchard:X", "def\n", r"orchard cannot be imported \(SyntaxError"),
        ("orchard:X", "import sys\nsys.exit(3)\n", r"orchard cannot be imported \(SystemExit: 3, orchard\.py:2\)"),
    ],
)
def test_what_is_wrong_with_code_is_told_in_one_line(name: str, text: str | None, said: str, folder: Path) -> None:
    if text is not None:
        (folder / "orchard.py").write_text(text)
    with allow_code(), pytest.raises(DistillirError, match=said) as refused:
        FRUITS.get(name, "r.yaml:2: fruit")
    assert str(refused.value).startswith("r.yaml:2: fruit: ") and len(str(refused.value).splitlines()) == 1


def test_a_file_of_the_folder_stands_for_no_installed_package(folder: Path) -> None:
    (folder / "json.py").write_text(MODULE)
    with allow_code(), pytest.raises(DistillirError, match=r"json/__init__\.py has no PEACH"):
        FRUITS.get("json:PEACH")


def test_installed_kinds_need_no_permission(folder: Path) -> None:
    offer(folder, "peach = orchard:PEACH\npear = orchard:PLUM\nstone = orchard:PIP\nnone = nowhere:X\n")
    assert FRUITS.get("peach").description == "furry"
    assert FRUITS.get("pear").description == "green"  # what is built in stays so
    with pytest.raises(DistillirError, match="stone of the package orchards is of type int, and no fruit"):
        FRUITS.get("stone")
    (folder / "fruit_of_the_house.py").write_text(MODULE)
    lines = FRUITS.descriptions()
    assert list(lines) == ["pear", "plum", "peach", "stone", "none"]
    assert "the fruit none of the package orchards cannot be loaded (ModuleNotFoundError" in lines["none"]
    assert [kind.name for kind in FRUITS.kinds()] == ["pear", "plum", "peach"]
