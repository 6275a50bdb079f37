"""The type of the report's figures."""

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class Figure:
    """A drawing and the words that go with it.

    Attributes:
        caption: Says what is seen and what to make of it.
        wide: The ``<svg>`` element.
        compact: The same drawn anew for a phone's width; None where ``wide`` is narrow enough for both.
    """

    caption: str
    wide: Markup
    compact: Markup | None = None
