"""Compositions: signals that learn from what another has made. Every one there is stands here."""

from collections.abc import Sequence
from typing import Any

from distillir.base.errors import DistillirError
from distillir.signals.dark_examples.signal import DarkExamples
from distillir.signals.preferences.signal import Preferences
from distillir.signals.signal import Signal


def join(signals: Sequence[Signal[Any]]) -> None:
    """Make signals known to each other: a pairwise teacher that is asked about dark examples too.

    A teacher that is trained along belongs to the signal of its layers alone (`distillir.signals.layers`).

    Raises:
        DistillirError: One asks for another that the recipe does not want.
    """
    dark = next((signal for signal in signals if isinstance(signal, DarkExamples)), None)
    for signal in signals:
        if isinstance(signal, Preferences) and signal.spec.dark:
            if dark is None:
                raise DistillirError(
                    "pairs of dark examples are wanted, and the method has none",
                    where="method.pairs.dark",
                    remedy="set method.dark to true, or leave it out",
                )
            signal.dark, dark.preferred = dark, signal
