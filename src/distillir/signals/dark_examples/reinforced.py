"""Reinforced negatives: a hard negative with a part of the positive in it."""

import numpy as np

from distillir.signals.dark_examples.dark_example import DarkExample, Fits, always
from distillir.signals.dark_examples.units import Span, sentences, units

MODES = {
    "concatenate": "a span of the positive behind the negative, whose end gives way where models read less",
    "insert": "a span of the positive between two words of the negative",
    "replace": "a span of the positive in place of as many words of the negative, of which one stays",
    "splice": "sentences of the positive among the sentences of the negative",
}


def reinforced(
    positive: str,
    negative: str,
    mode: str,
    share: float,
    generator: np.random.Generator,
    fits: Fits = always,
) -> DarkExample | None:
    """Put a part of the positive into a negative.

    **Reconstruction.** The paper says that negatives are strengthened by mixing up in discrete space; how, how much and
    where is not known.

    Args:
        positive: The relevant passage.
        negative: A hard negative of the same query.
        mode: One of `MODES`.
        share: Part of the positive that goes in, above 0 and at most 1 (in words, or sentences for ``splice``; at least
            one).
        generator: Draws the span and its place.
        fits: Whether a text's first characters are read by all models; the part put in always is.

    Returns:
        The text, or None where one of the two is empty, or where not even one word would be read.

    Source:
        Tao et al. 2024 (ADAM, arXiv 2212.10192, abstract).
    """
    if mode == "splice":
        return _splice(positive, negative, share, generator, fits)
    have, given = units(positive), units(negative)
    if not have or not given:
        return None
    count = max(1, round(share * len(have)))
    start = int(generator.integers(len(have) - count + 1))
    replaced = min(count, len(given) - 1) if mode == "replace" else 0
    place = int(generator.integers(len(given) - replaced + 1))
    while count:
        span = positive[have[start][0] : have[start + count - 1][1]]
        for at in dict.fromkeys((len(given) if mode == "concatenate" else place, 0)):
            made = _joined(negative, given, at, min(count, replaced), span, mode, fits)
            if made is not None:
                return DarkExample(made[0], "reinforced", f"{mode} {count / len(have):.2g}", (made[1],))
        count //= 2  # the models read too little for it: take less
    return None


def _joined(
    negative: str, given: list[Span], place: int, replaced: int, span: str, mode: str, fits: Fits
) -> tuple[str, Span] | None:
    """The negative with a span in place of some units, and where the span stands; None where it is not read."""
    after = place + replaced
    for before in _fewer(place) if mode == "concatenate" else (place,):
        head = negative[: given[before - 1][1]] if before else ""
        tail = negative[given[after][0] :] if after < len(given) else ""
        text = " ".join(part for part in (head, span, tail) if part)
        begin = len(head) + 1 if head else 0
        if fits(text, begin + len(span)):
            return text, (begin, begin + len(span))
    return None


def _fewer(count: int) -> list[int]:
    """A number and ever smaller ones, down to a few."""
    tried = [count]
    while tried[-1] > 8:
        tried.append(tried[-1] * 3 // 4)
    return tried


def _splice(
    positive: str, negative: str, share: float, generator: np.random.Generator, fits: Fits
) -> DarkExample | None:
    have, given = sentences(positive), sentences(negative)
    if not have or not given:
        return None
    count = max(1, round(share * len(have)))
    chosen = np.sort(generator.choice(len(have), count, replace=False))
    places = np.sort(generator.integers(0, len(given) + 1, size=count))
    while len(chosen):
        parts: list[tuple[str, bool]] = []
        for at in range(len(given) + 1):
            parts += [(have[i], True) for i, place in zip(chosen, places, strict=True) if place == at]
            parts += [(given[at], False)] if at < len(given) else []
        text, injected = "", []
        for sentence, own in parts:
            begin = len(text) + 1 if text else 0
            text = f"{text} {sentence}" if text else sentence
            if own:
                injected.append((begin, len(text)))
        if fits(text, injected[-1][1]):
            return DarkExample(text, "reinforced", f"splice {len(chosen) / len(have):.2g}", tuple(injected))
        if places.any():
            places = places // 2  # nearer to the front
        else:
            fewer = len(chosen) * 3 // 4
            chosen, places = chosen[:fewer], places[:fewer]
    return None
