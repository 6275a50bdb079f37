"""Training examples of a cross-encoder and the loss on them, for each value of ``--loss``."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.collections import Collection
from distillir.teachers.counted import CountedTeacher
from distillir.teachers.cross_encoder_training.lists import (
    TrainingLists,
    one_of_the_positives,
    softened,
    training_lists,
)
from distillir.teachers.cross_encoder_training.pairs import TrainingPairs, training_triples
from distillir.teachers.cross_encoder_training.soft_labels import SoftLabels, soft_labels
from distillir.teachers.cross_encoders.pair_text import PairText

#: What ``--loss`` may be, with a line on each.
LOSSES = {
    "binary": "binary cross-entropy on pairs: relevant or not",
    "listwise": "softmax cross-entropy over a query's positives and negatives",
    "graded": "graded targets: the judgements' grades, or another teacher's scores (--soft-labels)",
}
#: Negatives beside each positive where nothing is said: of pairs, and of lists.
NEGATIVES, LIST_NEGATIVES = 2, 7


def check_loss(loss: str, *, soft: bool, pairwise: bool, select: bool) -> None:
    """Refuse options that do not go together.

    Args:
        loss: As in `LOSSES`.
        soft: Whether another teacher's scores are learnt.
        pairwise: Whether two documents are read.
        select: Whether the best checkpoint is kept.

    Raises:
        DistillirError: The first such thing.
    """
    if loss not in LOSSES:
        raise DistillirError(f"unknown loss {loss!r}", where="--loss", remedy=f"choose: {', '.join(LOSSES)}")
    if soft and loss != "graded":
        raise DistillirError(
            f"soft labels are graded targets, which --loss {loss} does not learn",
            where="--soft-labels",
            remedy="add --loss graded",
        )
    if pairwise and loss == "listwise":
        raise DistillirError(
            "a loss over lists wants a score of each document, and --pairwise gives none",
            where="--loss listwise",
            remedy="choose binary or graded",
        )
    if pairwise and select:
        raise DistillirError(
            "what is measured is a ranking by scores, and --pairwise gives none",
            where="--select",
            remedy="leave it out",
        )


def over_lists(loss: str, *, soft: bool, pairwise: bool) -> bool:
    """Tell whether an example is a whole list, not a pair or triple."""
    return not pairwise and (loss == "listwise" or (loss == "graded" and soft))


@dataclass(frozen=True)
class Examples:
    """Rows of the data set.

    Attributes:
        queries: Query rows [N].
        documents: Document rows, of one list an example [N], or of two documents where `pairwise`.
        labels: What is wanted [N]: a number, or log-probabilities [C] of a list.
        lists: Whether an example is a list of any length; else it is one document, or two (``pairwise``).
        pairwise: See ``lists``.
        facts: For the record.
    """

    queries: Rows
    documents: list[Rows]
    labels: list[Any]
    lists: bool
    pairwise: bool
    facts: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def size(self) -> int:
        """Pairs that an example holds, on average."""
        return max(1, round(float(np.mean([len(rows) for rows in self.documents])))) if self.lists else 1


def grades_of(pairs: TrainingPairs) -> npt.NDArray[np.float32]:
    """Grades [N] of pairs as shares of the highest; 0 for negatives.

    Raises:
        DistillirError: All positives have one grade.
    """
    if len(np.unique(pairs.grades[pairs.labels == 1])) < 2:
        raise DistillirError(
            f"every positive has the grade {pairs.grades.max()}: there is nothing graded to learn",
            where="--loss graded",
            remedy="name a teacher whose scores are learnt (--soft-labels), or choose --loss listwise",
        )
    return np.asarray(pairs.grades / pairs.grades.max(), dtype=np.float32)


def examples(
    pairs: TrainingPairs,
    collection: Collection,
    *,
    loss: str,
    soft: CountedTeacher | None = None,
    pairwise: bool = False,
    seed: int = 0,
) -> Examples:
    """Make the examples of a loss; arguments as checked by `check_loss`.

    - ``binary``: a pair and its label.
    - ``listwise``: a list; its positives share all of the probability evenly.
    - ``graded``: a pair and its grade as a share of the highest; of two documents, one half and half of their
      difference.
    - ``graded`` with ``soft``: a list, and the softmax of that teacher's scores at the suggested temperature; of two
      documents, the sigmoid of their scores' difference at that temperature.

    Raises:
        DistillirError: There is nothing graded, or the teacher parts nothing.
    """
    lists = training_lists(pairs) if soft is not None or over_lists(loss, soft=False, pairwise=pairwise) else None
    labels = soft_labels(soft, collection, lists) if soft is not None and lists is not None else None
    facts: dict[str, Any] = {}
    if labels is not None and soft is not None:
        facts["soft_labels"] = {
            "teacher": soft.name,
            "temperature": labels.temperature,
            "candidates_without_answer": labels.silent,
            "lists_left_out": labels.tied,
            "diagnostics": labels.found.to_dict(),
        }
    if pairwise:
        return _triples(pairs, seed, loss, lists, labels, facts)
    if lists is not None:
        return _lists(lists, labels, facts)
    targets = grades_of(pairs) if loss == "graded" else pairs.labels
    documents = [pairs.documents[i : i + 1] for i in range(len(pairs))]
    return Examples(pairs.queries, documents, targets.tolist(), False, False, facts)


def _lists(lists: TrainingLists, labels: SoftLabels | None, facts: dict[str, Any]) -> Examples:
    if lists.lost:
        say(f"{lists.lost} lists have no negative, and are left out")
    queries, documents, wanted = [], [], []
    for i, query in enumerate(lists.queries.tolist()):
        rows, target = lists.documents[i], one_of_the_positives(lists.labels[i])
        if labels is not None:
            known = ~np.isnan(labels.scores[i])
            if not known.any():
                continue
            rows, target = rows[known], softened(labels.scores[i][known], labels.temperature)
        queries.append(query)
        documents.append(rows)
        wanted.append(target.tolist())
    return Examples(np.array(queries, dtype=np.int64), documents, wanted, True, False, {"lists": len(queries), **facts})


def _triples(
    pairs: TrainingPairs,
    seed: int,
    loss: str,
    lists: TrainingLists | None,
    labels: SoftLabels | None,
    facts: dict[str, Any],
) -> Examples:
    preferences = None
    if lists is not None and labels is not None:
        scores, temperature = _scores_of_pairs(pairs, lists, labels), labels.temperature

        def preferences(first: Rows, second: Rows) -> Scores:
            # As Bradley and Terry (1952) make odds of strengths.
            return np.asarray(1 / (1 + np.exp((scores[second] - scores[first]) / temperature)), dtype=np.float32)
    elif loss == "graded":
        grades = grades_of(pairs)

        def preferences(first: Rows, second: Rows) -> Scores:
            return np.asarray(0.5 + (grades[first] - grades[second]) / 2, dtype=np.float32)

    triples = training_triples(pairs, seed, preferences)
    documents = list(np.stack([triples.first, triples.second], axis=1))
    return Examples(triples.queries, documents, triples.labels.tolist(), False, True, facts)


def _scores_of_pairs(pairs: TrainingPairs, lists: TrainingLists, labels: SoftLabels) -> npt.NDArray[np.float64]:
    """The soft labels' score of each pair [N] in its list; NaN where there is none."""
    scores = np.full(len(pairs), np.nan)
    for i, place in enumerate(lists.of_pairs.tolist()):
        if place >= 0:
            found = np.flatnonzero(lists.documents[place] == pairs.documents[i])
            scores[i] = labels.scores[place][found[0]]
    return scores


