"""Pages and their style and script, read once from the package; no file is served by a path of a request."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from distillir.base.version import __version__
from distillir.serving.forms import RunInfo

#: What is served under ``/static/``, with its type.
STATIC = {"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8"}


def static_file(name: str) -> tuple[bytes, str] | None:
    """Content and type of one of `STATIC`; None for any other name."""
    return (_read(name), STATIC[name]) if name in STATIC else None


@cache
def _read(name: str) -> bytes:
    return (files("distillir.serving") / "static" / name).read_bytes()


def search_page(info: RunInfo) -> str:
    """The page that searches."""
    return _render("page.html.j2", info=info)


def api_page(schema: dict[str, Any], address: str) -> str:
    """A plain page on the calls of an OpenAPI schema.

    Args:
        schema: As the application makes it.
        address: Under which the server was asked, for the example.
    """
    calls = [
        {"method": method.upper(), "path": path, **told, "body": _body(schema, told), "answer": _answer(schema, told)}
        for path, methods in schema["paths"].items()
        for method, told in methods.items()
    ]
    return _render(
        "api.html.j2",
        calls=calls,
        schemas=schema.get("components", {}).get("schemas", {}),
        title=schema["info"]["title"],
        address=address,
    )


def _body(schema: dict[str, Any], told: dict[str, Any]) -> list[dict[str, Any]]:
    form = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return _keys(schema, form)


def _answer(schema: dict[str, Any], told: dict[str, Any]) -> list[dict[str, Any]]:
    form = told.get("responses", {}).get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return _keys(schema, form)


def _keys(schema: dict[str, Any], form: dict[str, Any]) -> list[dict[str, Any]]:
    """Names, types and descriptions of the keys of a form that the schema names."""
    name = str(form.get("$ref", "")).rsplit("/", 1)[-1]
    found = schema.get("components", {}).get("schemas", {}).get(name, {})
    return [
        {
            "name": key,
            "type": _type(value),
            "needed": key in found.get("required", []),
            "default": json.dumps(value["default"]) if "default" in value else "",
            "description": value.get("description", ""),
        }
        for key, value in found.get("properties", {}).items()
    ]


def _type(value: dict[str, Any]) -> str:
    """A type in words."""
    if "$ref" in value:
        return str(value["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in value:
        return " or ".join(_type(part) for part in value["anyOf"])
    if value.get("type") == "array":
        return f"list of {_type(value['items'])}" if "items" in value else "list"
    return str(value.get("type", "anything"))


@cache
def _templates() -> Any:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("distillir.serving"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _render(template: str, **values: Any) -> str:
    return str(_templates().get_template(template).render(version=__version__, **values))
