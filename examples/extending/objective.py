"""An objective: ListMLE (Xia et al. 2008, ICML), the likelihood of the teacher's order by Plackett and Luce."""

import math

import torch
from torch import Tensor

from distillir.objectives.objective import Objective, Options, Signals


def terms(student: Tensor, signals: Signals, mask: Tensor | None, options: Options) -> Tensor:
    """The sum over lists [B, N] of -log P(the teacher's order), P by the student's scores."""
    real = torch.ones_like(student, dtype=torch.bool) if mask is None else mask
    order = signals["teacher"].masked_fill(~real, -torch.inf).argsort(dim=1, descending=True, stable=True)
    scores = (student / float(options["student_temperature"])).gather(1, order)
    real = real.gather(1, order)
    # Behind each place the list that is left: logsumexp from the end.
    left = scores.masked_fill(~real, -torch.inf).flip(1).logcumsumexp(dim=1).flip(1)
    return torch.where(real, left - scores, 0.0).sum()


def count(signals: Signals, mask: Tensor | None, options: Options) -> Tensor:
    """How many lists have an order to learn; it must not depend on the student."""
    if mask is None:
        return torch.tensor(float(len(signals["teacher"])))
    return (mask.sum(dim=1) > 1).sum().float()


LISTMLE = Objective(
    name="listmle",
    description="likelihood of the teacher's order",
    source="Xia et al. 2008, Listwise approach to learning to rank, ICML",
    needs=frozenset({"teacher"}),
    terms=terms,
    count=count,
    options={"student_temperature": 0.05},
    bounds={"student_temperature": (0.0, math.inf)},
    in_batch=False,
)
