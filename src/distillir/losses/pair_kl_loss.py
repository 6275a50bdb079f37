"""Pair KL as a drop-in loss."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from distillir.base.errors import DistillirError
from distillir.losses.citations import cite
from distillir.losses.list_loss import Similarity, pairwise_similarity
from distillir.objectives.pair_kl import pair_kl


class PairKLLoss(nn.Module):
    """`distillir.objectives.pair_kl` as a ``loss=`` for sentence-transformers' `SentenceTransformerTrainer`.

    The data set has three text columns, the query and two passages, and a label column (``label``) with the pairwise
    teacher's P(first beats second), from 0 to 1.

    Args:
        model: The student.
        similarity: See `distillir.losses.list_loss.ListLoss`.
        student_temperature: Divides the student's similarities. Cosines lie close together: 0.02 to 0.1 is usual.
    """

    def __init__(
        self, model: nn.Module, *, similarity: Similarity | None = None, student_temperature: float = 1.0
    ) -> None:
        super().__init__()
        self.model, self.student_temperature = model, student_temperature
        self.similarity, self._score = pairwise_similarity(model, similarity)

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """The loss of a batch of tokenised columns and preferences [B].

        Raises:
            DistillirError: Other columns, or labels that are no preferences.
        """
        texts = [self.model(features)["sentence_embedding"].float() for features in sentence_features]
        if len(texts) != 3:
            raise DistillirError(
                f"PairKLLoss got {len(texts)} text columns", remedy="give a query column and two passage columns"
            )
        # Not NaN either.
        if labels.shape != texts[0].shape[:1] or not bool(((labels >= 0) & (labels <= 1)).all()):
            raise DistillirError(
                f"PairKLLoss got labels of shape {tuple(labels.shape)} that are not all from 0 to 1",
                remedy="give each row P(first passage beats second) in a column named label",
            )
        query, *passages = texts
        student = torch.stack([self._score(query, passage) for passage in passages], dim=1)
        rows = torch.arange(len(student), device=student.device)
        pairs = torch.stack([rows, torch.zeros_like(rows), torch.ones_like(rows)], dim=1)
        return pair_kl(student, pairs, labels.detach(), student_temperature=self.student_temperature)

    def get_config_dict(self) -> dict[str, object]:
        """The settings, for model cards."""
        return {"similarity": self.similarity, "student_temperature": self.student_temperature}

    @property
    def citation(self) -> str:
        """BibTeX of what the loss is from, for model cards."""
        return cite(["pair_kl"])
