"""Qdrant: a server by its address, or the client's own local mode, which compares all documents one by one."""

import os
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from pydantic import Field

from distillir.base.arrays import Rows
from distillir.base.environment import short_line
from distillir.base.errors import DistillirError
from distillir.base.lock import locked
from distillir.base.output_folder import make_output
from distillir.base.progress import say
from distillir.engines.engine import FUSED_DEPTH, FUSED_K, DocumentBatch, Engine, EngineKind, IndexPlace, Layout
from distillir.engines.needed import needed_library
from distillir.engines.words import check_stemmer, document_weights, query_weights
from distillir.specs.part import Count, Number, Options, Word

API_KEY = "DISTILLIR_QDRANT_API_KEY"
_VECTOR, _WORDS, _RECORD = "vector", "words", "distillir"
_PAGE = 10_000
#: The client warns of larger collections in its local mode.
_LOCAL = 20_000


class QdrantOptions(Options):
    """Options of Qdrant."""

    m: Count = Field(16, description="neighbours of a document in the HNSW graph")
    ef_construct: Count = Field(128, description="candidates while the graph is made")
    ef_search: Count = Field(300, description="candidates that a search keeps (hnsw_ef)")
    language: Word = Field("english", description="of the stemmer of the search by words (Snowball)")
    oversampling: Number = Field(
        4.0, description="int8, binary: so many times as many are compared by their whole vectors", ge=1.0
    )


