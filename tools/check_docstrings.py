"""Docstrings checked against signatures by pydoclint, but for sections that a docstring does without.

pydoclint wants sections for everything as soon as a docstring is longer than a line. Ours say in a sentence what needs
no list; a section that is there must be right: an ``Args`` names every argument in order, ``Attributes`` of a dataclass
are its fields. What pydoclint is told stands in ``pyproject.toml``.

Usage: ``python tools/check_docstrings.py src``; exit code 1 where something is wrong.
"""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

#: Codes that count only where the docstring has a section of this name.
SECTIONS = {
    **dict.fromkeys(("DOC101", "DOC103"), "Args"),
    **dict.fromkeys(("DOC201", "DOC203"), "Returns"),
    **dict.fromkeys(("DOC402", "DOC404"), "Yields"),
    **dict.fromkeys(("DOC601", "DOC602", "DOC603", "DOC604", "DOC605"), "Attributes"),
}


@cache
def definitions(path: Path) -> dict[int, tuple[Definition, str]]:
    """Functions and classes of a file by their line, each with its docstring, a constructor with its class's too."""
    found: dict[int, tuple[Definition, str]] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Definition):
            text = ast.get_docstring(node) or ""
            found.setdefault(node.lineno, (node, text))
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef) and inner.name == "__init__":
                        found[inner.lineno] = inner, f"{text}\n{ast.get_docstring(inner) or ''}"
    return found


def counts(path: Path, line: int, code: str) -> bool:
    """Whether a finding of pydoclint is one by our rules."""
    section = SECTIONS.get(code)
    if section is None or line not in definitions(path):
        return True
    node, text = definitions(path)[line]
    if not re.search(rf"^\s*{section}:$", text, re.MULTILINE):
        return False
    if section != "Attributes":
        return True
    # Other classes make their attributes in the constructor, where pydoclint does not look.
    return isinstance(node, ast.ClassDef) and any("dataclass" in ast.dump(one) for one in node.decorator_list)


def main(paths: list[str]) -> int:
    """Print what is wrong in the files below paths; returns the number of findings."""
    command = [str(Path(sys.executable).with_name("pydoclint")), "--quiet", "--config", "pyproject.toml", *paths]
    said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    path, wrong = Path(), 0
    for line in said.stdout.splitlines():
        if found := re.match(r"\s+(\d+): (DOC\d+): (.*)", line):
            if counts(path, int(found[1]), found[2]):
                wrong += 1
                print(f"{path}:{found[1]}: {found[2]} {found[3]}")
        elif line.strip():
            path = Path(line.strip())
    if said.returncode not in (0, 1) or "Traceback" in said.stdout:
        print(said.stdout)
        return 1
    print(f"docstrings: {wrong or 'nothing'} wrong")
    return wrong


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:] or ["src"]) else 0)
