"""The objectives by name."""

from collections.abc import Iterable
from difflib import get_close_matches

from distillir.errors import DistillirError
from distillir.objectives.info_nce import OBJECTIVE as INFO_NCE
from distillir.objectives.kl import OBJECTIVE as KL
from distillir.objectives.margin_mse import OBJECTIVE as MARGIN_MSE
from distillir.objectives.objective import Objective
from distillir.objectives.ranknet import OBJECTIVE as RANKNET

OBJECTIVES = {objective.name: objective for objective in (KL, MARGIN_MSE, RANKNET, INFO_NCE)}


def names() -> list[str]:
    """Every objective's name, in the order help texts show them."""
    return list(OBJECTIVES)


def get(name: str) -> Objective:
    """The objective of a name.

    Raises:
        DistillirError: There is none; the message names the nearest.
    """
    if name not in OBJECTIVES:
        raise DistillirError(f"no objective {name!r}", remedy=suggest(name, OBJECTIVES))
    return OBJECTIVES[name]


def suggest(word: str, known: Iterable[str]) -> str:
    """A remedy for a misspelt ``word``: the nearest known one, and all of them."""
    choices = list(known)
    near = get_close_matches(word, choices, n=1, cutoff=0.5)
    everything = f"choose from {', '.join(choices)}" if choices else "there are none to choose from"
    return f"did you mean {near[0]!r}? ({everything})" if near else everything