class QdrantEngine(Engine):
    """A collection of Qdrant, with its record among the collection's metadata.

    Args:
        options: See `QdrantOptions`.
        place: Where.
        layout: What it holds.
    """

    def __init__(self, options: QdrantOptions, place: IndexPlace, layout: Layout) -> None:
        library = needed_library("qdrant_client", "qdrant")
        self._models = library.models
        self._options, self._layout, self._place = options, layout, place
        self._local = place.address is None
        check_stemmer(options.language, "--set language")
        where = place.folder if self._local else place.address
        self.place = f"{where}, collection {place.table}"
        if self._local and layout.precision != "float32":
            raise DistillirError(
                f"Qdrant's local mode keeps float32 numbers, and not {layout.precision}",
                where="--precision",
                remedy="give --address of a server, or leave --precision out",
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._client = self._open(library)

    def _open(self, library: Any) -> Any:
        if not self._local:
            client = library.QdrantClient(
                url=self._place.address, api_key=os.environ.get(API_KEY) or None, timeout=120, check_compatibility=False
            )
            try:
                self.version = f"Qdrant {client.info().version}"
            except Exception as error:
                raise DistillirError(
                    f"no Qdrant answers ({type(error).__name__}: {short_line(str(error))})",
                    where=str(self._place.address),
                    remedy=f"check the address, and {API_KEY} where the server wants a key",
                ) from None
            return client
        from importlib.metadata import version

        make_output(self._place.folder)
        self.version = f"qdrant-client {version('qdrant-client')}, local mode"
        try:
            return library.QdrantClient(path=str(self._place.folder))
        except RuntimeError as error:
            raise DistillirError(
                f"another command uses this folder ({short_line(str(error))})",
                where=self._place.folder,
                remedy="wait until it has ended, or choose another --output",
            ) from None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """See `Engine.lock`: of a server's collection for commands with the same output folder alone."""
        with locked(self._place.folder, beside=True):
            yield

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell in one line what the server refuses; the local mode raises what Python does."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except Exception as error:
            if self._local or isinstance(error, DistillirError):
                raise
            raise DistillirError(
                f"Qdrant refuses ({type(error).__name__}: {short_line(str(error))})",
                where=self.place,
                remedy="mend that, and run the same command again: it goes on where it stopped",
            ) from error

    def record(self) -> dict[str, Any] | None:
        """See `Engine.record`."""
        with self._told():
            if not self._client.collection_exists(self._place.table):
                return None
            metadata = self._client.get_collection(self._place.table).config.metadata or {}
        return dict(metadata.get(_RECORD) or {})

    def create(self, record: Mapping[str, Any]) -> None:
        """See `Engine.create`."""
        if self._local and self._layout.documents > _LOCAL:
            say(f"Qdrant's local mode is made for up to {_LOCAL} documents: a server is quicker (--address)")
        models, layout = self._models, self._layout
        vectors: dict[str, Any] = {}
        if layout.encoding != "sparse":
            vectors = {_VECTOR: self._vector_params()}
        sparse = {_VECTOR: models.SparseVectorParams()} if layout.encoding == "sparse" else {}
        if layout.words:
            sparse[_WORDS] = models.SparseVectorParams(modifier=models.Modifier.IDF)
        with self._told():
            self._client.create_collection(
                self._place.table,
                vectors_config=vectors,
                sparse_vectors_config=sparse or None,
                quantization_config=self._quantization(),
                metadata={_RECORD: dict(record)},
            )

    def _vector_params(self) -> Any:
        models, layout = self._models, self._layout
        several = layout.encoding == "multi-vector"
        cosine = layout.similarity == "cosine" and not several  # MaxSim is a sum of products
        return models.VectorParams(
            size=layout.width,
            distance=models.Distance.COSINE if cosine else models.Distance.DOT,
            datatype=models.Datatype.FLOAT16 if layout.precision == "float16" else None,
            multivector_config=models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
            if several
            else None,
            hnsw_config=models.HnswConfigDiff(m=self._options.m, ef_construct=self._options.ef_construct),
        )

    def _quantization(self) -> Any:
        models = self._models
        if self._layout.precision == "int8":
            scalar = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
            return models.ScalarQuantization(scalar=scalar)
        if self._layout.precision == "binary":
            return models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True))
        return None

    def drop(self) -> None:
        """See `Engine.drop`."""
        with self._told():
            self._client.delete_collection(self._place.table)

    def numbers(self) -> Rows:
        """See `Engine.numbers`."""
        found: list[int] = []
        page = None
        with self._told():
            while True:
                points, page = self._client.scroll(
                    self._place.table, limit=_PAGE, offset=page, with_payload=False, with_vectors=False
                )
                found += [int(point.id) for point in points]
                if page is None:
                    return np.asarray(found, dtype=np.int64)

    def add(self, batch: DocumentBatch) -> None:
        """See `Engine.add`: points are overwritten by themselves, so that half a batch does no harm."""
        texts = list(zip(batch.ids, batch.titles, batch.texts, strict=True))
        vectors = {_VECTOR: [self._asked(batch.vectors[place]) for place in range(len(texts))]}
        if self._layout.words:
            language = self._options.language
            vectors[_WORDS] = [self._sparse(document_weights(f"{title} {text}", language)) for _, title, text in texts]
        points = self._models.Batch(
            ids=batch.numbers.tolist(),
            payloads=[{"id": name, "title": title, "text": text} for name, title, text in texts],
            vectors=vectors,
        )
        with self._told():
            self._client.upsert(self._place.table, points, wait=True)

    def _asked(self, vector: Any) -> Any:
        """An encoding as the client takes it."""
        if self._layout.encoding == "sparse":
            return self._models.SparseVector(indices=vector.indices.tolist(), values=vector.data.astype(float).tolist())
        return np.asarray(vector, dtype=np.float32).tolist()

    def _sparse(self, weights: Mapping[int, float]) -> Any:
        return self._models.SparseVector(indices=list(weights), values=list(weights.values()))

    def finish(self) -> str:
        """See `Engine.finish`: a server makes its index by itself, and is waited for."""
        if self._local:
            return "exact, in local mode"
        options, waited = self._options, 0.0
        with self._told():
            while self._client.get_collection(self._place.table).status == self._models.CollectionStatus.YELLOW:
                if waited == 0:
                    say("Qdrant makes its index")
                time.sleep(0.5)
                waited += 0.5
        if self._layout.encoding == "sparse":
            return "inverted index"
        more = f", oversampling {options.oversampling}" if self._quantization() is not None else ""
        return f"HNSW (m {options.m}, ef_construct {options.ef_construct}, ef_search {options.ef_search}{more})"

    def search(self, vector: Any, depth: int) -> list[str]:
        """See `Engine.search`."""
        if self._layout.encoding == "sparse" and not vector.nnz:
            return []
        asked = self._asked(vector)
        return self._ids(query=asked, using=_VECTOR, limit=depth, search_params=self._search_params())

    def hybrid(self, vector: Any, text: str, depth: int) -> list[str]:
        """See `Engine.hybrid`: BM25 by weights of words that are kept (`distillir.engines.words`), fused by Qdrant."""
        models = self._models
        words = self._sparse(query_weights(text, self._options.language))
        sides = [
            models.Prefetch(query=self._asked(vector), using=_VECTOR, limit=FUSED_DEPTH, params=self._search_params())
        ]
        if words.indices:
            sides.append(models.Prefetch(query=words, using=_WORDS, limit=FUSED_DEPTH))
        return self._ids(prefetch=sides, query=models.RrfQuery(rrf=models.Rrf(k=FUSED_K)), limit=depth)

    def _search_params(self) -> Any:
        models, options = self._models, self._options
        whole = models.QuantizationSearchParams(rescore=True, oversampling=options.oversampling)
        quantized = whole if self._quantization() is not None else None
        return models.SearchParams(hnsw_ef=options.ef_search, quantization=quantized)

    def _ids(self, **asked: Any) -> list[str]:
        with self._told():
            found = self._client.query_points(self._place.table, with_payload=True, **asked)
        return [point.payload["id"] for point in found.points]

    def close(self) -> None:
        """See `Engine.close`."""
        self._client.close()


QDRANT = EngineKind(
    "qdrant",
    "Qdrant: a server by --address, or the client's local mode; dense, sparse and multi-vector (extra: qdrant)",
    QdrantOptions,
    open=QdrantEngine,
    holds={
        "dense": ("float32", "float16", "int8", "binary"),
        "sparse": ("float32",),
        "multi-vector": ("float32", "float16", "int8", "binary"),
    },
    words="BM25",
    words_in_rows=True,
    server=True,
    credentials=API_KEY,
    batch=256,
)
