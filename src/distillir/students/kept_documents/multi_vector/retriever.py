"""Search of kept token vectors by a query encoder."""

from typing import TYPE_CHECKING, Any

from distillir.collections import Collection
from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.retrieval.multi_vector import MultiVectorRetriever

if TYPE_CHECKING:
    from distillir.encoding.token_vectors import TokenVectors
    from distillir.students.kept_documents.index import KeptIndex


class KeptTokensRetriever(MultiVectorRetriever):
    """Late interaction of queries with kept token vectors; no document is encoded that the index has.

    Args:
        index: The documents' token vectors.
        model: The query encoder's folder or name.
        max_length: Tokens of a query at most; None: the model's own.
        precision: Of the query encoder.
        options: How it is loaded.
        search: ``first``, ``first_depth`` and ``probes``, as of `MultiVectorRetriever`.
    """

    def __init__(
        self,
        index: "KeptIndex",
        model: str,
        max_length: int | None = None,
        precision: str = "auto",
        options: ModelOptions = PLAIN,
        **search: Any,
    ) -> None:
        super().__init__(model, max_length, precision=precision, **search)
        self.index, self.encoding["options"] = index, options

    def documents(self, collection: Collection) -> "TokenVectors":
        """See `MultiVectorRetriever.documents`: the kept ones."""
        found: TokenVectors = self.index.vectors(collection.corpus)
        return found
