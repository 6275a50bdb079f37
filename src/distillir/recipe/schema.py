"""The JSON schema of recipes, by which an editor completes and checks every key."""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel

from distillir.collections.form import FORM as COLLECTION
from distillir.language_models.spec import GENERATOR
from distillir.methods.registry import METHODS, PLANS
from distillir.objectives.form import FORM as OBJECTIVE
from distillir.recipe.recipe import AlsoSpec, Recipe
from distillir.retrieval.source_kinds import FORM as SOURCE
from distillir.signals.registry import SIGNALS
from distillir.specs.schema import CODE, NamesForm, Refer, Schema, SchemaForm, complete_schema
from distillir.students.registry import STUDENTS
from distillir.students.spec import StudentSpec
from distillir.teachers.layered_kinds import FORM as LAYERED
from distillir.teachers.pairwise_kinds import FORM as PAIRWISE
from distillir.teachers.registry import FORM as TEACHER


class _Sources:
    """A source of candidates, or several."""

    def parts(self) -> Iterable[type[BaseModel]]:
        """See `SchemaForm`."""
        return ()

    def schema(self, refer: Refer) -> Schema:
        """See `SchemaForm`."""
        one = {"$ref": "#/$defs/source"}
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


class _FirstStage:
    """The first stage of late interaction."""

    def parts(self) -> Iterable[type[BaseModel]]:
        """See `SchemaForm`."""
        return ()

    def schema(self, refer: Refer) -> Schema:
        """See `SchemaForm`."""
        return {"anyOf": [{"const": "index"}, {"$ref": "#/$defs/source"}, {"type": "null"}]}


class _OwnStudents:
    """Students of kinds from outside, whose options stand beside those that every student has."""

    def parts(self) -> Iterable[type[BaseModel]]:
        """See `SchemaForm`."""
        return (StudentSpec, *(kind.own_options for kind in STUDENTS.kinds() if kind.own_options is not None))

    def schema(self, refer: Refer) -> Schema:
        """See `SchemaForm`."""
        ways: list[Schema] = [_students({"type": "string", "pattern": CODE}, [StudentSpec], refer)]
        for name in STUDENTS.names():
            kind = STUDENTS.get(name)
            if kind.own_options is not None:
                own = _students({"const": name}, [StudentSpec, kind.own_options], refer)
                ways.append({**own, "description": kind.description, "additionalProperties": False})
        return {"anyOf": ways}


def _students(kind: Schema, parts: Sequence[type[BaseModel]], refer: Refer) -> Schema:
    """A mapping with the keys of some parts, of a kind that must be named."""
    keys = {name: {"$ref": f"{refer(part)['$ref']}/properties/{name}"} for part in parts for name in part.model_fields}
    needed = [name for part in parts for name, field in part.model_fields.items() if field.is_required()]
    return {"type": "object", "properties": {**keys, "kind": kind}, "required": [*needed, "kind"]}


class _Signals:
    """Signals by name, each with its options."""

    def parts(self) -> Iterable[type[BaseModel]]:
        """See `SchemaForm`."""
        return [kind.spec for kind in SIGNALS.kinds()]

    def schema(self, refer: Refer) -> Schema:
        """See `SchemaForm`."""
        known = {
            kind.name: {"anyOf": [refer(kind.spec), {"type": "null"}], "description": kind.description}
            for kind in SIGNALS.kinds()
        }
        return {"type": "object", "properties": known, "patternProperties": {CODE: {}}, "additionalProperties": False}


class _Generator:
    """The model that makes queries: a name, or options of one by transformers or behind a server."""

    def parts(self) -> Iterable[type[BaseModel]]:
        """See `SchemaForm`."""
        return (GENERATOR.absent, GENERATOR.there)

    def schema(self, refer: Refer) -> Schema:
        """See `SchemaForm`."""
        return {"anyOf": [{"type": "string"}, *(refer(part) for part in self.parts())]}


class _Further:
    """Further collections: one or several, each by itself or with the split that is measured on."""

    def parts(self) -> Iterable[type[BaseModel]]:
        """See `SchemaForm`."""
        return (AlsoSpec,)

    def schema(self, refer: Refer) -> Schema:
        """See `SchemaForm`."""
        one = {"anyOf": [{"$ref": "#/$defs/collection"}, refer(AlsoSpec)]}
        return {"anyOf": [one, {"type": "array", "items": one}, {"type": "null"}]}


def recipe_schema() -> dict[str, Any]:
    """The schema, as a JSON value: kinds of installed packages are in it, and code that a recipe brings is not run."""
    return complete_schema(Recipe, _forms())


def _forms() -> dict[str, SchemaForm]:
    """The forms by their titles in `distillir.specs.schema.InForm`."""
    return {
        "collection": COLLECTION,
        "further collections": _Further(),
        "teacher": TEACHER,
        "pairwise teacher": PAIRWISE,
        "layered teacher": LAYERED,
        "source": SOURCE,
        "sources": _Sources(),
        "first stage": _FirstStage(),
        "objective": OBJECTIVE,
        "method": NamesForm(METHODS),
        "plan": NamesForm(PLANS),
        "kind of student": NamesForm(STUDENTS),
        "student with options": _OwnStudents(),
        "signals": _Signals(),
        "query generator": _Generator(),
    }
