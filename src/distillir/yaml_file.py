"""A YAML file that holds a mapping, with the lines its keys stand on."""

from pathlib import Path
from typing import Any

import yaml

from distillir.errors import DistillirError
from distillir.files import read_lines

Places = dict[tuple[str, ...], int]


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
    try:
        value = yaml.safe_load(text)
        places = _places(yaml.compose(text, Loader=yaml.SafeLoader), path)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else path
        raise DistillirError(f"not YAML ({getattr(error, 'problem', error)})", where=where) from None
    except RecursionError:
        raise DistillirError("nested too deep, or holds itself by an anchor", where=path) from None
    if not isinstance(value, dict):
        raise DistillirError(what, where=path)
    return value, places


def _places(node: yaml.Node | None, path: Path, keys: tuple[str, ...] = ()) -> dict[tuple[str, ...], int]:
    """Line numbers of the keys of a YAML document.

    Raises:
        DistillirError: A key stands twice in one mapping; YAML would take the last.
    """
    found: dict[tuple[str, ...], int] = {}
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
