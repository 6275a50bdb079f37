"""Suggestions for misspelt names."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: object, known: Iterable[str]) -> str:
    """A remedy for a misspelt ``word``: the nearest known one, and all of them."""
    choices = list(known)
    near = get_close_matches(str(word), choices, n=1, cutoff=0.5)
    everything = f"choose from {', '.join(choices)}" if choices else "there are none to choose from"
    return f"did you mean {near[0]!r}? ({everything})" if near else everything
