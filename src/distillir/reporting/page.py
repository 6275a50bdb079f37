"""Pages of the report: one environment for all templates."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distillir.base.files import atomic_file
from distillir.base.version import __version__
from distillir.reporting import wording

if TYPE_CHECKING:
    import jinja2


def render(template: str, *, package: str | None = None, **values: Any) -> str:
    """Page of ``templates/`` with values; `distillir.reporting.wording` is there as ``say``, and ``version``.

    Args:
        template: Name of the file.
        package: Dotted name of a package whose templates stand before the report's own; None: none.
        **values: What the template is told.
    """
    return str(_templates(package).get_template(template).render(say=wording, version=__version__, **values))


@cache
def _templates(package: str | None) -> "jinja2.Environment":
    """Templates, each compiled once in a process."""
    import jinja2

    loader: jinja2.BaseLoader = jinja2.PackageLoader("distillir.reporting")
    if package is not None:
        loader = jinja2.ChoiceLoader([jinja2.PackageLoader(package, "."), loader])
    return jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def write_page(path: Path, html: str) -> None:
    """Write a page at once or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
