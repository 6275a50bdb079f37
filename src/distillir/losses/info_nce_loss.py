"""InfoNCE as a drop-in loss."""

from torch import nn

from distillir.losses.list_loss import ListLoss, Positive, Similarity
from distillir.objectives.weighted_sum import parse_objective


class InfoNCELoss(ListLoss):
    """`distillir.objectives.info_nce` of the positive among the query's own candidates; see `ListLoss` for the columns.

    The label column may be left out (the first candidate is the positive), name the positive's column by an integer
    (-1: the query has none and adds nothing), or hold teacher scores as for the other losses.

    Args:
        model: The student.
        similarity: See `ListLoss`.
        temperature: Divides the similarities. Cosines lie close together: 0.01 to 0.1 is usual.
        positive: With teacher scores as labels: the ``first`` candidate, or the teacher's ``best``.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        similarity: Similarity | None = None,
        temperature: float = 1.0,
        positive: Positive = "first",
    ) -> None:
        objective = parse_objective({"info_nce": {"temperature": temperature}})
        super().__init__(model, objective, similarity=similarity, positive=positive)
