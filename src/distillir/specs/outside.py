"""Kinds from outside the package: code that a recipe names as ``module:NAME``, and what installed packages offer."""

import importlib
import sys
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.specs.allow_code import check_code_allowed


def is_code(name: object) -> bool:
    """Tell whether a name is ``module:NAME``, with a dotted module and a Python name."""
    module, sign, attribute = name.partition(":") if isinstance(name, str) else ("", "", "")
    return bool(sign) and all(part.isidentifier() for part in module.split(".")) and attribute.isidentifier()


def load_code(name: str, accepts: type[Any], what: str, where: object) -> Any:
    """The object that ``module:NAME`` means; the current folder is looked in after the installed packages.

    Args:
        name: Of the form that `is_code` knows.
        accepts: What it must be an instance of.
        what: What such an object is called.
        where: What messages call the place.

    Raises:
        DistillirError: Such code may not run, cannot be imported, has no such name, or it means something else.
    """
    check_code_allowed(name, where)
    module_name, _, attribute = name.partition(":")
    module = _imported(module_name, where)
    if not hasattr(module, attribute):
        known = [other for other, value in vars(module).items() if isinstance(value, accepts)]
        raise DistillirError(
            f"{module.__file__ or module_name} has no {attribute}",
            where=where,
            remedy=nearest(attribute, known) if known else f"it names no {what} at all",
        )
    return _checked(getattr(module, attribute), name, accepts, what, where)


def code_file(name: str) -> Path | None:
    """The file of code that was loaded by `load_code`; None where it is none, or has no file.

    Args:
        name: ``module:NAME``, or the name of another kind.
    """
    module = sys.modules.get(name.partition(":")[0]) if is_code(name) else None
    file = getattr(module, "__file__", None)
    return Path(file) if file is not None and Path(file).is_file() else None


def installed(group: str) -> dict[str, EntryPoint]:
    """Entry points of installed packages in a group, by name; of two of one name the first."""
    return _installed(group, tuple(sys.path))


@lru_cache(maxsize=64)
def _installed(group: str, path: tuple[str, ...]) -> dict[str, EntryPoint]:
    """Entry points as `installed` gives them; to look at every package of the path takes a tenth of a second."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        found.setdefault(point.name, point)
    return found


def load_installed(point: EntryPoint, accepts: type[Any], what: str, where: object) -> Any:
    """The object that an installed package offers; arguments and errors as `load_code`."""
    package = point.dist.name if point.dist is not None else point.value
    try:
        value = point.load()
    except Exception as error:
        raise DistillirError(
            f"the {what} {point.name} of the package {package} cannot be loaded ({_told(error)})",
            where=where,
            remedy="mend or remove that package",
        ) from error
    return _checked(value, f"{point.name} of the package {package}", accepts, what, where)


def _imported(name: str, where: object) -> ModuleType:
    here = str(Path.cwd())
    # Behind the installed packages: a file of the folder must not stand for one of them.
    if here not in sys.path:
        sys.path.append(here)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise DistillirError(
                f"there is no module {error.name}",
                where=where,
                remedy=f"it is looked for among the installed packages and in {here}",
            ) from None
        raise DistillirError(f"{name} cannot be imported ({_told(error)})", where=where, remedy="mend it") from error
    except (Exception, SystemExit) as error:  # whatever the code of others raises
        raise DistillirError(f"{name} cannot be imported ({_told(error)})", where=where, remedy="mend it") from error


def _told(error: BaseException) -> str:
    """An error, and the last line of code outside the standard library that it came from."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    place = error.__traceback__
    file, line = None, 0
    while place is not None:
        if not place.tb_frame.f_code.co_filename.startswith("<") and place.tb_frame.f_globals.get("__name__") not in (
            __name__,
            "importlib",
        ):
            file, line = place.tb_frame.f_code.co_filename, place.tb_lineno
        place = place.tb_next
    return f"{said}, {Path(file).name}:{line}" if file else said


def _checked(value: Any, name: str, accepts: type[Any], what: str, where: object) -> Any:
    if not isinstance(value, accepts):
        kind = f"the class {value.__name__}" if isinstance(value, type) else f"of type {type(value).__name__}"
        raise DistillirError(
            f"{name} is {kind}, and no {what}",
            where=where,
            remedy=f"name a {accepts.__module__}.{accepts.__qualname__}",
        )
    return value
