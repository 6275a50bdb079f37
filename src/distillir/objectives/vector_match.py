"""Vector matching: the student's vectors follow the teacher's vectors of the same texts (EmbedDistill, LEAF)."""

from collections.abc import Callable

import torch
from torch import Tensor

from distillir.base.errors import DistillirError
from distillir.objectives.lists import mean, working_dtype


def vector_match(student: Tensor, teacher: Tensor, times: Tensor | None = None, *, loss: str = "cosine") -> Tensor:
    """Mean over texts of how far the student's vector is from the teacher's.

    Args:
        student: Vectors [T, D].
        teacher: Vectors [T, D]; they get no gradient.
        times: How often each text counts [T], 0 or more; None: once each.
        loss: One of `LOSSES`.

    Returns:
        Scalar; 0 where nothing counts.

    Raises:
        DistillirError: The shapes do not fit, or there is no such loss.

    Source:
        EmbedDistill (Kim et al. 2023, arXiv 2301.12005, equations 7 and 8: ``distance``) and LEAF (Vujanic and
        Rueckstiess 2025, arXiv 2509.12539: ``squared``, of vectors of length 1), both as others retell them. With
        vectors of length 1 ``squared`` is twice ``cosine``.
    """
    return mean(vector_match_terms(student, teacher, times, loss), vector_match_count(teacher, times))


def vector_match_terms(student: Tensor, teacher: Tensor, times: Tensor | None, loss: str) -> Tensor:
    """The distances summed over texts; arguments as `vector_match`."""
    if student.dim() != 2 or student.shape != teacher.shape:
        raise DistillirError(
            f"student vectors {tuple(student.shape)} and teacher vectors {tuple(teacher.shape)}",
            remedy="give both as [texts, width]",
        )
    if loss not in LOSSES:
        raise DistillirError(f"{loss!r} is no loss of vectors", remedy=f"choose {', '.join(LOSSES)}")
    dtype = working_dtype(student)
    student, teacher = student.to(dtype), teacher.detach().to(dtype)
    if times is None:
        return LOSSES[loss](student, teacher).sum()
    # Texts that do not count are taken out before any arithmetic: a NaN multiplied by 0 stays NaN.
    counted = (times > 0).unsqueeze(1)
    apart = LOSSES[loss](torch.where(counted, student, 0.0), torch.where(counted, teacher, 0.0))
    return (times.to(dtype) * apart).sum()


def vector_match_count(teacher: Tensor, times: Tensor | None) -> Tensor:
    """Number of texts, each as often as it counts; arguments as `vector_match`."""
    if times is None:
        return torch.tensor(float(len(teacher)), device=teacher.device)
    return times.sum().to(torch.float32)


def _cosine(student: Tensor, teacher: Tensor) -> Tensor:
    return 1 - torch.nn.functional.cosine_similarity(student, teacher, dim=1)


def _squared(student: Tensor, teacher: Tensor) -> Tensor:
    return (student - teacher).square().sum(dim=1)


def _distance(student: Tensor, teacher: Tensor) -> Tensor:
    apart: Tensor = torch.linalg.vector_norm(student - teacher, dim=1)
    return apart


#: Distance [T] of vectors [T, D] by the names that recipes have for it: 1 - cosine, which knows no lengths; the squared
#: Euclidean distance; the Euclidean distance.
LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"cosine": _cosine, "squared": _squared, "distance": _distance}
