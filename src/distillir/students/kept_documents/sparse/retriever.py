"""Search of kept weights of words by a query encoder."""

from typing import TYPE_CHECKING, Any

from distillir.collections import Collection
from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.retrieval.sparse import SparseRetriever

if TYPE_CHECKING:
    from distillir.students.kept_documents.sparse.index import WordsIndex


class KeptWordsRetriever(SparseRetriever):
    """An inverted index of kept weights of words; no document is encoded that the index has.

    Args:
        index: The documents' weights of words.
        model: The query encoder's folder or name.
        max_length: Tokens of a query at most; None: the model's own.
        precision: Of the query encoder.
        options: How it is loaded.
    """

    def __init__(
        self,
        index: "WordsIndex",
        model: str,
        max_length: int | None = None,
        precision: str = "auto",
        options: ModelOptions = PLAIN,
    ) -> None:
        super().__init__(model, max_length, precision)
        self.index, self.encoding["options"] = index, options

    def documents(self, collection: Collection) -> Any:
        """See `SparseRetriever.documents`: the kept ones."""
        return self.index.matrix(collection.corpus)
