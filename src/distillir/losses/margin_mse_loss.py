"""MarginMSE as a drop-in loss."""

from torch import nn

from distillir.losses.list_loss import ListLoss, Similarity
from distillir.objectives.weighted_sum import parse_objective


class MarginMSELoss(ListLoss):
    """`distillir.objectives.margin_mse` over all pairs of a list; see `ListLoss` for the columns.

    The student learns the teacher's margins themselves, so the similarity must be able to reach them: a dot product
    of vectors that are not normalised, a temperature, or teacher scores scaled to the range of cosines.

    Args:
        model: The student.
        similarity: See `ListLoss`.
        student_temperature: Divides the student's similarities (ours): cosines cannot reach the margins of logits.
    """

    def __init__(
        self, model: nn.Module, *, similarity: Similarity | None = None, student_temperature: float = 1.0
    ) -> None:
        objective = parse_objective({"margin_mse": {"student_temperature": student_temperature}})
        super().__init__(model, objective, similarity=similarity)
