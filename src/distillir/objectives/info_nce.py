"""InfoNCE: cross-entropy of a query's positive among its candidates."""

import math

import torch
from torch import Tensor

from distillir.base.errors import DistillirError
from distillir.objectives.lists import log_softmax, mean, real_places, without_spared, working_dtype, zeroed
from distillir.objectives.objective import Objective, Options, Signals


def info_nce(student: Tensor, positive: Tensor, mask: Tensor | None = None, *, temperature: float = 1.0) -> Tensor:
    """-log softmax(student / T)[positive], mean over the queries that have a positive.

    Args:
        student: Scores [B, N].
        positive: Long [B], the column of the positive; -1 where the query has none. A query without a positive, or
            whose positive is masked, adds nothing to numerator and denominator.
        mask: Boolean [B, N], true where there is a candidate; None for all.
        temperature: T, above 0.

    Returns:
        Scalar, nats per query; 0 where no query has a positive.

    Raises:
        DistillirError: The shapes do not fit.

    Source:
        van den Oord et al. 2018 (arXiv 1807.03748, equation 4).
    """
    return mean(info_nce_terms(student, positive, mask, temperature), info_nce_count(positive, mask))


def info_nce_terms(student: Tensor, positive: Tensor, mask: Tensor | None, temperature: float) -> Tensor:
    """The cross-entropies summed over the batch's queries; arguments as `info_nce`."""
    real, dtype = real_places(student, mask), working_dtype(student)
    counted = _counted(positive, len(student), mask)
    log_q = log_softmax(zeroed(student, real, dtype) / temperature, real)
    chosen = log_q.gather(1, positive.clamp(min=0)[:, None]).squeeze(1)
    return -torch.where(counted, chosen, 0.0).sum()


def info_nce_count(positive: Tensor, mask: Tensor | None) -> Tensor:
    """Number of queries that have a positive; arguments as `info_nce`."""
    return _counted(positive, len(positive), mask).sum().to(torch.float32)


def _counted(positive: Tensor, queries: int, mask: Tensor | None) -> Tensor:
    """Boolean [B]: queries with a positive that is a real candidate."""
    if positive.shape != (queries,):
        raise DistillirError(f"positive columns of shape {tuple(positive.shape)} for {queries} queries")
    given = positive >= 0
    if mask is None:
        return given
    return given & mask.bool().gather(1, positive.clamp(min=0)[:, None]).squeeze(1)


def _compared(mask: Tensor | None, signals: Signals, options: Options) -> Tensor | None:
    """Mask of the compared places: without other positives and, if the options say so, without own-list negatives.

    Where the query's own candidates join its list (``training.in_batch: all``), those that another list holds too stay.
    """
    mask = without_spared(mask, signals)
    own, positive = signals.get("own_list_mask"), signals["positive"]
    if options["own_negatives"] or own is None:
        return mask
    kept = ~own.bool() | torch.nn.functional.one_hot(positive.clamp(min=0), own.shape[1]).bool()
    kept |= signals.get("elsewhere", torch.zeros_like(kept)).bool()
    return kept if mask is None else mask.bool() & kept


OBJECTIVE = Objective(
    name="info_nce",
    description="cross-entropy of the judged positive among the candidates, mean over the queries that have one",
    source="van den Oord et al. 2018, arXiv 1807.03748",
    needs=frozenset({"positive"}),
    terms=lambda student, signals, mask, options: info_nce_terms(
        student, signals["positive"], _compared(mask, signals, options), float(options["temperature"])
    ),
    count=lambda signals, mask, options: info_nce_count(signals["positive"], _compared(mask, signals, options)),
    options={"temperature": 1.0, "own_negatives": True},
    bounds={"temperature": (0.0, math.inf)},
    automatic=frozenset({"temperature", "weight"}),
)
