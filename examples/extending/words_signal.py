"""A signal that needs texts alone: the cosines of the student's vectors follow how many words texts have in common.

In a recipe, with this file in the current folder:

    method: {name: signals, signals: {"words_signal:WORDS": {documents: 40}}}

and on the command line ``distillir run recipe.yaml --allow-code``. The method `signals` compares no lists, so no
candidates are mined and no teacher is named; beside another method (``name: kl``) the signal learns from the texts of
its lists.
"""

from typing import Any

import numpy as np
import torch
from pydantic import Field

from distillir.collections import Collection
from distillir.signals.place import Place
from distillir.signals.signal import TEXTS, Signal, SignalKind
from distillir.signals.signal_training import Batch, Output, SignalTraining
from distillir.specs import Part


class WordsSpec(Part):
    """What a recipe says of it."""

    weight: float = Field(1.0, gt=0, description="of the squared error of cosines")
    documents: int = Field(0, ge=0, description="this many documents, drawn by the seed, beside the training queries")


class WordsTraining(SignalTraining):
    """In training: cosines of the words of each batch's texts, and the student's distance from them."""

    name = "words"

    def __init__(self, spec: WordsSpec, collection: Collection) -> None:
        self.spec, self.collection = spec, collection

    def identity(self) -> dict[str, Any]:
        return {"words": self.spec.model_dump()}

    def collate(self, batch: Batch) -> tuple[dict[str, Any], dict[str, Any]]:
        corpus, queries = self.collection.corpus, self.collection.queries
        texts = [set(text.lower().split()) for text in (*queries.texts(batch.queries), *corpus.texts(batch.documents))]
        shared = [[len(one & other) / (len(one) * len(other)) ** 0.5 for other in texts] for one in texts]
        return {}, {"words": torch.tensor(shared, dtype=torch.float32)}

    def counts(self, label: Any) -> dict[str, Any]:
        return {"words": torch.tensor(float(label["words"].numel()))}

    def terms(self, output: Output, inputs: Any, label: Any, counts: Any, step: int) -> dict[str, Any]:
        # Encodings stand in the order of the batch's rows; a batch of queries alone has none of documents.
        vectors = torch.nn.functional.normalize(torch.cat([output.queries, output.documents]), dim=1)
        return {"words": self.spec.weight * (vectors @ vectors.T - label["words"]).square().sum()}


class Words(Signal[WordsSpec]):
    """In a run: nothing is prepared; the texts are there."""

    needs = frozenset({TEXTS})

    def texts_alone(self, place: Place) -> tuple[Any, Any]:
        corpus, drawn = len(place.collection.corpus), np.random.default_rng([place.recipe.query_seed, 1000])
        return place.queries(), drawn.choice(corpus, min(self.spec.documents, corpus), replace=False)

    def prepare(self, place: Place) -> None:
        queries, documents = place.texts()
        place.tell(self, {"queries that are learnt from": len(queries), "documents": len(documents)})

    def open(self, place: Place, objective: Any) -> WordsTraining:
        return WordsTraining(self.spec, place.collection)


WORDS = SignalKind("words", "cosines follow how many words texts have in common", WordsSpec, Words)
