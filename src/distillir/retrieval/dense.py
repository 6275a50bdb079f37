"""Dense retrieval: nearest vectors of a model, exact by default."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.collections import Collection
from distillir.collections.run import Run, from_lists
from distillir.encoding.model_options import ModelOptions
from distillir.encoding.narrow import Stored, StoredVectors
from distillir.retrieval.opened import OpenedRetriever, QueryEncoder
from distillir.retrieval.retriever import QUERY_BLOCK
from distillir.retrieval.shared_search import share_places

if TYPE_CHECKING:
    from distillir.encoding.narrow_copies import ScanCopy
    from distillir.encoding.store import VectorStore

Vectors = npt.NDArray[np.float32]
METRICS = ("ip", "cosine")
#: A narrow copy is searched so many times as deep as lists are, where no other number is given.
RESCORE = 4


def search_vectors(
    query_vectors: Vectors,
    document_vectors: StoredVectors,
    query_rows: Rows | Sequence[int],
    depth: int,
    *,
    factory: str = "Flat",
    metric: str = "ip",
    search: str | None = None,
    name: str = "dense",
    cache: Path | None = None,
    scan: "ScanCopy | None" = None,
    rescore: int | None = None,
) -> Run:
    """Rank documents by the similarity of vectors.

    Args:
        query_vectors: [Q, D] float32, aligned with ``query_rows``.
        document_vectors: [N, D] float32 or narrow, one per document row; may be memory-mapped.
        query_rows: Query rows [Q] the run is about.
        depth: Documents per query at most.
        factory: ``Flat`` for exact search (`exact_search`), else a faiss factory string (`faiss_search`).
        metric: ``ip`` (inner product) or ``cosine``.
        search: faiss search parameters; see `faiss_search`.
        name: The run's name.
        cache: Where faiss indices are kept; see `faiss_search`.
        scan: A narrow copy of the vectors, which is searched in their place; what it finds is scored by the vectors.
        rescore: The copy, or the index of a factory, is searched so many times as deep, and the vectors order what it
            finds (default: `RESCORE` times with a copy; with a factory its own order and scores stay).

    Returns:
        The run; lists are shorter than ``depth`` where an approximate index finds fewer.

    Raises:
        DistillirError: Shapes that do not fit, an unknown metric or factory, or vectors that are not finite.
    """
    if metric not in METRICS:
        raise DistillirError(f"unknown metric {metric!r}", remedy=f"choose one of: {', '.join(METRICS)}")
    if query_vectors.shape != (len(query_rows), document_vectors.shape[1]):
        raise DistillirError(
            f"query vectors of shape {query_vectors.shape} for {len(query_rows)} queries and documents of "
            f"{document_vectors.shape[1]} dimensions",
            remedy="encode queries and documents with the same model",
        )
    cosine = metric == "cosine"
    if scan is not None:
        from distillir.retrieval.rescore import scan_and_rescore

        times = rescore or RESCORE
        rows, scores = scan_and_rescore(query_vectors, document_vectors, scan, depth, times, cosine=cosine)
    elif factory == "Flat":
        from distillir.retrieval.exact import exact_search

        if search:
            say(f"search: {search} does nothing with factory: Flat, which is exact")
        rows, scores = exact_search(query_vectors, document_vectors, depth, cosine=cosine)
    else:
        from distillir.retrieval.approximate import faiss_search

        options: dict[str, Any] = {"factory": factory, "cosine": cosine, "search": search, "cache": cache}
        rows, scores = faiss_search(query_vectors, document_vectors, depth * (rescore or 1), **options)
        if rescore is not None:
            from distillir.retrieval.rescore import rescore as by_vectors

            best = by_vectors(query_vectors, document_vectors, rows, depth, cosine=cosine)
            rows, scores = best.rows, best.scores
    return from_lists(query_rows, *_found(rows, scores), name)


def search_shared(query_vectors: Vectors, document_vectors: Any, query_rows: Rows, depth: int, **options: Any) -> Run:
    """`search_vectors`, whose queries the processes of a run share where all of them search, and search exactly.

    They are dealt out in the blocks in which one process multiplies them, so that scores are the same to the bit.
    """
    if options.get("factory", "Flat") != "Flat":
        return search_vectors(query_vectors, document_vectors, query_rows, depth, **options)
    return share_places(
        lambda places: search_vectors(query_vectors[places], document_vectors, query_rows[places], depth, **options),
        query_rows,
        QUERY_BLOCK,
    )


def _found(rows: Rows, scores: Scores) -> tuple[list[Rows], list[Scores]]:
    """Lists of rows [Q, K] without the places that faiss left empty (-1)."""
    return [r[r >= 0] for r in rows], [s[r >= 0] for r, s in zip(rows, scores, strict=True)]


class DenseRetriever:
    """Retrieval by a dense model; vectors are kept in the cache, so that the same corpus is encoded once.

    Args:
        model: A folder or name that SentenceTransformer loads.
        max_length: Tokens per text at most (default: the model's own).
        factory: As in `search_vectors`.
        search: As in `search_vectors`.
        precision: Of the encoder: ``auto``, ``float32`` or ``bf16``; see `distillir.encoding.precision`.
        prompts: What stands before texts; see `distillir.encoding.model_options.check_prompts`.
        trust_remote_code: Whether code that comes with the model may run.
        stored: Form of the documents' vectors on disk: ``float32``, ``float16`` or ``int8``.
        scan: Form of a copy of them that is searched in their place: ``float16`` or ``int8``; None: they themselves.
        rescore: As in `search_vectors`.
    """

    def __init__(
        self,
        model: str,
        max_length: int | None = None,
        factory: str = "Flat",
        search: str | None = None,
        precision: str = "auto",
        prompts: Mapping[str, Any] | None = None,
        trust_remote_code: bool = False,
        stored: Stored = "float32",
        scan: Stored | None = None,
        rescore: int | None = None,
    ) -> None:
        self.model, self.factory, self.parameters = model, factory, search
        self.stored, self.scan, self.rescore = stored, scan, rescore
        options = ModelOptions.of(prompts, trust_remote_code)
        self.encoding: dict[str, Any] = {"max_length": max_length, "precision": precision, "options": options}
        self.name = Path(model).name

    def search(self, collection: Collection, query_rows: Rows, depth: int) -> Run:
        """Rank the corpus for query rows [Q], at most ``depth`` documents each, by the model's own similarity.

        Raises:
            DistillirError: The model cannot be loaded, or compares vectors neither by dot product nor by cosine.
        """
        from distillir.encoding.model_files import similarity_name
        from distillir.encoding.narrow_copies import ScanCopy
        from distillir.encoding.vectors import encode_rows

        metric = {"dot": "ip", "cosine": "cosine"}[similarity_name(self.model)]
        documents = self._documents(collection)
        queries = encode_rows(self.model, collection.queries, query_rows, kind="query", **self.encoding)
        options: dict[str, Any] = {
            "factory": self.factory,
            "metric": metric,
            "search": self.parameters,
            "name": self.name,
            "scan": None if self.scan is None else ScanCopy(documents, self.scan),
            "rescore": self.rescore,
        }
        return search_shared(queries, documents.vectors, query_rows, depth, **options)

    def _documents(self, collection: Collection) -> "VectorStore":
        """The store of the corpus' vectors; those that it lacks are made."""
        from distillir.encoding.vectors import encode_into_store

        corpus = collection.corpus
        rows = np.arange(len(corpus), dtype=np.int64)
        return encode_into_store(self.model, corpus, rows, kind="document", stored=self.stored, **self.encoding)

    def opened(self, collection: Collection, first: OpenedRetriever | None = None) -> OpenedRetriever:
        """See `distillir.retrieval.opened.open_retriever`; exact, whatever the index is."""
        from distillir.encoding.model_files import similarity_name
        from distillir.retrieval.opened_vectors import OpenedVectors

        documents = self._documents(collection).vectors
        encoder = QueryEncoder("dense", self.model, self.encoding)
        return OpenedVectors(self.name, encoder, [documents], None, cosine=similarity_name(self.model) == "cosine")

    def why_nothing(self, collection: Collection, query_rows: Rows) -> str:
        """The likely reason why no query has a document."""
        return f"the index {self.factory} visits too few of its cells; raise search (nprobe=...), or leave factory out"
