"""Docstrings open with a noun phrase or a verb, so that each says at once what a thing is or does."""

import ast
import re
from pathlib import Path

import distillir

#: Openers of clauses that are no sentence by themselves: "What of a text is read", "Whether it is there".
OPENERS = re.compile(
    r"(What|Which|How|From|Where|Whether|Who|Whose|When|Why|That|As|Of|At|By|For|In|If|Tell (what|which|where))\b"
)


def test_docstrings_open_with_a_noun_phrase_or_a_verb() -> None:
    root, found = Path(distillir.__file__).parent, []
    for file in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node) or ""
                if OPENERS.match(text):
                    found.append(f"{file.relative_to(root)}: {text.splitlines()[0]}")
    assert not found
