"""The objectives by name."""

from distillir.objectives.bce import OBJECTIVE as BCE
from distillir.objectives.ckl import OBJECTIVE as CKL
from distillir.objectives.info_nce import OBJECTIVE as INFO_NCE
from distillir.objectives.kl import OBJECTIVE as KL
from distillir.objectives.lambda_mrr import OBJECTIVE as LAMBDA_MRR
from distillir.objectives.margin_mse import OBJECTIVE as MARGIN_MSE
from distillir.objectives.objective import Objective
from distillir.objectives.pair_kl import OBJECTIVE as PAIR_KL
from distillir.objectives.ranknet import OBJECTIVE as RANKNET
from distillir.specs.registry import Registry

_ALL = (KL, MARGIN_MSE, RANKNET, LAMBDA_MRR, CKL, PAIR_KL, INFO_NCE, BCE)
OBJECTIVES: Registry[Objective] = Registry(
    "objective",
    "distillir.objectives",
    Objective,
    {objective.name: objective for objective in _ALL},
    unknown="no objective {name}",
)


def names() -> list[str]:
    """Every objective's name, in the order help texts show them."""
    return OBJECTIVES.names()


def get(name: str) -> Objective:
    """The objective of a name.

    Raises:
        DistillirError: There is none; the message names the nearest.
    """
    return OBJECTIVES.get(name)
