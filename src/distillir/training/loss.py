"""From a collated batch to the objective: encode each distinct text once, gather scores, compare."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from distillir.objectives.weighted_sum import WeightedSum
from distillir.students import dense

Counts = Mapping[str, Tensor]


class LessonLoss(nn.Module):
    """The loss of one batch of lessons.

    Args:
        model: A SentenceTransformer; held because the trainer optimises the parameters of its loss.
        objective: What is compared.
        recompute: Keep one chunk's activations at a time (see `distillir.students.dense.embed`).
    """

    def __init__(self, model: Any, objective: WeightedSum, *, recompute: bool = False) -> None:
        super().__init__()
        self.model, self.objective, self.recompute = model, objective, recompute
        self.cosine = str(model.similarity_fn_name) == "cosine"

    def counts(self, label: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Each part's denominator for one batch; needs no model."""
        return self.objective.counts(label, label["mask"])

    def scores(self, model: Any, inputs: Mapping[str, Any]) -> Tensor:
        """Student scores [B, N] of a collated batch, float32."""
        label = inputs["label"]
        inner = getattr(model, "module", model)
        # Queries go through the wrapper that several processes share, once a step; documents through the model
        # itself. The wrapper's gradient hooks sit on the parameters, so they fire once, when all chunks are summed.
        queries = dense.embed(model, _features(inputs, "query"), [_whole(inputs["query_input_ids"])], task="query")
        documents = dense.embed(
            inner,
            _features(inputs, "document"),
            inputs["document_chunks"],
            task="document",
            recompute=self.recompute,
        )
        every = dense.scores(queries[label["query"]], documents, cosine=self.cosine)
        return every.gather(1, label["index"])

    def forward(self, model: Any, inputs: Mapping[str, Any], counts: Counts | None = None) -> dict[str, Tensor]:
        """Weighted parts of the loss by name; they add up to the loss.

        Args:
            model: The student, possibly wrapped.
            inputs: What `LessonCollator` made.
            counts: Denominators over the whole step (all processes, all accumulated batches); None: this batch's own.
        """
        label = inputs["label"]
        numerators = self.objective.numerators(self.scores(model, inputs), label, label["mask"])
        counts = self.counts(label) if counts is None else counts
        weights = self.objective.weights
        return {name: weights[name] * value / counts[name].clamp(min=1) for name, value in numerators.items()}


def _features(inputs: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    own = {name[len(prefix) + 1 :]: value for name, value in inputs.items() if name.startswith(f"{prefix}_")}
    own.pop("chunks")
    return own


def _whole(ids: Tensor) -> dense.Chunk:
    return 0, int(ids.shape[0]), int(ids.shape[1])
