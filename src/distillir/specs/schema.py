"""The JSON schema of recipes: pydantic's, with the forms in which kinds are named put in."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from pydantic import BaseModel, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import models_json_schema
from pydantic_core import CoreSchema

from distillir.specs.kind import OptionKind
from distillir.specs.registry import Registry

Schema = dict[str, Any]
#: From a part to the schema that refers to it.
Refer = Callable[[type[BaseModel]], Schema]

#: What stands for a form until it is put in.
MARK = "x-form"
#: Names of code that a recipe brings: ``module:NAME``.
CODE = r"^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$"


class SchemaForm(Protocol):
    """A way of naming kinds, as the schema sees it."""

    def parts(self) -> Iterable[type[BaseModel]]:
        """The parts that it refers to."""

    def schema(self, refer: Refer) -> Schema:
        """Its schema."""


def InForm(title: str, *, null: bool = False) -> WithJsonSchema:  # noqa: N802 - stands in annotations, as pydantic's do
    """Say of a field, in ``Annotated``, that the schema has its values in the form of a title.

    Args:
        title: The form's.
        null: Whether the field may also be null.
    """
    mark: Schema = {MARK: title}
    return WithJsonSchema({"anyOf": [mark, {"type": "null"}]} if null else mark)


class AlsoAs:
    """Say of a field, in ``Annotated``, that its values may be written in a further, shorter way.

    Args:
        short: Schema of that.
    """

    def __init__(self, short: Schema) -> None:
        self.short = short

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> Schema:
        """Both ways; see pydantic."""
        return {"anyOf": [self.short, handler(core)]}


def complete_schema(root: type[BaseModel], samplers: Mapping[str, SchemaForm]) -> Schema:
    """The JSON schema of a part of a recipe, with every form written out.

    Args:
        root: The part.
        samplers: The forms by the titles that `InForm` was given.
    """
    parts = list(dict.fromkeys([root, *(part for sampler in samplers.values() for part in sampler.parts())]))
    found, everything = models_json_schema([(part, "validation") for part in parts], by_alias=True)
    defs: Schema = everything["$defs"]

    def refer(part: type[BaseModel]) -> Schema:
        return dict(found[(part, "validation")])

    for title, sampler in samplers.items():
        defs[title] = sampler.schema(refer)
    own = found[(root, "validation")]["$ref"].rsplit("/", 1)[-1]
    top = defs.pop(own)
    filled: Schema = _filled({**top, "$defs": defs})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **filled}


def _filled(schema: Any) -> Any:
    """A schema with references to the forms in place of their marks."""
    if isinstance(schema, list):
        return [_filled(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    filled = {key: _filled(inner) for key, inner in schema.items() if key != MARK}
    if MARK in schema:
        filled.pop("title", None)
        filled["$ref"] = f"#/$defs/{schema[MARK]}"
    return filled


def names_schema(registry: Registry[Any], also: Iterable[str] = ()) -> Schema:
    """The schema of a kind's name.

    Args:
        registry: The kinds.
        also: Further ways to write their names.
    """
    return {"anyOf": [{"enum": [*registry.names(), *also]}, {"type": "string", "pattern": CODE}]}


class NamesForm:
    """The form of a place that holds the name of a kind and nothing else.

    Args:
        registry: The kinds.
    """

    def __init__(self, registry: Registry[Any]) -> None:
        self.registry = registry

    def parts(self) -> Iterable[type[BaseModel]]:
        """None; see `SchemaForm`."""
        return ()

    def schema(self, refer: Refer) -> Schema:
        """See `SchemaForm`."""
        return names_schema(self.registry)


def options_schema(kind: OptionKind, refer: Refer) -> Schema:
    """The schema of what may stand behind a kind's name."""
    ways = [refer(spec) for spec in kind.specs]
    if kind.main is not None:
        ways.insert(0, {"$ref": f"{ways[0]['$ref']}/properties/{kind.main}"})
    if kind.stands_alone:
        ways.append({"type": "null"})
    return {"anyOf": ways, "description": kind.description}


def kinds_schema(kinds: Iterable[OptionKind], refer: Refer, *, bare: bool = True, code: bool = True) -> Schema:
    """The schema of the ways to name one of some kinds.

    Args:
        kinds: The kinds.
        refer: From a part to the schema that refers to it.
        bare: Whether a name may stand alone, where it is enough.
        code: Whether code of the user's own may be named.
    """
    kinds = list(kinds)
    tagged: Schema = {
        "type": "object",
        "properties": {kind.name: options_schema(kind, refer) for kind in kinds if not kind.beside},
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }
    ways: list[Schema] = [tagged, *(refer(spec) for kind in kinds if kind.beside for spec in kind.specs)]
    if alone := [kind.name for kind in kinds if (kind.stands_alone or kind.filled_in) and bare]:
        ways.insert(0, {"enum": alone})
    if code:
        tagged["patternProperties"] = {CODE: {}}
        ways.append({"type": "string", "pattern": CODE})
    return {"anyOf": ways}
