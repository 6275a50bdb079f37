"""No two public classes or functions of the package share a name, unless they are the same thing."""

import ast
from collections import defaultdict
from pathlib import Path

import distillir

#: Names that several files define: verbs of the command line beside what they call, or one file a kind.
ALIKE = {
    "compare",
    "default_output",
    "evaluate",
    "index",
    "load_collection",
    "mine",
    "read_example",
    "register",
    "run",
    "score",
    "train",
    "tune",
}


def test_no_name_stands_for_two_things() -> None:
    found = defaultdict(list)
    root = Path(distillir.__file__).parent
    for file in sorted(root.rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                found[node.name].append(str(file.relative_to(root)))
    twice = {name: files for name, files in found.items() if len(files) > 1 and name not in ALIKE}
    assert not twice
