"""Form: the ways in which a recipe names a kind and its options, read in one place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from distillir.base.errors import DistillirError
from distillir.specs.kind import OptionKind
from distillir.specs.mistakes import OptionError, told
from distillir.specs.part import Part
from distillir.specs.registry import Registry
from distillir.specs.schema import Refer, Schema, kinds_schema

Kind = TypeVar("Kind", bound=OptionKind)


@dataclass(frozen=True)
class Chosen(Generic[Kind]):
    """What a recipe has chosen.

    Attributes:
        kind: The kind.
        options: Its options, checked.
        where: What messages call the place.
    """

    kind: Kind
    options: Any
    where: str

    @property
    def name(self) -> str:
        """The kind's name."""
        return self.kind.name

    @property
    def written(self) -> dict[str, Any]:
        """The options that were given, by key; a bare value under the key that it stands for."""
        return dict(self.options.written())


@dataclass(frozen=True)
class Form(Generic[Kind]):
    """A place of a recipe that names one of some kinds: ``kind``, ``{kind: value}`` or ``{kind: {options}}``.

    Attributes:
        title: What the schema calls it.
        registry: The kinds.
        nothing: Said of a value that names none (``names no teacher``).
        example: How to write one.
        between: What stands in messages between the place and the kind's name.
        several: How to write several kinds; None: no word of it.
        bare: Whether a name may stand alone, where it is enough.
    """

    title: str
    registry: Registry[Kind]
    nothing: str
    example: str
    between: str = "."
    several: str | None = None
    bare: bool = True

    def read(self, value: object, where: str) -> Chosen[Kind]:
        """Read what a recipe writes; nothing is loaded but the kind.

        Args:
            value: A name or a mapping.
            where: What messages call the place.

        Raises:
            DistillirError: Another form, an unknown kind or option (with the nearest known), or a value that cannot be.
        """
        if isinstance(value, str) and self.bare:
            kind = self.registry.get(value, where)
            return self._chosen(kind, None, f"{where}{self.between}{value}", f"{where}")
        if not isinstance(value, Mapping) or not value:
            raise DistillirError(f"{value!r} {self.nothing}", where=where, remedy=self.example)
        for name in value:
            if isinstance(name, str) and name in self._beside():
                kind = self.registry.get(name, where)
                return Chosen(kind, read_options(kind.spec_of(value), value, where, kind), where)
        if len(value) > 1 and self.several is None:
            raise DistillirError(f"{dict(value)!r} {self.nothing}", where=where, remedy=self.example)
        name = next(iter(value))
        kind = self.registry.get(name, where)
        if len(value) > 1:
            raise DistillirError(
                f"{', '.join(str(key) for key in value)} beside each other",
                where=where,
                remedy=f"options go inside: {{{name}: {{...}}}}; {self.several}",
            )
        return self._chosen(kind, value[name], f"{where}{self.between}{name}")

    def parts(self) -> Iterable[type[Part]]:
        """See `distillir.specs.schema.SchemaForm`."""
        return [spec for kind in self.registry.kinds() for spec in kind.specs]

    def schema(self, refer: Refer) -> Schema:
        """See `distillir.specs.schema.SchemaForm`."""
        return kinds_schema(self.registry.kinds(), refer, bare=self.bare, code=self.registry.group is not None)

    def _chosen(self, kind: Kind, value: object, where: str, outer: str | None = None) -> Chosen[Kind]:
        """A kind with the options or the bare value that were given; ``outer`` where its name alone was."""
        main, name = kind.main, kind.name
        if value is None:
            value = {}
        elif main is not None and not isinstance(value, Mapping) and (not isinstance(value, str) or value.strip()):
            value = {main: value}
        if not isinstance(value, Mapping):
            options = ", ".join(kind.spec_of({}).model_fields)
            form = f"a mapping of its options ({options})" if main is None else f"a name, or {{{main}: name}}"
            raise DistillirError(f"{value!r} is no mapping", where=where, remedy=f"give {form}")
        if not value and not kind.stands_alone:
            word = "name" if main == "model" else main
            write = f"write {{{name}: {word}}}" if main is not None else f"write {{{name}: {{...}}}}"
            if outer is not None:
                raise DistillirError(f"{name} needs more than its name", where=outer, remedy=write)
            raise DistillirError(f"no {main or 'option'} is named", where=where, remedy=write)
        return Chosen(kind, read_options(kind.spec_of(value), value, where, kind), where)

    def _beside(self) -> set[str]:
        """Names of the kinds whose options stand beside them."""
        return {name for name, kind in self.registry.builtin().items() if kind.beside}


def read_options(spec: type[Part], value: Mapping[Any, Any], where: str, kind: OptionKind | None = None) -> Any:
    """Options, checked.

    Args:
        spec: Their form.
        value: As a recipe writes them.
        where: What messages call the place.
        kind: The kind whose they are, for its own check.

    Raises:
        DistillirError: An unknown option (with the nearest known), or a value that cannot be.
    """
    for key in value:
        if not isinstance(key, str):
            raise OptionError(f"unknown key {key!r}", where=where)
    try:
        options = spec.model_validate(dict(value))
    except ValidationError as error:
        mistake = told(error, spec, where)
        if kind is not None and mistake.key == kind.main and mistake.what == f"no {kind.main} is named":
            remedy = f"write {{{kind.name}: {{{kind.main}: name}}}}"
            mistake = OptionError(mistake.what, where=where, remedy=remedy)
        raise mistake from None
    if kind is not None:
        kind.check(options, where)
    return options
