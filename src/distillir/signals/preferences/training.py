"""Preferences in a training: pairs of each list, which an objective of the lists compares (`pair_kl`)."""

from typing import Any

from distillir.signals.preferences.pair_lists import LessonPairs, PairLists
from distillir.signals.preferences.tensors import pair_tensors
from distillir.signals.signal_training import Batch, SignalTraining


class PairTraining(SignalTraining):
    """Pairs that are learnt from: ``pairs`` long [B, M, 2], -1 for none, and ``preferences`` float32 [B, M].

    Args:
        lists: The pairs by list.
    """

    name = "pairs"
    compares = frozenset({"teacher"})  # pairs are chosen by the teacher's order

    def __init__(self, lists: PairLists) -> None:
        self.lists = lists
        self.attachment = lists

    def identity(self) -> dict[str, Any]:
        """See `SignalTraining.identity`."""
        return {"pairs": [self.lists.fingerprint, self.lists.first]}

    def collate(self, batch: Batch) -> tuple[dict[str, Any], dict[str, Any]]:
        """See `SignalTraining.collate`."""
        held: list[LessonPairs] = batch.held(self.name)
        return {}, pair_tensors([(one.places, one.preferences) for one in held])
