"""Pairs of description and code out of Python source: the first sentence of a docstring, the code without it."""

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
LONGEST_CLASS_STATEMENT = 3  # lines; longer ones are tables of constants

_SIGNATURE = re.compile(
    r"^[\w.]+\([^()]*(?:\([^()]*\)[^()]*)*\)\s*(?:->\s*[\w. ,\[\]]+?(?=\s*(?:--|:|\n|$)))?\s*(?:--+|:)?\s*"
)
_SENTENCE_END = re.compile(r"(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\betc\.)(?<!\bvs\.)(?<=[.!?])\s+(?=[\"'`(\[]?[A-Z])")


@dataclass(frozen=True)
class Documented:
    """A documented class, function or method.

    Attributes:
        name: Qualified name, as ``json.decoder.JSONDecoder.decode``.
        sentence: The first sentence of its docstring; empty where it has none that is prose.
        source: Its code without the docstring; of a class, its header, short statements and method signatures.
    """

    name: str
    sentence: str
    source: str


def documented_definitions(module: str, text: str) -> Iterator[Documented]:
    """Yield the documented definitions of a module, in the order of the file; of two of one name, the first.

    Args:
        module: The module's dotted name.
        text: Its source.

    Raises:
        SyntaxError: The source is not of this Python.
    """
    # Positions that ast gives count UTF-8 bytes within lines that end in \n alone.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode().split(b"\n")
    seen: set[str] = set()
    for name, node in _definitions(module, ast.parse(text)):
        docstring = ast.get_docstring(node)
        if docstring and name not in seen:
            seen.add(name)
            source = _outline(node, lines) if isinstance(node, ast.ClassDef) else _without_docstring(node, lines)
            yield Documented(name, first_sentence(docstring), source)


def first_sentence(docstring: str) -> str:
    """The first sentence of a cleaned docstring on one line, without a leading call signature (``f(x) -> y``)."""
    paragraphs = (_SIGNATURE.sub("", paragraph.strip(), count=1) for paragraph in re.split(r"\n\s*\n", docstring))
    prose = next((paragraph for paragraph in paragraphs if paragraph), "")
    if prose.startswith((">>>", "@", ":param")):
        return ""
    return " ".join(_SENTENCE_END.split(prose, maxsplit=1)[0].split())


def _definitions(prefix: str, node: ast.AST) -> Iterator[tuple[str, Definition]]:
    """Definitions at module and class level, those under ``if`` and ``try`` included, none inside functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            yield f"{prefix}.{child.name}", child
        if isinstance(child, ast.ClassDef):
            yield from _definitions(f"{prefix}.{child.name}", child)
        elif isinstance(child, ast.If | ast.Try | ast.ExceptHandler):
            yield from _definitions(prefix, child)


def _without_docstring(node: Definition, lines: list[bytes]) -> str:
    """The definition with its decorators, its docstring cut out by position."""
    docstring = node.body[0]
    before = _cut(lines, _first_line(node), 0, docstring.lineno, docstring.col_offset)
    after = _cut(lines, docstring.end_lineno or 0, docstring.end_col_offset or 0, node.end_lineno or 0, None)
    rest = after.lstrip(b" \t;")
    if not rest.strip():
        text = before.rstrip()
    elif rest.startswith(b"\n"):
        text = before.rstrip() + b"\n" + rest.lstrip(b"\n")
    else:  # something else stands on the docstring's line
        text = before + rest
    return textwrap.dedent(text.decode()).strip("\n")


def _outline(node: ast.ClassDef, lines: list[bytes]) -> str:
    """Header, short statements and method signatures: the bodies of methods are documents of their own."""
    parts = [_header(node, lines)]
    for child in node.body[1:]:
        if isinstance(child, Definition):
            parts.append(_header(child, lines))
        elif (child.end_lineno or 0) - child.lineno < LONGEST_CLASS_STATEMENT and not isinstance(child, ast.Expr):
            parts.append(_cut(lines, child.lineno, 0, child.end_lineno or 0, None))
    return textwrap.dedent(b"\n".join(part.rstrip() for part in parts).decode()).strip("\n")


def _header(node: Definition, lines: list[bytes]) -> bytes:
    """Decorators and signature, up to the first statement of the body."""
    return _cut(lines, _first_line(node), 0, node.body[0].lineno, node.body[0].col_offset).rstrip()


def _first_line(node: Definition) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _cut(lines: list[bytes], line: int, column: int, end_line: int, end_column: int | None) -> bytes:
    """Bytes from (line from 1, column from 0) up to the end given."""
    part = lines[line - 1 : end_line]
    part[-1] = part[-1][:end_column]
    part[0] = part[0][column:]
    return b"\n".join(part)
