"""Base of the drop-in losses: makes student scores, signals and mask of a sentence-transformers batch."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch
from sentence_transformers import SimilarityFunction
from torch import Tensor, nn

from distillir.base.errors import DistillirError
from distillir.losses.citations import cite
from distillir.losses.score_scale import check_scale
from distillir.objectives.objective import Signals
from distillir.objectives.weighted_sum import AUTO, WeightedSum

Similarity = str | Callable[[Tensor, Tensor], Tensor]
Positive = Literal["first", "best"]


class ListLoss(nn.Module):
    """An objective as a ``loss=`` for sentence-transformers' `SentenceTransformerTrainer`.

    The data set has a text column for the query, then one for each candidate (their names do not matter), and a label
    column (``label``, ``labels``, ``score`` or ``scores``) with a list of teacher scores, one for each candidate.

    Ragged lists: where a query has fewer candidates, put an empty text in the column and NaN among the scores. A place
    whose score is not finite is left out of the loss and gets no gradient.

    Args:
        model: The student.
        objective: What is compared.
        similarity: ``cosine``, ``dot``, ``euclidean`` or ``manhattan``, or a function of two matrices [B, D] that
            gives one score a row; default: the model's own ``similarity_fn_name``.
        positive: For objectives that need a positive or relevance, which candidate it is: the ``first`` column, or the
            teacher's ``best``. Labels that are integers [B] name the column themselves (-1: none).
    """

    def __init__(
        self,
        model: nn.Module,
        objective: WeightedSum,
        *,
        similarity: Similarity | None = None,
        positive: Positive = "first",
    ) -> None:
        super().__init__()
        given = [value for _, _, options in objective.parts for value in options.values()]
        if objective.open_weights or AUTO in given:
            raise DistillirError(
                "a temperature or weight is 'auto'",
                remedy="give a number: a run of distillir settles it from a teaching set",
            )
        self.model = model
        self.objective = objective
        self.similarity, self._score = pairwise_similarity(model, similarity)
        if positive not in ("first", "best"):
            raise DistillirError(f"positive={positive!r}", remedy="choose 'first' or 'best'")
        self.positive = positive
        self._checked = False

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor | None = None) -> Tensor:
        """The loss of a batch.

        Args:
            sentence_features: Tokenised columns: the query, then N candidates.
            labels: Teacher scores [B, N]; or, where the objective needs only a positive, its column [B] or None.

        Returns:
            Scalar.

        Raises:
            DistillirError: Fewer than two candidate columns, or labels that do not fit them.
        """
        query, *candidates = [self.model(features)["sentence_embedding"].float() for features in sentence_features]
        if len(candidates) < 2:
            raise DistillirError(
                f"{type(self).__name__} got {len(candidates) + 1} text columns",
                remedy="give a query column and at least two candidate columns",
            )
        student = torch.stack([self._score(query, candidate) for candidate in candidates], dim=1)
        signals, mask = self._signals(student, labels)
        if not self._checked:
            self._checked = True
            check_scale(self.objective, signals, mask)
        return self.objective.value(student, signals, mask)

    def _signals(self, student: Tensor, labels: Tensor | None) -> tuple[Signals, Tensor | None]:
        """Signals and mask [B, N] from the labels."""
        queries, candidates = student.shape
        first = torch.zeros(queries, dtype=torch.long, device=student.device)
        if labels is None or labels.dim() == 1:
            if self.objective.needs & {"teacher", "labels"} or (labels is not None and labels.is_floating_point()):
                raise self._misfit(labels, queries, candidates)
            if labels is not None and labels.max() >= candidates:
                raise DistillirError(f"a positive in column {int(labels.max())} of {candidates} candidates")
            return {"positive": first if labels is None else labels}, None
        if labels.shape != student.shape:
            raise self._misfit(labels, queries, candidates)
        mask = torch.isfinite(labels)
        best = torch.where(mask, labels.float(), -torch.inf).argmax(dim=1)
        positive = best if self.positive == "best" else first
        relevant = torch.arange(candidates, device=student.device) == positive[:, None]
        teacher = labels.detach()
        return {"teacher": teacher, "labels": teacher, "positive": positive, "relevant": relevant}, mask

    def _misfit(self, labels: Tensor | None, queries: int, candidates: int) -> DistillirError:
        given = "no labels" if labels is None else f"labels of shape {tuple(labels.shape)}, {labels.dtype}"
        return DistillirError(
            f"{type(self).__name__} got {given} for {queries} queries with {candidates} candidate columns",
            remedy=f"give each row a list of {candidates} teacher scores in a column named label (NaN: no candidate)",
        )

    def get_config_dict(self) -> dict[str, Any]:
        """The settings, for model cards."""
        config: dict[str, Any] = {"objective": self.objective.spec, "similarity": self.similarity}
        if self.objective.needs & {"positive", "relevant"}:
            config["positive"] = self.positive
        return config

    @property
    def citation(self) -> str:
        """BibTeX of what the loss is from, for model cards."""
        return cite(objective.name for objective, _, _ in self.objective.parts)


def pairwise_similarity(model: nn.Module, chosen: Similarity | None) -> tuple[str, Callable[[Tensor, Tensor], Tensor]]:
    """Name and function of a pairwise similarity."""
    if callable(chosen):
        return getattr(chosen, "__name__", type(chosen).__name__), chosen
    name = str(chosen if chosen is not None else getattr(model, "similarity_fn_name", "cosine"))
    if name not in SimilarityFunction.possible_values():
        known = ", ".join(SimilarityFunction.possible_values())
        raise DistillirError(f"no similarity {name!r}", remedy=f"choose from {known}, or give a function")
    function: Callable[[Tensor, Tensor], Tensor] = SimilarityFunction.to_similarity_pairwise_fn(name)
    return name, function
