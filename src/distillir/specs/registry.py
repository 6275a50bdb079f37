"""Registry: the kinds of something that a recipe may name."""

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass, replace
from importlib import import_module
from importlib.metadata import EntryPoint
from typing import Any, Generic, Protocol, TypeVar, cast

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.specs.outside import installed, is_code, load_code, load_installed


class Named(Protocol):
    """The interface of every kind: a name as recipes write it, and a line that describes it."""

    @property
    def name(self) -> str:
        """Name, as recipes write it."""

    @property
    def description(self) -> str:
        """One line for people."""


Kind = TypeVar("Kind", bound=Named)


class Registry(Generic[Kind]):
    """The kinds of something by name: those of this package, of installed packages, and of the user's own code.

    A name is looked for among the built-in ones, then among the entry points of `group`, which any installed package
    may have; ``module:NAME`` is imported, where the user has allowed it (`distillir.specs.allow_code`).

    Args:
        what: What one is called in messages (``objective``).
        group: Entry points (``distillir.objectives``); None: there are the package's own kinds and no others.
        accepts: The class that every kind is an instance of.
        builtin: The package's own by name, in the order that help texts show; a ``module:NAME`` is imported when it is
            asked for.
        unknown: What is said of a name that is none, with ``{name}`` for it.
    """

    def __init__(
        self,
        what: str,
        group: str | None,
        accepts: type[Any],
        builtin: Mapping[str, Kind | str],
        *,
        unknown: str | None = None,
    ) -> None:
        self.what, self.group, self.accepts = what, group, accepts
        self.unknown = unknown or f"unknown {what} {{name}}"
        self._builtin: dict[str, Kind | str] = dict(builtin)

    def get(self, name: object, where: object = None) -> Kind:
        """The kind of a name.

        Args:
            name: A built-in name, that of an entry point, or ``module:NAME``.
            where: What messages call the place in the recipe.

        Returns:
            The kind, under the name it was asked for by.

        Raises:
            DistillirError: There is none (the message names the nearest), code may not run, cannot be imported, or is
                something else.
        """
        if isinstance(name, str) and name in self._builtin:
            return self._own(name)
        if isinstance(name, str) and self.group is not None and is_code(name):
            return cast(Kind, _called(load_code(name, self.accepts, self.what, where), name))
        points = self._installed()
        if not isinstance(name, str) or name not in points:
            said = self.unknown.format(name=repr(name))
            raise DistillirError(said, where=where, remedy=nearest(name, self.names()))
        return cast(Kind, _called(load_installed(points[name], self.accepts, self.what, where), name))

    def knows(self, name: object) -> bool:
        """Tell whether a name is one of `names`, or code; nothing is loaded."""
        if not isinstance(name, str):
            return False
        return name in self._builtin or (self.group is not None and is_code(name)) or name in self._installed()

    def is_own(self, name: object) -> bool:
        """Tell whether a name is one of the package's own."""
        return isinstance(name, str) and name in self._builtin

    def builtin(self) -> dict[str, Kind]:
        """The package's own kinds by name."""
        return {name: self._own(name) for name in self._builtin}

    def names(self) -> list[str]:
        """Every name: the package's own, then those of installed packages."""
        return [*self._builtin, *(name for name in self._installed() if name not in self._builtin)]

    def __iter__(self) -> Iterator[str]:
        """Every name; see `names`."""
        return iter(self.names())

    def kinds(self) -> Iterator[Kind]:
        """Every kind of `names` that can be loaded."""
        for name in self.names():
            try:
                yield self.get(name)
            except DistillirError:
                if name in self._builtin:
                    raise

    def descriptions(self) -> dict[str, str]:
        """A line on each of `names`; of an installed one that cannot be loaded, why."""
        lines = {}
        for name in self.names():
            try:
                lines[name] = self.get(name).description
            except DistillirError as error:
                lines[name] = str(error)
        return lines

    def _installed(self) -> dict[str, EntryPoint]:
        return {} if self.group is None else installed(self.group)

    def _own(self, name: str) -> Kind:
        found = self._builtin[name]
        if isinstance(found, str):
            module, _, attribute = found.partition(":")
            found = self._builtin[name] = cast(Kind, getattr(import_module(module), attribute))
        return found


def _called(kind: Any, name: str) -> Any:
    """A kind from outside under the name that the recipe has for it, so that no two have one name."""
    if kind.name != name and is_dataclass(kind) and not isinstance(kind, type):
        return replace(kind, name=name)
    return kind
