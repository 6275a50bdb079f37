"""Base of the kinds of student whose documents are kept: a query encoder that is trained alone."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.students.kept_documents.spec import DocumentsSpec
from distillir.students.kind import Candidates
from distillir.students.scale import own_rate
from distillir.students.vector_kind import VectorKind, all_finite

if TYPE_CHECKING:
    from distillir.collections import Collection
    from distillir.retrieval.retriever import Retriever
    from distillir.students.kept_documents.index import KeptIndex

#: Learning rate at a width of 128, and the power by which it falls with the width (ours;
#: benchmarks/results/index_kept.md).
RATE, FALL = 1e-4, 1.5


class KeptKind(VectorKind):
    """A student against an index that stays; what documents are kept as, the kinds below say.

    Args:
        documents: A recipe's ``student.documents``.

    Attributes:
        spec: The same.
        search_options: Options of a source of its `model_kind` that also hold where kept documents are searched.
    """

    noun = "query encoder, with the documents' model beside it,"
    options: frozenset[str] = frozenset()
    encodes_documents = False
    #: Candidates cost a product: the whole list that was scored is learnt from.
    training: Mapping[str, Any] = MappingProxyType({"candidates_per_query": None})
    #: A step reads queries alone: larger ones spread the optimiser's cost. Few queries are soon learnt by heart.
    training_by_default: Mapping[str, Any] = MappingProxyType({"queries_per_step": 32, "epochs": 2.0})
    search_options: tuple[str, ...] = ()

    def __init__(self, documents: DocumentsSpec) -> None:
        self.spec = documents

    @cached_property
    def index(self) -> "KeptIndex":
        """The index that is kept."""
        from distillir.students.kept_documents.named_index import index_of

        return index_of(self.spec)

    @abstractmethod
    def load(self, name: str, device: str | None, options: ModelOptions) -> Any:
        """Load or make a query encoder of the kind; see `StudentKind.start`."""

    @abstractmethod
    def drawn(self, model: Any) -> "KeptIndex":
        """An index of random numbers that fits a query encoder, to be timed."""

    @abstractmethod
    def search_kept(
        self, model: str, max_length: int | None, precision: str, options: ModelOptions, **search: Any
    ) -> "Retriever":
        """The ranker of kept documents by a query encoder.

        Args:
            model: The query encoder's folder or name.
            max_length: Tokens of a query at most; None: the model's own.
            precision: What it computes in.
            options: How it is loaded.
            search: Those of `search_options` that a source has.
        """

    # The model.

    def start(self, name: str, *, device: str | None = None, options: ModelOptions = PLAIN) -> Any:
        """See `StudentKind.start`; of a saved student its query encoder alone."""
        from distillir.students.kept_documents.query_encoder import as_query_encoder, query_part

        return as_query_encoder(self.load(query_part(name), device, options), name, self.index)

    def rehearse(self, model: Any) -> Any:
        """See `StudentKind.rehearse`: against documents that are drawn."""
        from distillir.students.loaded import mark

        kind = type(self)(self.spec)
        kind.index = self.drawn(model)
        return mark(model, kind)

    def save(self, model: Any, folder: Path, *, last: bool) -> None:
        """See `StudentKind.save`; at the end of a training with the documents' model beside it."""
        from distillir.students.kept_documents.query_encoder import save_beside_index

        if last:
            save_beside_index(model, self.index, folder)
        else:
            super().save(model, folder, last=False)

    def finite(self, model: Any, texts: Sequence[str]) -> bool:
        """See `StudentKind.finite`; of texts as queries."""
        return all_finite(model.encode_query(list(texts), show_progress_bar=False))

    def document_reader(self, student: Any) -> Any:
        """See `StudentKind.document_reader`: the documents' model."""
        from distillir.students.kept_documents.model_index import ModelIndex

        assert isinstance(self.index, ModelIndex)
        return self.index.load()

    # The recipe.

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
        return part_of(model)

    # Measuring.

    def source_of(self, model: str | None, *, initial: str, trust_remote_code: bool = False) -> Any:
        """See `StudentKind.source_of`: the documents' model; of a later round, and without one, the student."""
        from distillir.retrieval.sources import load_retriever

        def make(options: Any) -> "Retriever":
            given = options.written()
            if model is None and self.spec.encoder is not None:
                form = {} if self.spec.stored == "float32" else {"stored": self.spec.stored}
                return load_retriever({self.model_kind: {**given, **self.spec.encoder.written(), **form}})
            own = ModelOptions(trust_remote_code=trust_remote_code)
            search = {name: given[name] for name in self.search_options if name in given}
            precision = given.get("precision", "auto")
            return self.search_kept(part_of(model or initial), given.get("max_length"), precision, own, **search)

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
        """See `StudentKind.retriever`: what is kept is searched."""
        from distillir.students.kept_documents.query_encoder import check_fits

        check_fits(model, self.index)
        options = ModelOptions(trust_remote_code=trust_remote_code)
        return self.search_kept(part_of(model), max_length, precision, options)

    @property
    def index_kept(self) -> "KeptIndex":
        """See `StudentKind.index_kept`."""
        return self.index

    @property
    def documents_model(self) -> dict[str, Any] | None:
        """See `StudentKind.documents_model`."""
        return None if self.spec.encoder is None else self.spec.encoder.written()

    def reference(self, *, precision: str = "float32") -> "Retriever | None":
        """See `StudentKind.reference`."""
        from distillir.students.kept_documents.model_index import ModelIndex

        index = self.index
        if not isinstance(index, ModelIndex):
            return None
        return self.search_kept(index.model, index.spec.max_length, precision, index.options)

    def kept_facts(self, collection: "Collection") -> dict[str, Any] | None:
        """See `StudentKind.kept_facts`."""
        return self.index.facts(collection.corpus)

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
        return (_USAGE if self.spec.encoder is not None else _USAGE_ALONE).format(loader=self.loader)


def part_of(model: str) -> str:
    """See `distillir.students.kept_documents.query_encoder.query_part`, which loads torch."""
    from distillir.students.kept_documents.query_encoder import query_part

    return query_part(model)


_USAGE = """from sentence_transformers import {loader}

model = {loader}("path/to/this/folder")      # queries take the small encoder, documents their own model
queries = model.encode_query(["..."])
documents = model.encode_document(["..."])              # the vectors that the index holds already
print(model.similarity(queries, documents))

small = {loader}("path/to/this/folder/query-encoder")     # the query encoder by itself
queries = small.encode_query(["..."])
"""
_USAGE_ALONE = """from sentence_transformers import {loader}

model = {loader}("path/to/this/folder")
queries = model.encode_query(["..."])   # encode_document is refused: the vectors were made elsewhere
"""
