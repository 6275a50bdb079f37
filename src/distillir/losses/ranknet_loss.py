"""RankNet as a drop-in loss."""

from torch import nn

from distillir.losses.list_loss import ListLoss, Similarity
from distillir.objectives.weighted_sum import parse_objective


class RankNetLoss(ListLoss):
    """`distillir.objectives.ranknet` on the pairs that the teacher orders; see `ListLoss` for the columns.

    Args:
        model: The student.
        similarity: See `ListLoss`.
    """

    def __init__(self, model: nn.Module, *, similarity: Similarity | None = None) -> None:
        super().__init__(model, parse_objective("ranknet"), similarity=similarity)
