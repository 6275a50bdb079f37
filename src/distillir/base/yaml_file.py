"""YAML: reading a file that holds a mapping, with the line of each key; writing.

Numbers are those of YAML 1.2 and JSON; PyYAML, which goes by YAML 1.1, reads ``1e-3`` as text and ``1.0e-3`` as a
number.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from distillir.base.errors import DistillirError
from distillir.base.files import read_lines

Places = dict[tuple[str, ...], int]


class _Loader(yaml.SafeLoader):
    """Reads numbers as YAML 1.2 does."""


class _Dumper(yaml.SafeDumper):
    """Puts quotes around texts that `_Loader` would read as numbers."""


_EXPONENT = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)[eE][-+]?[0-9]+$")
for _made in (_Loader, _Dumper):
    _made.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+.0123456789"))

# What PyYAML says of what people write most often, and the way out.
_WAYS_OUT = (
    ("unknown escape character", r"in double quotes a backslash begins an escape; write paths as 'C:\data' or C:/data"),
    ("'\\t' that cannot start", "indent by blanks, not by tabs"),
)


def read_mapping(
    path: Path, what: str = "a recipe is a mapping of keys to values; see recipes/quickstart.yaml"
) -> tuple[dict[str, Any], Places]:
    """Read a mapping, and the line of each of its keys.

    Args:
        path: YAML file.
        what: What is said where it holds something else.

    Raises:
        DistillirError: The file is missing, is not YAML, or holds something else than a mapping.
    """
    text = "\n".join(line for _, line in read_lines(path))
    value = load_yaml(text, path)
    try:
        places = _places(yaml.compose(text, Loader=yaml.SafeLoader), path)
    except RecursionError:
        raise DistillirError("nested too deep, or holds itself by an anchor", where=path) from None
    if not isinstance(value, dict):
        raise DistillirError(what, where=path)
    return value, places


def load_yaml(text: str, where: object) -> Any:
    """The value of a YAML text.

    Args:
        text: The text.
        where: The file or key it is from; a `Path` gets the line of the mistake.

    Raises:
        DistillirError: It is no YAML, or holds a value that is not of the kind it says (``!!int x``, 2024-13-45).
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"{where}:{mark.line + 1}" if mark and isinstance(where, Path) else where
        problem = str(getattr(error, "problem", error))
        remedy = next((way_out for part, way_out in _WAYS_OUT if part in problem), None)
        raise DistillirError(f"not YAML ({problem})", where=line, remedy=remedy) from None
    except RecursionError:
        raise DistillirError("nested too deep, or holds itself by an anchor", where=where) from None
    except Exception as error:  # of whatever makes the values: int(), datetime.date(), base64, ...
        said = f"a value is not what it is said to be: {type(error).__name__}: {error}"
        raise DistillirError(f"not YAML ({said})", where=where) from None


def dump_yaml(value: Any) -> str:
    """A value as YAML, its keys in their order."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True))


def _places(node: yaml.Node | None, path: Path, keys: tuple[str, ...] = ()) -> dict[tuple[str, ...], int]:
    """Line numbers of the keys of a YAML document, and of the items of its lists under their numbers.

    Raises:
        DistillirError: A key stands twice in one mapping; YAML would take the last.
    """
    found: dict[tuple[str, ...], int] = {}
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            found[(*keys, str(number))] = item.start_mark.line + 1
            found.update(_places(item, path, (*keys, str(number))))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            own = (*keys, str(key.value))
            if own in found:
                raise DistillirError(
                    f"the key {'.'.join(own)} stands here and in line {found[own]}",
                    where=f"{path}:{key.start_mark.line + 1}",
                    remedy="keep one of them",
                )
            found[own] = key.start_mark.line + 1
            found.update(_places(value, path, own))
    return found
