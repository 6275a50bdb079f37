"""Base of the kinds of student that read query and document together: they rank candidates that others find."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from distillir.base.errors import DistillirError
from distillir.students.kind import Candidates, StudentKind

if TYPE_CHECKING:
    from distillir.base.arrays import Rows, Scores
    from distillir.collections import Collection
    from distillir.collections.run import Run
    from distillir.retrieval.opened import OpenedRetriever
    from distillir.retrieval.retriever import Retriever

#: Candidates that are ranked of one query while a person waits.
RANKED_AT_ONCE = 20
#: Scores [N] of pairs of a query's and a document's text.
Scorer = Callable[[Sequence[tuple[str, str]]], npt.NDArray[np.float32]]


class PairKind(StudentKind):
    """A kind without encodings. Each score costs a pass of the model, so that it searches no corpus."""

    model_kind = "cross-encoder"
    loader = "CrossEncoder"
    noun = "reranker"
    task = "text-ranking"
    gives = "scores"
    searches = False
    no_in_batch = (
        "the student reads query and document together, and would have to read each query beside the documents of all "
        "other lists"
    )
    training: Mapping[str, Any] = {"in_batch": False}

    @abstractmethod
    def scorer(
        self, model: Any, *, max_length: int | None = None, precision: str = "float32", trust_remote_code: bool = False
    ) -> Scorer:
        """The scorer of pairs by a model.

        Args:
            model: A folder, or a model that is loaded.
            max_length: Tokens of a pair at most; None: the model's own.
            precision: What it computes in.
            trust_remote_code: Whether code that comes with the model may run.
        """

    def layers_refusal(self, model: str) -> DistillirError | None:
        """See `StudentKind.layers_refusal`: a kind must say itself how its layers score."""
        return DistillirError(
            f"layers of {self.name} students give no scores by themselves", where=model, remedy="take layers out"
        )

    def finite(self, model: Any, texts: Sequence[str]) -> bool:
        """See `StudentKind.finite`; each text stands for a query and a document."""
        return bool(np.isfinite(self.scorer(model)([(text, text) for text in texts])).all())

    def retriever(
        self,
        model: str,
        *,
        max_length: int | None = None,
        precision: str = "float32",
        trust_remote_code: bool = False,
        candidates: Candidates | None = None,
    ) -> "Retriever":
        """See `StudentKind.retriever`."""
        if candidates is None:
            raise DistillirError(f"ranks candidates, as all {self.name} students, and there are none", where=model)
        load = partial(
            self.scorer, model, max_length=max_length, precision=precision, trust_remote_code=trust_remote_code
        )
        return Reranker(Path(model).name, load, candidates)

    def size(self, model: str, collection: "Collection", query_rows: "Rows", **options: Any) -> dict[str, Any]:
        """See `StudentKind.size`; there is no index."""
        return {}

    def usage(self) -> str:
        """See `StudentKind.usage`."""
        return _USAGE.format(loader=self.loader)


_USAGE = """from sentence_transformers import {loader}

model = {loader}("path/to/this/folder")
print(model.rank("...", ["...", "..."]))
"""


class Reranker:
    """Candidates of queries in the order of a model's scores; see `distillir.retrieval.retriever.Retriever`.

    Args:
        name: For run names and people.
        load: Loads what scores pairs; called once, when there is something to rank.
        candidates: Finds what is ranked.
    """

    def __init__(self, name: str, load: Callable[[], Scorer], candidates: Candidates) -> None:
        self.name, self.load, self.candidates = name, load, candidates

    def opened(self, collection: "Collection", first: "OpenedRetriever | None" = None) -> "OpenedRetriever":
        """See `distillir.retrieval.opened.open_retriever`; candidates are those of ``first``.

        Raises:
            DistillirError: There is no first stage.
        """
        if first is None:
            raise DistillirError("ranks candidates, and nothing finds them", where=self.name)
        return OpenedReranker(self.name, self.load(), collection, first)

    def search(self, collection: "Collection", query_rows: "Rows", depth: int) -> "Run":
        """Rank the best ``depth`` candidates of each query; ties are broken by document row, ascending."""
        from distillir.retrieval.shared_search import share_places

        found = self.candidates(collection, query_rows).select(query_rows.tolist()).top(depth)
        return share_places(lambda places: self._ranked(collection, query_rows[places], found, places), query_rows)

    def _ranked(self, collection: "Collection", query_rows: "Rows", found: "Run", places: "Rows") -> "Run":
        """Rank the candidates of the queries at some places of ``found``."""
        from distillir.base.progress import progress
        from distillir.collections.run import from_lists

        score = self.load()
        lists: list[Rows] = []
        values = []
        with progress(f"Rank candidates by {self.name}", len(places)) as advance:
            for query, place in zip(query_rows.tolist(), places.tolist(), strict=True):
                rows = found.of(place)[0]
                text = collection.queries.text(query)
                pairs = [(text, document) for document in collection.corpus.texts(rows.tolist())]
                scores = score(pairs) if pairs else np.empty(0, dtype=np.float32)
                order = np.lexsort((rows, -scores))
                lists.append(rows[order])
                values.append(scores[order])
                advance(1)
        return from_lists(query_rows, lists, values, self.name)


class OpenedReranker:
    """A model that ranks the candidates of an opened first stage.

    Args:
        name: For people.
        score: Scores pairs.
        collection: Where the documents' texts are.
        first: Finds the candidates.
    """

    def __init__(self, name: str, score: Scorer, collection: "Collection", first: "OpenedRetriever") -> None:
        self.name, self._score, self._collection, self._first = name, score, collection, first
        self._lock = Lock()

    def search_text(self, text: str, depth: int) -> "tuple[Rows, Scores]":
        """Rank the first `RANKED_AT_ONCE` candidates, or ``depth`` where that is more; ties by row ascending."""
        rows, _ = self._first.search_text(text, max(depth, RANKED_AT_ONCE))
        if not len(rows):
            return rows, np.empty(0, dtype=np.float32)
        pairs = [(text, document) for document in self._collection.corpus.texts(rows.tolist())]
        with self._lock:  # fast tokenizers are no two threads' at once
            scores = self._score(pairs)
        order = np.lexsort((rows, -scores))[:depth]
        return rows[order], scores[order]
