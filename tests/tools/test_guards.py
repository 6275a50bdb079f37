"""The guards of `make lint` and `make coverage` see what they are for."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

RIGHT = '''
from dataclasses import dataclass


def told(query: str, depth: int) -> list[str]:
    """Documents of a query.

    In order; a query without documents has none.
    """
    return [query] * depth


def listed(query: str, depth: int) -> list[str]:
    """Documents of a query.

    Args:
        query: Its text.
        depth: How many.

    Raises:
        ValueError: From somewhere below.
    """
    return told(query, depth)


class Searcher:
    """A searcher.

    Args:
        name: Its name.

    Attributes:
        name: Its name.
    """

    def __init__(self, name: str) -> None:
        self.name = name


@dataclass
class Found:
    """What was found.

    Attributes:
        query: Its row.
        count: How many documents.
    """

    query: int
    count: int
'''
QUERY, DEPTH = "        query: Its text.\n", "        depth: How many.\n"


@pytest.mark.parametrize(
    ("right", "wrong", "code"),
    [
        (DEPTH, "", "DOC101"),
        ("depth: How many", "deep: How many", "DOC103"),
        (QUERY + DEPTH, DEPTH + QUERY, "DOC104"),
        ("        name: Its name.\n\n    Attributes", "        title: Its name.\n\n    Attributes", "DOC103"),
        ("        count: How many documents.\n", "", "DOC601"),
        ("count: How many documents", "number: How many documents", "DOC603"),
    ],
)  # fmt: skip
def test_docstrings_that_do_not_match(tmp_path: Path, right: str, wrong: str, code: str) -> None:
    file = tmp_path / "module.py"

    def check(text: str) -> tuple[int, str]:
        file.write_text(text)
        command = [sys.executable, "tools/check_docstrings.py", str(file)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        return done.returncode, done.stdout

    assert RIGHT.count(right) == 1
    assert check(RIGHT.replace(right, wrong))[0] == 1 and code in check(RIGHT.replace(right, wrong))[1]
    assert check(RIGHT) == (0, "docstrings: nothing wrong\n")


def test_circles_of_imports_are_spelt_out(tmp_path: Path) -> None:
    package = tmp_path / "madeup"
    (package / "room").mkdir(parents=True)
    for file, text in {
        "__init__.py": "",
        "top.py": "from madeup.room import a, d\n",
        "room/__init__.py": "",
        "room/a.py": "import madeup.room.b\n",
        "room/b.py": "def lazy():\n    from madeup.room.c import C\n",
        "room/c.py": "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from madeup.room.a import A\n",
        "room/d.py": "",
    }.items():
        (package / file).write_text(text)

    def check() -> tuple[int, list[str]]:
        command = [sys.executable, str(ROOT / "tools/check_cycles.py"), "madeup"]
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
        return done.returncode, done.stdout.splitlines()

    assert check() == (0, ["circles of imports: none"])
    (package / "room/c.py").write_text("def lazy():\n    from madeup.room.a import A\n")
    (package / "room/d.py").write_text("from madeup.top import a\n")
    assert check() == (
        1,
        [
            "madeup.room.a -> madeup.room.b -> madeup.room.c -> madeup.room.a",
            "madeup.room.d -> madeup.top -> madeup.room.d",
            "circles of imports: 2",
        ],
    )


def test_coverage_is_counted_by_room(tmp_path: Path) -> None:
    def lines(run: int, of: int) -> dict[str, dict[str, int]]:
        return {"summary": {"covered_lines": run, "num_statements": of}}

    files = {
        "src/distillir/base/files.py": lines(80, 100),
        "src/distillir/base/lock.py": lines(100, 100),
        "/elsewhere/src/distillir/plans/stage.py": lines(89, 100),
        "src/distillir/room.py": lines(10, 10),
        "src/distillir/empty/__init__.py": lines(0, 0),
    }
    report = tmp_path / "coverage.json"
    report.write_text(json.dumps({"files": files}))

    def tell(*more: str) -> tuple[int, list[str]]:
        command = [sys.executable, "tools/coverage_by_room.py", str(report), *more]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        return done.returncode, done.stdout.splitlines()

    code, said = tell()
    assert code == 1 and [line.split()[:2] for line in said] == [
        ["base", "90.0"], ["plans", "89.0"], ["room.py", "100.0"], ["all", "90.0"],
    ]  # fmt: skip
    assert [line.split()[0] for line in said if line.endswith("below 90 %")] == ["plans"]
    assert tell("--least", "85")[0] == 0
    assert tell("--least", "91")[0] == 1


def test_the_table_of_rooms_is_in_the_order_of_the_contract() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    layers = [sorted(layer.split(" | ")) for layer in reversed(contract["layers"]) if layer != "__main__"]
    table = (ROOT / "docs" / "architecture.md").read_text().split("| room | holds |\n")[1].split("\n\n")[0]
    told = [re.findall(r"`(\w+)(?:/|\.py)`", line.split(" | ")[0]) for line in table.splitlines()[1:]]
    place = {room: number for number, rooms in enumerate(layers) for room in rooms}
    rooms = [room for line in told for room in line]
    assert sorted(rooms) == sorted(place)
    assert [place[room] for room in rooms] == sorted(place.values())
