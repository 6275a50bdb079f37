"""Sparse students (SPLADE): a weight for each word of a vocabulary, most of them zero."""

import numpy as np
import numpy.typing as npt
from torch import Tensor

from distillir.students.dense.student import DenseStudent
from distillir.students.towers import looks_up_queries


class SparseStudent(DenseStudent):
    """A SparseEncoder; scores are dot products of vectors [T, V] over the vocabulary.

    While it trains the vectors are held dense: what costs is the masked-LM head's number for each token and word, and
    that is there before pooling.
    """

    def found(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Documents that share a word with the query."""
        return scores > 0

    @property
    def penalty_names(self) -> tuple[str, ...]:
        """See `Student.penalty_names`; queries that are looked up cost what their words cost."""
        documents = ("flops documents",)
        return documents if looks_up_queries(self.model) else ("flops queries", *documents)

    def penalty_share(self, step: int, warm_up: int) -> float:
        """See `flops_share`."""
        return flops_share(step, warm_up)

    def penalties(self, queries: Tensor, documents: Tensor) -> dict[str, Tensor]:
        """The FLOPS regulariser of the queries' and of the documents' vectors; see `flops`."""
        found = {"flops documents": flops(documents)}
        return {"flops queries": flops(queries), **found} if "flops queries" in self.penalty_names else found


def flops(vectors: Tensor) -> Tensor:
    """The FLOPS regulariser of vectors [T, V]: the sum over words of the squared mean weight.

    It bounds how many multiplications a search takes, and how many words are in use (Paria et al. 2020, arXiv
    2004.05665; in SPLADE, Formal et al. 2021, arXiv 2107.05720, equation 5). 0 of no vectors.
    """
    if not len(vectors):
        return vectors.float().sum()
    return vectors.float().mean(dim=0).square().sum()


def flops_share(step: int, warm_up: int) -> float:
    """Share of the regulariser's weight at a step, 0 the first: it rises with the square over ``warm_up`` steps.

    As in naver/splade (splade/losses/regularization.py, RegWeightScheduler).
    """
    return 1.0 if step >= warm_up else (step / warm_up) ** 2
