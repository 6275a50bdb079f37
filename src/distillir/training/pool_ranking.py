"""A pool of documents ranked by the student as it is, in the middle of its training."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from accelerate.utils import send_to_device

from distillir.base.arrays import Rows, Scores
from distillir.base.processes import first_process_first, rank, world_size
from distillir.base.progress import say
from distillir.batches.features import TextFeatures
from distillir.batches.tokens import tokenise
from distillir.collections import Collection
from distillir.collections.run import Run, from_lists
from distillir.encoding.batches import default_batch_tokens
from distillir.encoding.precision import autocast, resolve_precision
from distillir.evaluation.measures import evaluate
from distillir.students.chunks import chunks
from distillir.students.loaded import student_of
from distillir.training.selection import MEASURE, Selection

#: Documents that are encoded and compared before the next ones are; several processes share them block by block.
BLOCK = 256
#: Queries that are compared at once with a block.
QUERIES = 32


class PoolRanking:
    """Measures a student on a `Selection`.

    The student reads as much of a text as it does in use, whatever ``training.max_length`` says. Blocks are the same
    however many processes share them, so that a measure does not depend on that.

    Args:
        model: The student, not wrapped. It is measured in eval mode, and neither its mode nor random state changes.
        collection: Where the texts are.
        selection: Queries and documents.
        work: Folder for tokens.
    """

    def __init__(self, model: Any, collection: Collection, selection: Selection, work: Path) -> None:
        self.model, self.selection, self.student = model, selection, student_of(model)
        self.wanted = np.ones((len(selection.queries), len(selection.documents)), dtype=bool)
        if self.student.by_pair and selection.lists is not None:
            self.wanted = np.stack([np.isin(selection.documents, rows) for rows in selection.lists])
        kept: TextFeatures | None = self.student.documents(collection.corpus)
        with first_process_first():
            self._queries = tokenise(
                work / "selection-query-tokens", model, collection.queries, selection.queries, kind="query"
            )
            self._documents = kept or tokenise(
                work / "selection-document-tokens", model, collection.corpus, selection.documents, kind="document"
            )

    def measure(self) -> float:
        """The mean nDCG@10 over the queries; 0 where the student's scores are not finite, which is told."""
        return float(self.values().mean())

    def values(self) -> npt.NDArray[np.float64]:
        """The nDCG@10 of each query [Q], ascending; all 0 where scores are not finite, which is told."""
        scores = self.scores()
        if not np.isfinite(scores).all():
            say("The student gives scores that are not finite: measured as 0")
            return np.zeros(len(self.selection.queries))
        return evaluate(self.run(scores), self.selection.qrels, [MEASURE]).values[MEASURE]

    def run(self, scores: Scores) -> Run:
        """Rankings of the pool by scores [Q, D]; ties are broken by document row, ascending."""
        selection = self.selection
        lists, values = [], []
        for own, row, wanted in zip(selection.own, scores, self.wanted, strict=True):
            kept = (selection.documents != own) & self.student.found(row) & wanted
            places = np.flatnonzero(kept)
            places = places[np.argsort(-row[places], kind="stable")]
            lists.append(selection.documents[places])
            values.append(row[places])
        return from_lists(selection.queries, lists, values, "selection")

    def scores(self) -> Scores:
        """Scores [Q, D] of every query with every document, in every process."""
        rows = self.selection.documents
        order = np.argsort(self._documents.lengths(rows), kind="stable")
        blocks = [order[start : start + BLOCK] for start in range(0, len(order), BLOCK)]
        with _undisturbed(self.model):
            queries = self._encoded(self._queries, self.selection.queries, "query")
            own = {number: self._block(queries, blocks[number]) for number in range(rank(), len(blocks), world_size())}
        found = np.empty((len(self.selection.queries), len(rows)), dtype=np.float32)
        for part in _of_all(own):
            for number, values in part.items():
                found[:, blocks[number]] = values
        return found

    def _block(self, queries: Any, block: Rows) -> npt.NDArray[np.float32]:
        """Scores [Q, B] of some documents, by their places in the pool."""
        documents, parts = self._encoded(self._documents, self.selection.documents[block], "document"), []
        for start in range(0, len(self.selection.queries), QUERIES):
            places = torch.arange(start, min(start + QUERIES, len(self.selection.queries)))
            asked, wanted = self.student.select(queries, places.to(self.model.device)), None
            if self.student.by_pair:
                wanted = torch.from_numpy(self.wanted[places.numpy()][:, block]).to(self.model.device)
            parts.append(self.student.scores(asked, documents, wanted).float().cpu().numpy())
        return np.concatenate(parts)

    def _encoded(self, store: TextFeatures, rows: Rows, task: str) -> Any:
        """Texts as the student compares them, in the order given."""
        device = self.model.device
        order = np.argsort(store.lengths(rows), kind="stable")
        features = send_to_device(store.batch(rows[order]), device)
        cut = chunks(store.lengths(rows[order]).tolist(), default_batch_tokens(device))
        with autocast(resolve_precision(self.selection.precision, device), device):
            embedded = self.student.embed(self.model, features, cut, task=task)
        return self.student.select(embedded, torch.from_numpy(np.argsort(order)).to(device))


@contextmanager
def _undisturbed(model: Any) -> Iterator[None]:
    """Eval mode without gradients; afterwards every module's mode and the random state are as they were."""
    modes = [(module, module.training) for module in model.modules()]
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        model.eval()
        try:
            yield
        finally:
            for module, mode in modes:
                module.training = mode


def _of_all(own: dict[int, Scores]) -> list[dict[int, Scores]]:
    """The parts of all processes."""
    if world_size() == 1:
        return [own]
    import torch.distributed

    parts: list[Any] = [None] * world_size()
    torch.distributed.all_gather_object(parts, own)
    return parts
