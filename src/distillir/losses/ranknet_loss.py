"""RankNet as a drop-in loss."""

from torch import nn

from distillir.losses.list_loss import ListLoss, Similarity
from distillir.objectives.weighted_sum import parse_objective


class RankNetLoss(ListLoss):
    """`distillir.objectives.ranknet` on the pairs that the teacher orders; see `ListLoss` for the columns.

    Args:
        model: The student.
        similarity: See `ListLoss`.
        student_temperature: Divides the student's similarities (ours): cosines lie close together.
    """

    def __init__(
        self, model: nn.Module, *, similarity: Similarity | None = None, student_temperature: float = 1.0
    ) -> None:
        objective = parse_objective({"ranknet": {"student_temperature": student_temperature}})
        super().__init__(model, objective, similarity=similarity)
