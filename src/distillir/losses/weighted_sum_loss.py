"""Any weighted sum of objectives as a drop-in loss."""

from torch import nn

from distillir.losses.list_loss import ListLoss, Positive, Similarity
from distillir.objectives.weighted_sum import WeightedSum, parse_objective


class WeightedSumLoss(ListLoss):
    """Several objectives at once, written as in a recipe; see `ListLoss` for the columns.

    Args:
        model: The student.
        objective: For example ``{"kl": {"student_temperature": 0.05}, "info_nce": 0.1}``; see
            `distillir.objectives.parse_objective`.
        similarity: See `ListLoss`.
        positive: See `ListLoss`.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: object,
        *,
        similarity: Similarity | None = None,
        positive: Positive = "first",
    ) -> None:
        parsed = objective if isinstance(objective, WeightedSum) else parse_objective(objective)
        super().__init__(model, parsed, similarity=similarity, positive=positive)
