"""The self-paced gate: lets through dark examples of queries on whose positive the teacher is confident enough."""

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Scores

Values = npt.NDArray[np.float64]

CONFIDENCES = {
    "share": "the positive's share of the teacher's softmax over the list (default)",
    "margin": "the positive's score less that of the best other candidate",
    "sigmoid": "the sigmoid of the positive's score",
}
SCHEDULES = {
    "constant": "the same threshold throughout",
    "linear": "from one threshold to another over the training",
    "quantile": "the threshold that a share of all queries reaches, from one share to another over the training",
}


def confidence(scores: Scores, positive: int, kind: str = "share", temperature: float = 1.0) -> float:
    """The teacher's confidence in a query's positive.

    **Reconstruction.** The paper measures an instance by the teacher's confidence; its formula is not known.

    Args:
        scores: Teacher scores of the query's candidates [N].
        positive: Place of the positive.
        kind: One of `CONFIDENCES`.
        temperature: Of the softmax or the sigmoid.
    """
    values = scores.astype(np.float64)
    if kind == "margin":
        others = np.delete(values, positive)
        return float(values[positive] - others.max()) if len(others) else float("inf")
    if kind == "sigmoid":
        from scipy.special import expit

        return float(expit(values[positive] / temperature))
    shifted = np.exp((values - values.max()) / temperature)
    return float(shifted[positive] / shifted.sum())


def threshold(confidences: Values, schedule: str, start: float, end: float, progress: float) -> float:
    """The least confidence that opens the gate.

    **Reconstruction.** The paper concentrates on a subset of instances; neither threshold nor schedule is known. The
    quantile is of all queries' confidences, which are known before training, so that a resumed run has the same gate.

    Args:
        confidences: Of all queries [Q], ascending.
        schedule: One of `SCHEDULES`.
        start: The threshold at the start (``quantile``: the share of queries that is let through, 0 to 1).
        end: The same at the end; of no matter for ``constant``.
        progress: Part of the training that is done, 0 to 1.
    """
    level = start if schedule == "constant" else start + (end - start) * progress
    if schedule != "quantile":
        return level
    if level <= 0 or not len(confidences):
        return float("inf")
    let_through = max(1, round(min(level, 1.0) * len(confidences)))
    return float(confidences[-let_through])
