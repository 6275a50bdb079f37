"""The kinds of signal by name."""

from distillir.signals.signal import SignalKind
from distillir.specs import Registry

#: In the order in which they are prepared, and their parts stand in the loss and the report.
SIGNALS: Registry[SignalKind] = Registry(
    "signal",
    "distillir.signals",
    SignalKind,
    {
        "dark": "distillir.signals.dark_examples.signal:DARK_EXAMPLES",
        "pairs": "distillir.signals.preferences.signal:PREFERENCES",
        "layers": "distillir.signals.layers.signal:LAYERS",
        "vectors": "distillir.signals.vectors.signal:VECTORS",
    },
)


def built_in() -> list[SignalKind]:
    """The kinds of this package."""
    return list(SIGNALS.builtin().values())
