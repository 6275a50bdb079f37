"""The interface of a kind of student for training: texts to encodings, and encodings to scores."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from distillir.encoding.blocks import blocks_of
from distillir.students.chunks import Chunk

if TYPE_CHECKING:
    from distillir.collections.table import TextTable


class Student(ABC):
    """A kind of student: how its models encode and compare. Scores are float32 whatever the encoder runs in.

    Args:
        model: A sentence-transformers model of that kind.

    Attributes:
        budget: Padded tokens that a student reads at once which scores `by_pair`; others are told by `embed`'s chunks.
    """

    budget: int = 4096

    def __init__(self, model: Any) -> None:
        self.model = model

    @abstractmethod
    def embed(
        self, model: Any, features: Mapping[str, Any], cut: Sequence[Chunk], *, task: str, recompute: bool = False
    ) -> Any:
        """Encode texts chunk by chunk.

        Args:
            model: The model, possibly wrapped for several processes.
            features: What the collator made: token tensors [T, L] right-padded, and constants.
            cut: See `distillir.students.chunks.chunks`.
            task: ``query`` or ``document``.
            recompute: Keep no activations but one chunk's: the backward pass encodes each chunk again (what GradCache,
                arXiv 2101.06983, does, by way of torch's checkpointing, so that it holds under DDP and autocast too).

        Returns:
            What `scores` compares, in the order of ``features``.
        """

    def embed_layers(
        self,
        model: Any,
        features: Mapping[str, Any],
        cut: Sequence[Chunk],
        *,
        task: str,
        layers: Sequence[int],
        pooling: str,
        recompute: bool = False,
    ) -> tuple[Any, Any]:
        """Encode texts as `embed` does, with the outputs of some transformer blocks for `layer_scores`.

        Args:
            model: As in `embed`, like the next three and the last.
            features: See there.
            cut: See there.
            task: See there.
            layers: Numbers of the blocks, from 0.
            pooling: ``cls`` or ``mean``; how a text's states become one, where one is compared.
            recompute: See there.

        Raises:
            DistillirError: The model has no one stack of blocks.
        """
        raise NotImplementedError

    def layer_scores(self, queries: Any, documents: Any) -> Tensor:
        """Scores [K, Q, T] by each of the blocks that `embed_layers` was asked for."""
        raise NotImplementedError

    def select_layers(self, states: Any, rows: Tensor) -> Any:
        """Some of the texts' states, in the order of ``rows``."""
        raise NotImplementedError

    @property
    def compares_cosines(self) -> bool:
        """Tell whether a score is one cosine, from -1 to 1."""
        return False

    @property
    def depth(self) -> int:
        """Number of the model's transformer blocks."""
        return len(self.blocks)

    @property
    def blocks(self) -> nn.ModuleList:
        """Its transformer blocks."""
        return blocks_of(getattr(self.model[0], "auto_model", None), "student")

    @abstractmethod
    def scores(self, queries: Any, documents: Any, wanted: Tensor | None = None) -> Tensor:
        """Scores [Q, T] of every query with every document, as the model itself gives them.

        Args:
            queries: What `embed` made of the queries.
            documents: What it made of the documents.
            wanted: Pairs [Q, T] whose scores are looked at, given to a student that scores ``by_pair`` or wants them
                (`told_pairs`): others may hold anything finite.
        """

    @property
    def by_pair(self) -> bool:
        """Tell whether each score costs a pass of the model, so that `scores` needs to know which are wanted."""
        return False

    @property
    def told_pairs(self) -> bool:
        """Tell whether training says to `scores` which pairs are wanted: where a pair costs more than a product."""
        return self.by_pair

    def found(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Mask [T] of the documents that a search finds, by a query's scores [T]: all, unless a kind says otherwise."""
        return np.ones(len(scores), dtype=bool)

    @property
    def penalty_names(self) -> tuple[str, ...]:
        """Names of `penalties`."""
        return ()

    def penalties(self, queries: Any, documents: Any) -> dict[str, Tensor]:
        """Further parts of the loss, unweighted, of a batch's distinct queries and documents; none as a rule."""
        return {}

    def penalty_share(self, step: int, warm_up: int) -> float:
        """Share of the penalties' weights at a step, where they rise over ``warm_up`` steps."""
        return 1.0 if step >= warm_up else step / warm_up

    def documents(self, table: "TextTable") -> Any:
        """Features of documents that are kept (``lengths`` and ``batch`` by rows); None: their tokens are read."""
        return None

    #: Which side a document is read as that is learnt from by itself, without a query: its own, unless documents are
    #: kept, and the query encoder learns to give their vectors.
    documents_alone_as: Literal["query", "document"] = "document"

    @property
    def documents_identity(self) -> str | None:
        """Fingerprint of what is kept of documents; None where they are encoded."""
        return None

    @abstractmethod
    def select(self, embedded: Any, rows: Tensor) -> Any:
        """Some of the texts' encodings, in the order of ``rows``."""
