"""A dark example: a made-up passage, and the spans of it that were taken from the positive."""

from collections.abc import Callable
from dataclasses import dataclass

from distillir.signals.dark_examples.units import Span

#: ``(text, end)`` -> whether the first ``end`` characters of a text reach every model that reads it.
Fits = Callable[[str, int], bool]


def always(text: str, end: int) -> bool:
    """Accept any text: it is read whole."""
    return True


@dataclass(frozen=True)
class DarkExample:
    """A dark example.

    Attributes:
        text: What teacher and student read.
        kind: ``reinforced`` (a negative made stronger) or ``noisy`` (a positive made weaker).
        how: The operation and the share of the positive that went in, or of its words that were to go: ``insert 0.3``.
        injected: The characters that come from the positive, of a reinforced negative.
    """

    text: str
    kind: str
    how: str
    injected: tuple[Span, ...] = ()
