"""The kind of a student whose documents are kept: dense, with a query encoder that is trained alone."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.students.dense.kind import DenseKind
from distillir.students.kept_documents.spec import DocumentsSpec
from distillir.students.kind import Candidates
from distillir.students.scale import own_rate

if TYPE_CHECKING:
    from distillir.base.arrays import Rows
    from distillir.collections import Collection
    from distillir.retrieval.retriever import Retriever
    from distillir.students.kept_documents.index import KeptIndex
    from distillir.students.spec import StudentSpec
    from distillir.students.student import Student

#: Times that the default method has a student see each text first: one cut from the documents' model, and any other
#: (ours; benchmarks/results/index_kept.md).
FIRST_OF_CUT, FIRST_OF_OTHERS = 1.0, 4.0
#: Learning rate at a width of 128, and the power by which it falls with the width (ours; the same file).
RATE, FALL = 1e-4, 1.5


class KeptDocumentsKind(DenseKind):
    """A dense student against an index that stays.

    Args:
        documents: A recipe's ``student.documents``.

    Attributes:
        spec: The same.
    """

    noun = "query encoder, with the documents' model beside it,"
    options = frozenset()
    encodes_documents = False
    #: Candidates cost a product: the whole list that was scored is learnt from.
    training: Mapping[str, Any] = MappingProxyType({"candidates_per_query": None})
    #: A step reads queries alone: larger ones spread the optimiser's cost. Few queries are soon learnt by heart.
    training_by_default: Mapping[str, Any] = MappingProxyType({"queries_per_step": 32, "epochs": 2.0})
    #: Where lists are learnt from slowly, vectors of a stage before them are not.
    first_rate = 10.0

    def __init__(self, documents: DocumentsSpec) -> None:
        self.spec = documents
        self.sources = ("bm25", "dense") if documents.dense is not None else ("bm25",)

    @cached_property
    def index(self) -> "KeptIndex":
        """The document vectors."""
        from distillir.students.kept_documents.named_index import index_of

        return index_of(self.spec)

    # The model.

    def start(self, name: str, *, device: str | None = None, options: ModelOptions = PLAIN) -> Any:
        """See `StudentKind.start`; of a saved student its query encoder alone."""
        from distillir.students.kept_documents.query_encoder import load_query_encoder, query_part

        self.refuse_others(query_part(name))
        return load_query_encoder(name, self.index, device=device, options=options)

    def ready(
        self, model: str, collection: "Collection", queries: "Callable[[], Rows]", seed: int
    ) -> "Callable[[Any], Any]":
        """See `StudentKind.ready`: a projection to the documents' vectors."""
        from distillir.students.kept_documents.ready import ready

        return ready(self.index, self.spec.projection, model, collection, queries(), seed)

    def roughly_ready(self, model: str) -> "Callable[[Any], Any]":
        """See `StudentKind.roughly_ready`."""
        from distillir.students.kept_documents.ready import roughly

        return roughly(self.index, self.spec.projection, model)

    def rehearse(self, model: Any) -> Any:
        """See `StudentKind.rehearse`: against vectors of that width that are drawn."""
        from distillir.students.kept_documents.drawn_index import DrawnIndex
        from distillir.students.loaded import mark

        kind = KeptDocumentsKind(self.spec)
        kind.index = DrawnIndex(self.index.similarity, int(model.get_embedding_dimension()))
        return mark(model, kind)

    def save(self, model: Any, folder: Path, *, last: bool) -> None:
        """See `StudentKind.save`; at the end of a training with the documents' model beside it."""
        from distillir.students.kept_documents.query_encoder import save_beside_index

        if last:
            save_beside_index(model, self.index, folder)
        else:
            super().save(model, folder, last=False)

    def student(self, model: Any) -> "Student":
        """See `StudentKind.student`."""
        from distillir.students.kept_documents.student import KeptDocumentsStudent

        return KeptDocumentsStudent(model, self.index)

    def finite(self, model: Any, texts: Sequence[str]) -> bool:
        """See `StudentKind.finite`; of texts as queries."""
        import torch

        return bool(torch.isfinite(model.encode_query(list(texts), convert_to_tensor=True)).all())

    def document_reader(self, student: Any) -> Any:
        """See `StudentKind.document_reader`: the documents' model."""
        from distillir.students.kept_documents.model_index import ModelIndex

        assert isinstance(self.index, ModelIndex)
        return self.index.load()

    # The recipe.

    def cosines(self, model: str | Path) -> bool:
        """See `StudentKind.cosines`."""
        return self.index.similarity == "cosine"

    def rate(self, model: str | Path) -> float:
        """See `StudentKind.rate`: lower than where documents learn: queries alone are soon learnt by heart."""
        return own_rate(model, RATE, FALL)

    def kept(self) -> dict[str, str]:
        """See `StudentKind.kept`."""
        return {f"kept vectors of {self.index.name}": self.index.fingerprint}

    def query_encoder(self, model: str) -> str:
        """See `StudentKind.query_encoder`; a student whose queries fit other vectors is refused."""
        from distillir.students.kept_documents.query_encoder import check_fits

        check_fits(model, self.index)
        return _part(model)

    # Measuring.

    def source_of(self, model: str | None, *, initial: str, trust_remote_code: bool = False) -> Any:
        """See `StudentKind.source_of`: the documents' model; of a later round, and without one, the student."""
        from distillir.retrieval.dense import DenseRetriever
        from distillir.students.kept_documents.retriever import KeptRetriever

        def make(options: Any) -> "Retriever":
            given = options.written()
            if model is None and self.spec.dense is not None:
                return DenseRetriever(**{**given, **self.spec.dense.written()})
            own = ModelOptions(trust_remote_code=trust_remote_code)
            wanted = {name: given[name] for name in ("max_length", "precision", "factory", "search") if name in given}
            return KeptRetriever(self.index, _part(model or initial), options=own, **wanted)

        return make

    def retriever(
        self,
        model: str,
        *,
        max_length: int | None = None,
        precision: str = "float32",
        trust_remote_code: bool = False,
        candidates: Candidates | None = None,
    ) -> "Retriever":
        """See `StudentKind.retriever`: the kept vectors are searched, exactly."""
        from distillir.students.kept_documents.query_encoder import check_fits
        from distillir.students.kept_documents.retriever import KeptRetriever

        check_fits(model, self.index)
        options = ModelOptions(trust_remote_code=trust_remote_code)
        return KeptRetriever(self.index, _part(model), max_length, precision, options)

    def size(self, model: str, collection: "Collection", query_rows: "Rows", **options: Any) -> dict[str, Any]:
        """See `StudentKind.size`; of a document what is kept of it."""
        found = super().size(_part(model), collection, query_rows, **options)
        kept = self.index.vectors(collection.corpus)
        return {**found, "bytes_per_document": kept.shape[1] * kept.itemsize}

    def follows_first(self, student: "StudentSpec") -> float | None:
        """See `StudentKind.follows_first`: the documents' model itself, whole, has nothing to follow."""
        if self.spec.dense is None or student.model != self.spec.dense.model:
            return FIRST_OF_OTHERS
        return None if student.layers is None else FIRST_OF_CUT

    @property
    def index_kept(self) -> "KeptIndex":
        """See `StudentKind.index_kept`."""
        return self.index

    @property
    def documents_model(self) -> dict[str, Any] | None:
        """See `StudentKind.documents_model`."""
        return None if self.spec.dense is None else self.spec.dense.written()

    def reference(self, *, precision: str = "float32") -> "Retriever | None":
        """See `StudentKind.reference`."""
        from distillir.students.kept_documents.model_index import ModelIndex
        from distillir.students.kept_documents.retriever import KeptRetriever

        index = self.index
        if not isinstance(index, ModelIndex):
            return None
        return KeptRetriever(index, index.model, index.spec.max_length, precision, index.options)

    def kept_facts(self, collection: "Collection") -> dict[str, Any] | None:
        """See `StudentKind.kept_facts`."""
        kept = self.index.vectors(collection.corpus)
        documents, width = kept.shape
        return {
            "name": self.index.name,
            "documents": documents,
            "width": width,
            "bytes": documents * width * kept.itemsize,
            "similarity": self.index.similarity,
        }

    def query_encoders(self, model: str) -> dict[str, Callable[[], Any]]:
        """See `StudentKind.query_encoders`."""
        from distillir.students.kept_documents.model_index import ModelIndex

        index = self.index
        found: dict[str, Callable[[], Any]] = {"student": lambda: self.start(model, device="cpu")}
        if isinstance(index, ModelIndex):
            found["documents"] = index.load
        return found

    def usage(self) -> str:
        """See `StudentKind.usage`."""
        return _USAGE if self.spec.dense is not None else _USAGE_ALONE


def _part(model: str) -> str:
    from distillir.students.kept_documents.query_encoder import query_part

    return query_part(model)


_USAGE = """from sentence_transformers import SentenceTransformer

model = SentenceTransformer("path/to/this/folder")      # queries take the small encoder, documents their own model
queries = model.encode_query(["..."])
documents = model.encode_document(["..."])              # the vectors that the index holds already
print(model.similarity(queries, documents))

small = SentenceTransformer("path/to/this/folder/query-encoder")     # the query encoder by itself
queries = small.encode_query(["..."])
"""
_USAGE_ALONE = """from sentence_transformers import SentenceTransformer

model = SentenceTransformer("path/to/this/folder")
queries = model.encode_query(["..."])   # encode_document is refused: the vectors were made elsewhere
"""
