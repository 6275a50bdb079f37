"""Sections that other rooms add to the report, and the order they stand in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from markupsafe import Markup

from distillir.collections.collection import Collection
from distillir.reporting.metrics import Metrics
from distillir.reporting.page import render

#: What makes each: a function of the run's folder, its metrics and the collection (None where it was not given), which
#: gives a `Section` or None. By name, since the rooms they are in build on this one.
SECTIONS = (
    "distillir.reporting.kept_documents:kept_section",
    "distillir.signals.dark_examples.section:dark_section",
    "distillir.signals.preferences.section:pair_section",
    "distillir.signals.layers.section:layer_section",
    "distillir.signals.vectors.section:vector_section",
    "distillir.reporting.signal_facts:facts_section",
)


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        html: The part, from ``<section>`` to ``</section>``; None where there is nothing to tell.
        notes: Why something is left out, a sentence each.
    """

    html: Markup | None = None
    notes: tuple[str, ...] = ()


Maker = Callable[[Path, Metrics, Collection | None], Section | None]


def rendered(package: str, notes: Sequence[str] = (), **values: Any) -> Section:
    """A section by the template ``report.html.j2`` of a package.

    Args:
        package: Dotted name of the package; the report's own macros are there too.
        notes: As in `Section`.
        **values: What the template is told.
    """
    return Section(Markup(render("report.html.j2", package=package, **values)), tuple(notes))


def sections(path: Path, metrics: Metrics, collection: Collection | None) -> list[Section]:
    """The sections of a run, in order.

    Args:
        path: The run's folder.
        metrics: Its metrics.
        collection: What it was made of; None where it was not given.

    Raises:
        DistillirError: A file that one is made of is malformed.
    """
    found = []
    for name in SECTIONS:
        module, _, attribute = name.partition(":")
        make: Maker = getattr(import_module(module), attribute)
        if (section := make(path, metrics, collection)) is not None:
            found.append(section)
    return found
