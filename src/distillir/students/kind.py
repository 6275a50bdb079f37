"""A kind of student: everything that the rest of the package asks about one, so that no other file names it.

Kinds are light. Recipes are checked by them, so torch is imported only where a model is loaded.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from distillir.base.errors import DistillirError
from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.specs.part import Options
from distillir.students.scale import COSINE_TEMPERATURE, own_rate

if TYPE_CHECKING:
    from distillir.base.arrays import Rows
    from distillir.collections import Collection
    from distillir.collections.run import Run
    from distillir.retrieval.retriever import Retriever
    from distillir.students.kept_documents.index import KeptIndex
    from distillir.students.spec import StudentSpec
    from distillir.students.student import Student

#: What a retriever of `StudentKind.retriever` calls for candidates, where its kind ranks nothing else.
Candidates = Callable[["Collection", "Rows"], "Run"]


class StudentParts(Protocol):
    """A recipe's ``student`` (`distillir.students.spec.StudentSpec`) as kinds know it."""

    @property
    def flops(self) -> Any:
        """The FLOPS regulariser as it is written; None: the published one."""


class StudentKind(ABC):
    """A kind of student, as a recipe's ``student.kind`` names it.

    `distillir.students.vector_kind.VectorKind` has what kinds share that encode texts apart, and
    `distillir.students.pair_kind.PairKind` what those share that read query and document together.

    Attributes:
        name: As recipes write it.
        description: One line for ``distillir list``.
        model_kind: What its saved folder is to sources, teachers and whoever reads a model's files: ``dense``,
            ``multi-vector``, ``sparse`` or ``cross-encoder``.
        loader: The class of sentence-transformers that loads its folder.
        elsewhere: What else reads its folder, where not everything does.
        noun: What a trained one is, for its card.
        task: The card's ``pipeline_tag``.
        gives: What it gives, for messages.
        options: Of `distillir.students.spec.OPTIONS` those that it has: towers and regularisers that not all kinds do.
        own_options: Form of options of its own, which stand in a recipe's ``student`` beside the others; None: it has
            none. No key may be one that every student has.
        given: Those options of the recipe, checked, in a kind that `with_options` made; None where nothing gave any.
        sources: Sources of candidates of a recipe that names none.
        searches: Whether it searches a corpus. Otherwise it ranks candidates that others find: it is measured on the
            candidates of the evaluation queries, and cannot be a source of candidates.
        cosine_scale: Whether a score is one cosine as a rule, so that temperatures published for cosines hold.
        pooled: Whether a text's vector is pooled of its last states, so that layers' pooling may be another.
        encodes_documents: Whether it encodes documents itself; otherwise their vectors are kept.
        first_rate: Rate of a stage of vectors before a method's own, as a multiple of that method's.
        no_in_batch: Why the documents of a batch's other lists cannot join a list; None where they can.
        no_objectives: Objectives that it cannot be trained by, each with the reason.
        training: Settings of the recipe's ``training`` that hold where the recipe is silent, whatever the method says.
        training_by_default: The same with the default method (``auto``) alone.
    """

    name: str
    description: str
    model_kind: str
    loader: str
    elsewhere: str = ""
    noun: str = "retriever"
    task: str = "sentence-similarity"
    gives: str = "vectors"
    options: frozenset[str] = frozenset()
    own_options: type[Options] | None = None
    given: Any = None
    sources: tuple[str, ...] = ("bm25",)
    searches: bool = True
    cosine_scale: bool = False
    pooled: bool = False
    encodes_documents: bool = True
    first_rate: float = 2.0
    no_in_batch: str | None = None
    no_objectives: Mapping[str, str] = {}
    training: Mapping[str, Any] = {}
    training_by_default: Mapping[str, Any] = {}

    # The model.

    @abstractmethod
    def owns(self, model: Any) -> bool:
        """Tell whether a loaded model is of this kind, by its class."""

    @abstractmethod
    def start(self, name: str, *, device: str | None = None, options: ModelOptions = PLAIN) -> Any:
        """Load a model of this kind, or make one of a model of another.

        Args:
            name: As in `distillir.students.load.load_student`, like the others.
            device: See there.
            options: See there.

        Raises:
            DistillirError: It cannot be loaded, or nothing of this kind can be made of it.
        """

    def slim(self, model: Any, layers: int) -> None:
        """Keep so many evenly spaced layers, in place.

        Raises:
            DistillirError: The model has fewer layers, or no list of layers was found in it.
        """
        from distillir.students.slim import slim

        slim(model, layers)

    def with_towers(self, model: Any, towers: str) -> Any:
        """The model with towers of a kind that `options` names; ``shared`` towers are the model as it is.

        Raises:
            DistillirError: This kind has no such towers, or the model has separate ones already.
        """
        if towers == "shared":
            return model
        raise DistillirError(f"{self.name} students have no {towers} towers", where="student.towers")

    def ready(
        self, model: str, collection: "Collection", queries: "Callable[[], Rows]", seed: int
    ) -> Callable[[Any], Any] | None:
        """Gather what makes a loaded model ready to be trained on a collection; all processes together.

        Args:
            model: What it starts from, as a recipe names it.
            collection: Where the texts are.
            queries: Gives the rows of the queries that are learnt from.
            seed: Of what is drawn.

        Returns:
            A function of process 0, from the loaded model to what is trained; None where they are the same.
        """
        return None

    def roughly_ready(self, model: str) -> Callable[[Any], Any] | None:
        """Prepare as `ready` does, in no time: something of the same shape, to be timed and not kept."""
        return None

    def rehearse(self, model: Any) -> Any:
        """The model as a dry run times it: nothing is encoded for it that a run would keep."""
        return model

    def save(self, model: Any, folder: Path, *, last: bool) -> None:
        """Write a model into a folder that is there.

        Args:
            model: As it was loaded.
            folder: For what its library loads.
            last: Whether it is what a training ends with, and no state on the way.
        """
        from distillir.encoding.saving import save_model

        save_model(model, folder, create_model_card=False)

    def document_reader(self, student: Any) -> Any:
        """The model that reads documents, given a loaded student."""
        return student

    @abstractmethod
    def student(self, model: Any) -> "Student":
        """Make the student that training works with of a model."""

    def layers_refusal(self, model: str) -> DistillirError | None:
        """The reason why a model's layers cannot follow a teacher's, by its files; None where they can."""
        return None

    @abstractmethod
    def finite(self, model: Any, texts: Sequence[str]) -> bool:
        """Tell whether a model's outputs (`gives`) for some documents are finite."""

    # The recipe.

    def with_options(self, given: Options) -> "StudentKind":
        """This kind as a recipe wants it, with options of the form `own_options` as `given`."""
        found = copy.copy(self)
        found.given = given
        return found

    def cosines(self, model: str | Path) -> bool:
        """Tell whether the scores of a model, by its files, are single cosines."""
        return False

    def temperature(self, model: str | Path) -> float:
        """The temperature at which a softmax of a model's scores can follow a teacher, by its files."""
        return COSINE_TEMPERATURE if self.cosines(model) else 1.0

    def rate(self, model: str | Path) -> float:
        """AdamW's peak learning rate of a model, by its files."""
        return own_rate(model)

    def penalties(self, spec: StudentParts, first: bool) -> tuple[dict[str, float], float]:
        """Weights of `Student.penalties` by name, and the share of the steps over which they rise.

        Args:
            spec: The recipe's ``student``.
            first: Whether it is trained by the first stage of a plan.
        """
        return {}, 0.0

    @property
    def source(self) -> str | None:
        """The source of candidates that stands for the student where it names no model; None where there is none."""
        return self.model_kind if self.searches else None

    def kept(self) -> dict[str, str]:
        """Fingerprints of what is kept of documents, by what messages call it; empty where they are encoded."""
        return {}

    def query_encoder(self, model: str) -> str:
        """The folder or name of what encodes queries, of a trained student's folder."""
        return model

    def source_of(self, model: str | None, *, initial: str, trust_remote_code: bool = False) -> Any:
        """The retriever of a source of candidates without a model; see `distillir.retrieval.sources.load_retriever`.

        Args:
            model: The student's folder in a later round; None: before training.
            initial: The student's folder before training.
            trust_remote_code: Whether code that comes with the student may run.
        """
        return model or initial

    # Measuring.

    @abstractmethod
    def retriever(
        self,
        model: str,
        *,
        max_length: int | None = None,
        precision: str = "float32",
        trust_remote_code: bool = False,
        candidates: Candidates | None = None,
    ) -> "Retriever":
        """The ranker of documents by a trained student.

        Args:
            model: Its folder.
            max_length: Tokens per text at most; None: the model's own.
            precision: What it computes in.
            trust_remote_code: Whether code that comes with the model may run.
            candidates: Finds what is ranked by a kind that does not search.

        Raises:
            DistillirError: The kind needs candidates, and there are none.
        """

    @abstractmethod
    def size(self, model: str, collection: "Collection", query_rows: "Rows", **options: Any) -> dict[str, Any]:
        """Facts on a trained student's size for ``metrics.json`` and the report, beside its ``kind``.

        Args:
            model: Its folder.
            collection: The corpus and the queries.
            query_rows: Query rows, at least one.
            options: ``precision``, and how the model is loaded (``options``).

        Returns:
            What `distillir.encoding.kinds.EncoderKind.size` gives, of a kind with an index; and ``told``, whatever else
            there is to say: heading, figure and small print each.
        """

    def follows_first(self, student: "StudentSpec") -> float | None:
        """Times that the default method has a student see each text in a stage of vectors first; None: no such stage.

        Args:
            student: A recipe's.
        """
        return None

    @property
    def index_kept(self) -> "KeptIndex | None":
        """The document vectors that stay; None where documents are encoded."""
        return None

    @property
    def documents_model(self) -> dict[str, Any] | None:
        """Options, as of a dense source, of the model whose documents' vectors are kept; None where there is none."""
        return None

    def reference(self, *, precision: str = "float32") -> "Retriever | None":
        """The ranker by the own query encoder of documents that are kept; None where there is none."""
        return None

    def kept_facts(self, collection: "Collection") -> dict[str, Any] | None:
        """Facts on the documents that are kept, for the report; None where they are encoded."""
        return None

    def query_encoders(self, model: str) -> dict[str, Callable[[], Any]]:
        """Loaders, on the CPU, of what encodes queries: the ``student`` in a folder, and the ``documents``' own."""
        return {}

    def usage(self) -> str:
        """The lines of Python in a card that load the student and use it."""
        return _USAGE.format(loader=self.loader)


_USAGE = """from sentence_transformers import {loader}

model = {loader}("path/to/this/folder")
queries = model.encode_query(["..."])
documents = model.encode_document(["..."])
print(model.similarity(queries, documents))
"""
