"""Pages of the report: one environment for all templates."""

from pathlib import Path
from typing import Any

from distillir.base.files import atomic_file
from distillir.base.version import __version__
from distillir.reporting import wording


def render(template: str, **values: Any) -> str:
    """A page of ``templates/`` with values; `distillir.reporting.wording` is there as ``say``, and ``version``."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("distillir.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(say=wording, version=__version__, **values)


def write_page(path: Path, html: str) -> None:
    """Write a page at once or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
