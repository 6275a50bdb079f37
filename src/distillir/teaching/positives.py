"""Judged positives in lists: a list drawn for an objective that compares them holds one."""

import numpy as np

from distillir.base.arrays import Flags, Rows, Scores


def wanted_positives(scores: Scores, relevant: Flags, pseudo_positives: bool | str) -> Flags:
    """Mask [N] of the candidates that stand for the positive of a query.

    Args:
        scores: Teacher scores of all candidates [N].
        relevant: Judged relevant or not [N].
        pseudo_positives: As in `distillir.plans.settings.TrainingSettings`: the teacher's best stands for a
            positive where none is judged; ``always``: whatever is judged.
    """
    if not pseudo_positives or (relevant.any() and pseudo_positives != "always"):
        return relevant
    best = np.zeros(len(scores), dtype=bool)
    best[int(np.argmax(scores))] = True
    return best


def with_positive(chosen: Rows, scores: Scores, positives: Flags | None) -> Rows:
    """The chosen candidates with a positive among them, where the query has one.

    A list that holds one stays as it is. In another the positive that the teacher scores best takes the last place: of
    candidates in order that of the worst, of candidates drawn one after the other that of any.

    Args:
        chosen: Places of the chosen candidates [M], M at least 1.
        scores: Teacher scores of all candidates [N].
        positives: Which of all candidates are positives [N]; None where that does not matter.
    """
    if positives is None or not positives.any() or positives[chosen].any():
        return chosen
    best = int(np.where(positives, scores, -np.inf).argmax())
    return np.append(chosen[:-1], best)
