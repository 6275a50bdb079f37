"""Noisy positives: the positive with words masked or left out."""

import numpy as np

from distillir.signals.dark_examples.dark_example import DarkExample, Fits, always
from distillir.signals.dark_examples.units import Span, units

OPERATIONS = {
    "mask": "words replaced by the mask, each by itself",
    "delete": "words left out, each by itself",
    "mask_span": "one run of words replaced by a single mask",
    "delete_span": "one run of words left out",
}
MASK = "[MASK]"


def noisy(
    positive: str,
    operation: str,
    rate: float,
    generator: np.random.Generator,
    mask: str = MASK,
    fits: Fits = always,
) -> DarkExample | None:
    """Take words from the positive.

    **Reconstruction.** The paper says that positives are masked in discrete space; rates, whether words or spans go and
    what stands in their place is not known.

    Args:
        positive: The relevant passage.
        operation: One of `OPERATIONS`.
        rate: Share of the words that go, above 0 and below 1; at least one goes and one stays.
        generator: Draws which.
        mask: What stands for a masked word.
        fits: Whether a text's first characters are read by all models: only words that are read go.

    Returns:
        The text, or None where fewer than two words of the positive are read.

    Source:
        Tao et al. 2024 (ADAM, arXiv 2212.10192, abstract).
    """
    spans = units(positive)
    read = _read(positive, spans, fits)
    if read < 2:
        return None
    count = min(max(1, round(rate * read)), read - 1)
    if operation.endswith("_span"):
        start = int(generator.integers(read - count + 1))
        gone = set(range(start, start + count))
    else:
        gone = set(generator.choice(read, count, replace=False).tolist())
    kept: list[str] = []
    for i, (begin, end) in enumerate(spans):
        gap = positive[spans[i - 1][1] : begin] if i else ""
        if i not in gone:
            kept.append(gap + positive[begin:end])
        elif operation == "mask" or (operation == "mask_span" and i - 1 not in gone):
            kept.append((gap or (" " if kept else "")) + mask)
    return DarkExample("".join(kept).strip(), "noisy", f"{operation} {rate:g}")


def _read(text: str, spans: list[Span], fits: Fits) -> int:
    """Number of a text's first units that are read, by bisection."""
    low, high = 0, len(spans)
    if high and fits(text, spans[-1][1]):
        return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(text, spans[middle - 1][1]) else (low, middle)
    return low