def columns(found: Examples, collection: Collection, model: Any, max_length: int, prompt: str) -> dict[str, list[Any]]:
    """Columns of the data set: texts that are read together, and the label.

    A prompt that the base model always takes, and takes when it scores, is taken here too.
    """
    queries = collection.queries.texts(found.queries)
    read: list[Any]
    if found.pairwise:
        text, documents = PairText(model.tokenizer, max_length), np.stack(found.documents)
        first, second = (collection.corpus.texts(documents[:, side]) for side in (0, 1))
        queries, read = text.queries(queries), text.joined(first, second)
    else:
        flat = collection.corpus.texts(np.concatenate(found.documents))
        if found.lists:
            ends = np.cumsum([len(rows) for rows in found.documents])
            read = [flat[end - len(rows) : end] for rows, end in zip(found.documents, ends.tolist(), strict=True)]
        else:
            read = flat
    return {"query": [prompt + each for each in queries], "document": read, "label": found.labels}


def lengths(texts: dict[str, list[Any]], max_length: int) -> npt.NDArray[np.int64]:
    """Characters [N] that the longest pair of each example holds.

    Characters beyond what ``max_length`` keeps (some five a token) make no batch slower.
    """
    documents = [max(map(len, each)) if isinstance(each, list) else len(each) for each in texts["document"]]
    return np.minimum(np.array(documents, dtype=np.int64) + [len(q) for q in texts["query"]], 5 * max_length)


def library_loss(model: Any, found: Examples) -> Any:
    """The sentence-transformers loss of the examples.

    Lists: `ListNetLoss` takes the softmax of its labels as wanted distribution; of log-probabilities that is the
    distribution itself, and the loss the cross-entropy to it (KL divergence but for a constant).
    """
    from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss, ListNetLoss

    # One pass of the model a step: several before one step back are not for every way of several processes.
    return ListNetLoss(model, mini_batch_size=-1) if found.lists else BinaryCrossEntropyLoss(model)
