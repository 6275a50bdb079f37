"""Running a row's commands."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from reproduction.found import SAID
from reproduction.rows import PLACE, Row, Rows, RowsError


def filled(rows: Rows, row: Row, output: str, collections: Mapping[str, str]) -> list[str]:
    """A row's commands with their places filled in.

    Args:
        rows: All of them.
        row: Whose commands.
        output: Its folder.
        collections: Folders by the collections' names.

    Raises:
        RowsError: A collection's folder is needed and not given.
    """
    known = {name: spec.path for name, spec in rows.collections.items() if spec.path} | dict(collections)

    def place(name: str) -> str:
        if name == "output":
            return output
        name = row.collection if name == "collection" else name
        if name not in known:
            get = " ".join(rows.collections[name].get.split())
            raise RowsError(f"where is {name}? --collection {name}=PATH ({get})")
        return shlex.quote(known[name])

    return [PLACE.sub(lambda match: place(match[1]), command) for command in rows.commands(row)]


def run(commands: list[str], output: Path, root: Path) -> None:
    """Run commands in order, as a shell does; each goes on where it was stopped.

    Args:
        commands: Without places.
        output: The row's folder, where what the last one says is kept.
        root: The folder that they are run in.

    Raises:
        RowsError: One failed.
    """
    output.mkdir(parents=True, exist_ok=True)
    # `python` and `distillir` are those of this interpreter's environment.
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    for number, command in enumerate(commands, start=1):
        print(f"[{number} of {len(commands)}] {command}", file=sys.stderr, flush=True)
        said = []
        started = subprocess.Popen(
            ["bash", "-eu", "-o", "pipefail", "-c", command],
            cwd=root, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8",
        )  # fmt: skip
        assert started.stdout is not None
        for line in started.stdout:
            print(line, end="", flush=True)
            said.append(line)
        if code := started.wait():
            raise RowsError(f"exit code {code} of: {command}")
        if number == len(commands):
            (output / SAID).write_text("".join(said), encoding="utf-8")
