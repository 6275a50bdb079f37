"""Lists to train a cross-encoder on: a query's positives beside their negatives, and each list's target."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.teachers.cross_encoder_training.pairs import TrainingPairs

#: A query of more positives has several lists: a step must hold a whole list.
POSITIVES_PER_LIST = 8


@dataclass(frozen=True)
class TrainingLists:
    """Lists of candidates, each with a positive and a negative at least.

    Attributes:
        queries: Query rows [L].
        documents: Per list its document rows [C], distinct, positives first.
        labels: Per list 1 for a judged positive and 0 for a mined negative [C].
        of_pairs: The list that each of the pairs [N] went into; -1 where it has none.
        lost: Lists that were left out for want of a negative.
    """

    queries: Rows
    documents: list[Rows]
    labels: list[npt.NDArray[np.float32]]
    of_pairs: Rows
    lost: int = 0

    def __len__(self) -> int:
        return len(self.queries)


def training_lists(pairs: TrainingPairs) -> TrainingLists:
    """Put the pairs of a query together: at most `POSITIVES_PER_LIST` of its positives, with all their negatives.

    Args:
        pairs: Positives, each before its negatives; those of a query beside each other.

    Raises:
        DistillirError: No list has a negative.
    """
    positives = np.flatnonzero(pairs.labels == 1)
    owners = pairs.queries[positives]
    # Place of each positive among its query's.
    starts = np.flatnonzero(_changes(owners))
    within = np.arange(len(positives)) - np.repeat(starts, np.diff(np.append(starts, len(owners))))
    heads = positives[within % POSITIVES_PER_LIST == 0]
    ends = np.append(heads[1:], len(pairs))
    of_pairs = np.full(len(pairs), -1, dtype=np.int64)
    queries: list[int] = []
    documents: list[Rows] = []
    labels: list[npt.NDArray[np.float32]] = []
    for head, end in zip(heads.tolist(), ends.tolist(), strict=True):
        good = pairs.labels[head:end] == 1
        rows = pairs.documents[head:end]
        negatives = np.array(list(dict.fromkeys(rows[~good].tolist())), dtype=np.int64)
        if not len(negatives):
            continue
        of_pairs[head:end] = len(queries)
        queries.append(int(pairs.queries[head]))
        documents.append(np.concatenate([rows[good], negatives]))
        labels.append((np.arange(len(documents[-1])) < good.sum()).astype(np.float32))
    if not queries:
        raise DistillirError("no list has a negative", where="train-teacher", remedy="mine deeper candidates")
    return TrainingLists(np.array(queries, dtype=np.int64), documents, labels, of_pairs, lost=len(heads) - len(queries))


def _changes(values: Rows) -> npt.NDArray[np.bool_]:
    """Mask [N] of values that differ from the one before."""
    return np.concatenate([[True], values[1:] != values[:-1]])


def one_of_the_positives(labels: npt.NDArray[np.float32]) -> Scores:
    """Log-probabilities [C] of a list in which the positives share all evenly; -inf for negatives."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(labels / labels.sum()), dtype=np.float32)


def softened(scores: Scores, temperature: float) -> Scores:
    """Log-probabilities [C] of the softmax of a list's scores at a temperature."""
    logits = scores.astype(np.float64) / temperature
    logits -= logits.max()
    return np.asarray(logits - np.log(np.exp(logits).sum()), dtype=np.float32)
