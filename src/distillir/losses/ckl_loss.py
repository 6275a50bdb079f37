"""Contrastively weighted KL as a drop-in loss."""

from torch import nn

from distillir.losses.list_loss import ListLoss, Positive, Similarity
from distillir.objectives.weighted_sum import parse_objective


class CKLLoss(ListLoss):
    """`distillir.objectives.ckl` with one positive a list; see `ListLoss` for the columns. A reconstruction.

    Args:
        model: The student.
        gamma: At least 0.
        beta: 0 to gamma.
        similarity: See `ListLoss`.
        positive: Which candidate is the positive: the ``first`` column, or the teacher's ``best``.
        detach_weights: Take the weights for constants.
        bias: ``reciprocal``, ``linear`` or ``constant``.
        student_temperature: Divides the student's similarities. Cosines lie close together: 0.02 to 0.1 is usual.
        teacher_temperature: Divides the teacher's scores.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        gamma: float,
        beta: float,
        similarity: Similarity | None = None,
        positive: Positive = "first",
        detach_weights: bool = True,
        bias: str = "reciprocal",
        student_temperature: float = 1.0,
        teacher_temperature: float = 1.0,
    ) -> None:
        options = {
            "gamma": gamma,
            "beta": beta,
            "detach_weights": detach_weights,
            "bias": bias,
            "student_temperature": student_temperature,
            "teacher_temperature": teacher_temperature,
        }
        super().__init__(model, parse_objective({"ckl": options}), similarity=similarity, positive=positive)
