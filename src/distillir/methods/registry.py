"""The methods and plans by name."""

from distillir.errors import DistillirError
from distillir.methods.baselines import INFO_NCE, KL, MARGIN_MSE, RANKNET
from distillir.methods.method import Method

METHODS = {method.name: method for method in (KL, MARGIN_MSE, RANKNET, INFO_NCE)}
PLANS = {"plain": "every query once an epoch, each with some of its candidates, in shuffled order"}


def get(name: str) -> Method:
    """The method of a name.

    Raises:
        DistillirError: There is none; the message names the nearest.
    """
    if name not in METHODS:
        from distillir.words import nearest

        raise DistillirError(f"no method {name!r}", where="method", remedy=nearest(name, METHODS))
    return METHODS[name]
