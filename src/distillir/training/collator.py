"""Collation of training examples to tensors: each distinct document once, sorted by length, with an index matrix."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from distillir.base.arrays import Rows
from distillir.batches.features import Places, TextFeatures, sorted_features
from distillir.batches.lists import ListRow, list_tensors
from distillir.plans.training_example import TrainingExample
from distillir.signals.signal_training import Batch, SignalTraining
from distillir.teaching.text_lists import NO_QUERY
from distillir.training.spared import never_join, spare, texts_of

if TYPE_CHECKING:
    from distillir.collections.known_positives import KnownPositives


class ExampleCollator:
    """Make a batch of training examples.

    The batch holds ``query_*`` and ``document_*`` features (as sentence-transformers' trainers name them), the chunks
    each is to be encoded in, and under ``label`` a dict of tensors: ``query`` [B] and ``index`` [B, N] (which row of
    the features belongs where), ``teacher`` and ``labels`` float32 [B, N], ``relevant`` and ``mask`` bool [B, N],
    ``loss_mask`` bool [B, N] (the same as ``mask`` but for lists that a gate keeps back: they count and add nothing),
    ``positive`` long [B] (the column of the best judged candidate by the teacher, -1 for none), ``own_list_mask`` bool
    [B, N] (of the query's own list). With ``in_batch``, for the documents of other processes: ``rows`` long [T], those
    of the document features (-1: joins no list), ``texts`` long [T], what they are compared by, ``never_join`` long [B,
    M], the texts that never join a list (-1: none), and ``outside`` float32 [B], the label of those that do; with
    ``all`` also ``elsewhere`` bool [B, N], documents of a list that another one holds too. With ``known``: ``spared``
    bool [B, N], what must not be a negative. Signals add features and tensors of their own.

    Args:
        queries: Tokens of the queries.
        documents: Tokens of the documents, or what is kept of them.
        budget: Padded tokens the student encodes at once.
        pseudo_positives: Where a list has no judged positive, let the teacher's best candidate stand for it, in
            ``relevant`` and ``positive``; ``always``: whatever is judged.
        in_batch: Let the documents of the batch's other lists join each list as negatives, except those that are
            candidates of its query (``all``: these too); dark examples never do. The teacher's score of them is so low
            that its softmax gives them nothing. Documents of other processes join in the loss; what a batch is depends
            on ``gradient_accumulation``, and with it the negatives.
        signals: What else training examples hold; each makes features and tensors of its own.
        known: Knows positives by their texts: none of them, nor a copy of one, is a negative. None: documents are told
            apart by their rows, and positives beside the best are negatives of it.
    """

    #: sentence-transformers' trainer asks its collators for this.
    valid_label_columns = ("label",)

    def __init__(
        self,
        queries: TextFeatures,
        documents: TextFeatures,
        *,
        budget: int,
        pseudo_positives: bool | str = False,
        in_batch: bool | str = False,
        signals: Sequence[SignalTraining] = (),
        known: "KnownPositives | None" = None,
    ) -> None:
        self.queries, self.documents, self.budget = queries, documents, budget
        self.pseudo_positives, self.in_batch, self.signals = pseudo_positives, in_batch, tuple(signals)
        self.known = known

    def __getstate__(self) -> dict[str, Any]:
        # Where workers are spawned: signals that make no features hold objectives, which are not sent.
        made = (SignalTraining.collate, SignalTraining.documents)
        making = [one for one in self.signals if (type(one).collate, type(one).documents) != made]
        return {**vars(self), "signals": tuple(making)}

    def __call__(self, examples: Sequence[TrainingExample]) -> dict[str, Any]:
        """Collate training examples [B]; see the class."""
        asked = np.array([example.query for example in examples])
        lists = [ListRow(one.documents, one.teacher, one.labels, one.relevant, one.open) for one in examples]
        read = [one.documents for one in lists if one.open and len(one.documents)]
        read += [rows for signal in self.signals for rows in signal.documents(examples)]
        # A batch that a gate keeps back altogether still needs something to encode.
        rows = np.unique(np.concatenate(read or [examples[0].documents]))
        queries, query_rows = sorted_features(self.queries, np.unique(asked[asked != NO_QUERY]), "query", self.budget)
        documents, document_rows = sorted_features(self.documents, rows, "document", self.budget)
        none = np.empty(0, dtype=np.int64)
        others = [none] * len(lists)
        own = np.unique(np.concatenate([one.documents for one in lists if one.open] or [none]))
        known: list[Rows] = []
        if self.in_batch:
            known = [never_join(example, self.in_batch, self.known) for example in examples]
            texts = texts_of(own, self.known)
            others = [
                own[~np.isin(texts, kept)] if example.open else none
                for example, kept in zip(examples, known, strict=True)
            ]
        places = Places(document_rows)
        label = list_tensors(lists, others, [example.outside for example in examples], places, self.pseudo_positives)
        if self.known is not None:
            label |= spare(label, examples, self.known)
        label["query"] = torch.from_numpy(Places(query_rows).of(asked))
        if self.in_batch:
            joining = np.where(np.isin(document_rows, own), document_rows, -1)
            label |= _joining(joining, texts_of(joining, self.known), known, examples)
        if self.in_batch == "all":
            label["elsewhere"] = _elsewhere(
                [one.documents if one.open else none for one in lists], label["own_list_mask"].shape
            )
        batch = Batch(examples, label, query_rows, document_rows, places)
        features: dict[str, Any] = {}
        for signal in self.signals:
            own_features, tensors = signal.collate(batch)
            features |= own_features
            label |= tensors
        return {**queries, **documents, **features, "label": label}


def _joining(rows: Rows, texts: Rows, known: Sequence[Rows], examples: Sequence[TrainingExample]) -> dict[str, Any]:
    """Documents that may join the lists of other processes, with the texts that never join each list."""
    never = np.full((len(known), max(map(len, known))), -1, dtype=np.int64)
    for row, own in enumerate(known):
        never[row, : len(own)] = own
    outside = torch.tensor([example.outside for example in examples], dtype=torch.float32)
    found = {"rows": rows, "texts": texts, "never_join": never}
    return {name: torch.from_numpy(values) for name, values in found.items()} | {"outside": outside}


def _elsewhere(lists: Sequence[Rows], shape: Sequence[int]) -> torch.Tensor:
    """Mask [B, N] of the documents of each list that another list holds too."""
    found = np.zeros(shape, dtype=bool)
    rows, lists_with = np.unique(np.concatenate(lists), return_counts=True)
    for place, one in enumerate(lists):
        found[place, : len(one)] = np.isin(one, rows[lists_with > 1])
    return torch.from_numpy(found)
