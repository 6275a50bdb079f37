"""KL divergence as a drop-in loss."""

from torch import nn

from distillir.losses.list_loss import ListLoss, Similarity
from distillir.objectives.weighted_sum import parse_objective


class KLLoss(ListLoss):
    """`distillir.objectives.kl` between teacher scores and the student's similarities; see `ListLoss` for the columns.

    sentence-transformers' ``DistillKLDivLoss`` is this times ``student_temperature ** 2``, for lists that are not
    ragged.

    Args:
        model: The student.
        similarity: See `ListLoss`.
        student_temperature: Divides the student's similarities. Cosines lie close together: 0.02 to 0.1 is usual.
        teacher_temperature: Divides the teacher's scores.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        similarity: Similarity | None = None,
        student_temperature: float = 1.0,
        teacher_temperature: float = 1.0,
    ) -> None:
        options = {"student_temperature": student_temperature, "teacher_temperature": teacher_temperature}
        super().__init__(model, parse_objective({"kl": options}), similarity=similarity)
