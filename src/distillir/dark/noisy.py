"""Noisy positives: the positive with words masked or left out."""

import numpy as np

from distillir.dark.dark_text import DarkText
from distillir.dark.units import units

OPERATIONS = {
    "mask": "words replaced by the mask, each by itself",
    "delete": "words left out, each by itself",
    "mask_span": "one run of words replaced by a single mask",
    "delete_span": "one run of words left out",
}
MASK = "[MASK]"


def noisy(
    positive: str, operation: str, rate: float, generator: np.random.Generator, mask: str = MASK
) -> DarkText | None:
    """Take words from the positive.

    **Reconstruction.** The paper says that positives are masked in discrete space; rates, whether words or spans go and
    what stands in their place is not known.

    Args:
        positive: The relevant passage.
        operation: One of `OPERATIONS`.
        rate: Share of the words that go, above 0 and below 1; at least one goes and one stays.
        generator: Draws which.
        mask: What stands for a masked word.

    Returns:
        The text, or None where the positive has fewer than two words.

    Source:
        Tao et al. 2024 (ADAM, arXiv 2212.10192, abstract).
    """
    spans = units(positive)
    if len(spans) < 2:
        return None
    count = min(max(1, round(rate * len(spans))), len(spans) - 1)
    if operation.endswith("_span"):
        start = int(generator.integers(len(spans) - count + 1))
        gone = set(range(start, start + count))
    else:
        gone = set(generator.choice(len(spans), count, replace=False).tolist())
    kept: list[str] = []
    for i, (begin, end) in enumerate(spans):
        gap = positive[spans[i - 1][1] : begin] if i else ""
        if i not in gone:
            kept.append(gap + positive[begin:end])
        elif operation == "mask" or (operation == "mask_span" and i - 1 not in gone):
            kept.append((gap or (" " if kept else "")) + mask)
    return DarkText("".join(kept).strip(), "noisy", f"{operation} {rate:g}")
