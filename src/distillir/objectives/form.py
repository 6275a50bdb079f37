"""The form in which a recipe names objectives, for the schema; `distillir.objectives.weighted_sum` reads it."""

import math
from collections.abc import Iterable

from pydantic import BaseModel

from distillir.objectives.objective import Objective
from distillir.objectives.registry import OBJECTIVES
from distillir.specs.schema import CODE, Refer, Schema, names_schema


class ObjectiveForm:
    """Names, names with weights or options, ``{name: kl, ...}``, and lists of any of these."""

    def parts(self) -> Iterable[type[BaseModel]]:
        """None: objectives say themselves which options they have; see `distillir.specs.schema.SchemaForm`."""
        return ()

    def schema(self, refer: Refer) -> Schema:
        """See `distillir.specs.schema.SchemaForm`."""
        kinds = list(OBJECTIVES.kinds())
        weight = {"type": "number", "minimum": 0}
        code = {"anyOf": [weight, {"type": "object"}, {"type": "null"}]}
        by_name: Schema = {"type": "object", "properties": {}, "minProperties": 1, "additionalProperties": False}
        by_name["patternProperties"] = {CODE: code}
        ways: list[Schema] = [names_schema(OBJECTIVES, _spelt(kinds)), by_name]
        for kind in kinds:
            options = _options(kind)
            for name in {kind.name: None, kind.name.replace("_", "-"): None}:
                given = [weight, {"type": "object", "properties": options, "additionalProperties": False}]
                by_name["properties"][name] = {
                    "anyOf": [*given, {"type": "null"}],
                    "description": f"{kind.description} ({kind.source})",
                }
            named = {"name": {"enum": list({kind.name: None, kind.name.replace("_", "-"): None})}, **options}
            ways.append({"type": "object", "properties": named, "required": ["name"], "additionalProperties": False})
        whole = {"type": "object", "properties": {"name": {"type": "string", "pattern": CODE}}, "required": ["name"]}
        several = {"type": "array", "items": {"$ref": "#/$defs/objective"}, "minItems": 1}
        return {"anyOf": [*ways, whole, several]}


def _spelt(kinds: Iterable[Objective]) -> list[str]:
    """The names that may be written with hyphens."""
    return [kind.name.replace("_", "-") for kind in kinds if "_" in kind.name]


def _options(kind: Objective) -> Schema:
    """The schemas of an objective's options, and of its weight."""
    weight: Schema = {"type": "number", "minimum": 0}
    if "weight" in kind.automatic:
        weight = {"anyOf": [weight, {"const": "auto", "description": "settled by the run, from teacher and labels"}]}
    found: Schema = {"weight": {**weight, "default": 1.0, "description": "of this part"}}
    for name, default in kind.options.items():
        if isinstance(default, bool):
            one: Schema = {"type": "boolean"}
        elif name in kind.choices:
            one = {"enum": list(kind.choices[name])}
        else:
            low, high = kind.bounds.get(name, (-math.inf, math.inf))
            limits = {"exclusiveMinimum": low, "exclusiveMaximum": high}
            one = {"type": "number", **{key: limit for key, limit in limits.items() if math.isfinite(limit)}}
        if name in kind.automatic:
            one = {"anyOf": [one, {"const": "auto", "description": "settled by the run, from the scores"}]}
        found[name] = {**one, "default": default}
    return found


FORM = ObjectiveForm()
