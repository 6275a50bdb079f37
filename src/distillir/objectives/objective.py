"""Objective: a loss as a numerator and a denominator, of which the second does not depend on the student."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

Signals = Mapping[str, Tensor]
OptionValue = float | bool | str
Options = Mapping[str, OptionValue]

#: Signals that say which candidates are positives: lists of objectives that need one of them hold a positive.
JUDGED = frozenset({"relevant", "positive"})


@dataclass(frozen=True)
class Objective:
    """One objective and all that recipes, trainers and help texts need to know of it.

    Value = ``terms / max(count, 1)``. Because the denominator does not depend on the student, gradients accumulated
    over parts of a batch are exact: sum the parts' numerators and divide by the sum of their counts.

    Attributes:
        name: As recipes write it.
        description: One line for people.
        source: Where the formula comes from.
        needs: Which signals must be given: ``teacher`` scores float [B, N], ``labels`` float [B, N] (the order that
            the plan wants, more is better), ``relevant`` bool [B, N], ``positive`` long [B] (the positive's column, -1
            for none), ``pairs`` long [B, M, 2] (columns of two candidates, -1 for none; with them go ``preferences``
            float [B, M], P(first beats second)). ``own`` bool [B, N] may say which places are of the query's own list;
            where it is not given, all are. ``spared`` bool [B, N] may say which places must not be compared as
            negatives: positives beside the one in ``positive``, and copies of a positive's text. ``elsewhere`` bool
            [B, N] may say which places another list of the batch holds too.
        terms: ``(student [B, N], signals, mask, options)`` -> scalar, the sum over what is averaged.
        count: ``(signals, mask, options)`` -> scalar float, how many things are averaged.
        options: Names and default values.
        bounds: Open intervals that the numbers among the options must lie in.
        choices: The words that a word among the options may be.
        automatic: The options that may be ``auto``: settled before training from scores
            (`distillir.composition.settled`).
        in_batch: Whether it makes sense of documents that the teacher has not scored, as negatives with no share of its
            probability and below all others in its order.
        problem: ``(options)`` -> what is wrong with them together, or None.
    """

    name: str
    description: str
    source: str
    needs: frozenset[str]
    terms: Callable[[Tensor, Signals, Tensor | None, Options], Tensor]
    count: Callable[[Signals, Tensor | None, Options], Tensor]
    options: Options = field(default_factory=dict)
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    automatic: frozenset[str] = frozenset()
    in_batch: bool = True
    problem: Callable[[Options], str | None] = lambda options: None
