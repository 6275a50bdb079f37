"""Recipe: the YAML a user writes, validated before anything is loaded."""

import difflib
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from distillir.base.errors import DistillirError
from distillir.methods.auto import AUTO
from distillir.methods.spec import MethodSpec
from distillir.plans.settings import TrainingSettings
from distillir.specs.part import Part
from distillir.specs.schema import MARK, AlsoAs, InForm
from distillir.students.spec import StudentSpec

#: Documents, evenly spaced in the corpus, that the default's stage of vectors reads at most (ours).
FIRST_DOCUMENTS = 20_000


class GuardSpec(Part):
    """The false-negative guard: drop candidates that the teacher scores too near the judged positive."""

    share: float | None = Field(
        None, gt=0, description="drop above this share of the positive's score (NV-Retriever, arXiv 2407.15831)"
    )
    margin: float | None = Field(None, ge=0, description="drop above the positive's score less this margin")


class CandidatesSpec(Part):
    """Candidates: the documents that the teacher scores for each query."""

    from_: Annotated[Any, InForm("sources")] = Field(
        default_factory=lambda: ["bm25", "dense"],
        alias="from",
        description="bm25, dense (the student before training), {dense: model}, {trec: run file}, or a list to fuse",
    )
    depth: int = Field(50, ge=2, description="candidates a query")
    fusion: Literal["rrf", "zscore", "minmax", "union"] = Field("rrf", description="how several sources are fused")
    weights: list[float] | None = Field(None, description="one weight a source, for the fusion")
    exclude_judged: bool = Field(False, description="leave judged positives out of the lists")
    add_judged: bool = Field(False, description="put judged positives into the lists where mining missed them")
    guard: GuardSpec | None = Field(None, description="drop likely false negatives by the teacher's score")

    model_config = ConfigDict(populate_by_name=True)

    def form(self) -> dict[str, Any]:
        """The mapping that `distillir.retrieval.recipe_form` reads."""
        return self.model_dump(by_alias=True, exclude_none=True)


class QueriesSpec(Part):
    """The queries that the student learns from."""

    split: str | None = Field("train", description="a split of the collection; null: none of its queries")
    unjudged: bool = Field(False, description="also the collection's queries that no split judges")
    titles: int = Field(0, ge=0, description="this many documents' titles as further queries")
    sentences: int = Field(0, ge=0, description="this many sentences of documents as further queries")
    generated: int = Field(0, ge=0, description="this many queries that a language model makes of documents")
    generator: Annotated[Any, InForm("query generator", null=True)] = Field(
        None, description="the model that makes them: a name, or a mapping (distillir.language_models.spec)"
    )
    round_trip: int | None = Field(
        None, ge=1, description="keep a made query only where the teacher ranks its document so high; null: keep all"
    )
    limit: int | None = Field(None, ge=1, description="at most this many of the split's queries, chosen by the seed")
    own_document: Literal["leave_out", "keep"] = Field(
        "leave_out",
        description="what is done with a document that is the query itself (same id, same text: ArguAna, Quora) in "
        "mining, teaching and measuring; leave_out, as BEIR does, or keep",
    )
    leave_out_evaluated: bool = Field(
        False, description="do not learn from queries that are evaluated too, by id or by text; false: they are told"
    )
    seed: int | None = Field(None, ge=0, lt=2**32, description="seed of which are chosen; null: the recipe's seed")

    @model_validator(mode="after")
    def _generator_named(self) -> "QueriesSpec":
        from distillir.language_models.spec import read_generator_spec

        if (self.generated > 0) != (self.generator is not None):
            raise ValueError("generated and generator go together")
        if self.round_trip is not None and not self.makes:
            raise ValueError("round_trip is for made queries: set titles, sentences or generated, or leave it out")
        if self.generator is not None:
            try:
                read_generator_spec(self.generator, "queries.generator")
            except DistillirError as error:
                raise ValueError(str(error)) from None
        return self

    @property
    def makes(self) -> int:
        """Number of queries that are made of documents."""
        return self.titles + self.sentences + self.generated


class AlsoSpec(Part):
    """A further collection that the student is measured on."""

    collection: Annotated[str | dict[str, Any], InForm("collection")] = Field(
        description="in any form that the recipe's collection takes"
    )
    split: str | None = Field(None, description="the split that is measured on; null: test, or the only one there is")
    name: str | None = Field(None, min_length=1, max_length=80, description="what it is called; null: its own name")
    queries: int | None = Field(
        None, ge=1, description="at most this many of the split's queries, the same ones whatever the seed; null: all"
    )


class EvaluationSpec(Part):
    """The evaluation: its queries, its measures and its depth."""

    split: str | None = Field(
        "test",
        description="the split that is reported; null (no judgements): queries held out of training, for which the "
        "teacher's best candidate counts as relevant",
    )
    held_out: int = Field(100, ge=1, description="how many queries are held out where split is null")
    measures: Annotated[list[str], AlsoAs({"type": "string"})] = Field(
        default_factory=lambda: ["nDCG@10", "MRR@10", "recall@100", "MAP@100"],
        min_length=1,
        description="the first is the headline",
    )
    depth: int = Field(100, ge=1, description="documents retrieved a query")
    teacher_depth: int | None = Field(
        None, ge=1, description="candidates a query that the teacher ranks; null: as many as students retrieve (depth)"
    )
    precision: Literal["float32", "bf16", "auto"] = Field(
        "float32", description="the student's while it is measured; bf16 saves a third of the time where it is had"
    )
    also: Annotated[list[AlsoSpec], InForm("further collections")] = Field(
        default_factory=list,
        description="further collections that the student is measured on, before and after: what it forgets elsewhere",
    )

    @field_validator("measures", mode="before")
    @classmethod
    def _one_measure(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("also", mode="before")
    @classmethod
    def _collections(cls, value: Any) -> Any:
        """A collection by itself, and one that is a mapping of files, stand for ``{collection: ...}``."""
        if value is None:
            return []
        given = value if isinstance(value, list | tuple) else [value]
        return [one if isinstance(one, AlsoSpec) or _has_its_key(one) else {"collection": one} for one in given]


def _has_its_key(one: Any) -> bool:
    """Tell whether a further collection is written with the key ``collection``, or with what is nearly that."""
    return isinstance(one, dict) and bool(difflib.get_close_matches("collection", map(str, one), n=1, cutoff=0.8))


class Recipe(Part):
    """Everything a run needs."""

    model_config = ConfigDict(populate_by_name=True)

    collection: Annotated[str | dict[str, Any], InForm("collection")] = Field(
        description="stdlib, a BEIR folder, irds:ID, hf:NAME, or a mapping of MS MARCO files"
    )
    teacher: Annotated[str | dict[str, Any], InForm("teacher")] | None = Field(
        None, description="bm25, {dense: model}, {cross-encoder: model} or {ensemble: [...]}"
    )
    teaching: str | None = Field(None, description="a teaching set made elsewhere, in place of candidates and teacher")
    student: Annotated[StudentSpec, AlsoAs({"type": "string"}), AlsoAs({MARK: "student with options"})] = Field(
        description="a model's name, or a mapping"
    )
    queries: Annotated[QueriesSpec, AlsoAs({"type": "string"})] = Field(
        default_factory=QueriesSpec, description="a split's name, or a mapping"
    )
    candidates: CandidatesSpec = Field(default_factory=CandidatesSpec)
    method: Annotated[MethodSpec, AlsoAs({MARK: "method"})] = Field(
        default_factory=lambda: MethodSpec(name="auto"),
        description="a method's name, or a mapping; where objective is given, kl and that objective",
    )
    objective: Annotated[Any, InForm("objective", null=True)] = Field(
        None, description="what is compared, in place of the method's own: a name or weighted names"
    )
    training: TrainingSettings = Field(default_factory=TrainingSettings)
    evaluation: Annotated[EvaluationSpec, AlsoAs({"type": "string"})] = Field(
        default_factory=EvaluationSpec, description="a split's name, or a mapping"
    )
    seed: int = Field(0, ge=0, lt=2**32, description="seed of everything random: order, sampling, dropout")

    @field_validator("student", mode="before")
    @classmethod
    def _student_name(cls, value: Any) -> Any:
        return {"model": value} if isinstance(value, str) else value

    @field_validator("queries", "evaluation", mode="before")
    @classmethod
    def _split_name(cls, value: Any) -> Any:
        return {"split": value} if isinstance(value, str) else value

    @field_validator("method", mode="before")
    @classmethod
    def _method_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _own_method(self) -> "Recipe":
        """A recipe that names an objective and no method has plain lists; the default's objective is written out.

        The run settles its ``auto`` values, and its positives stand in the lists.
        """
        if "method" not in self.model_fields_set and self.objective is not None:
            self.method = MethodSpec()
        if self.method.name == AUTO.name:
            if self.objective is None and self.method.objective is None:
                signals = self._vectors_first() if "signals" not in self.method.model_fields_set else {}
                own = {"objective": AUTO.objective_for(self.student.own_kind)}
                self.method = self.method.model_copy(update=own | ({"signals": signals} if signals else {}))
            if not {"add_judged", "exclude_judged"} & self.candidates.model_fields_set:
                self.candidates = self.candidates.model_copy(update={"add_judged": True})
        return self

    def _vectors_first(self) -> dict[str, Any]:
        """The stage of vectors that `auto` begins with, where the student is far from a model that it can follow.

        A recipe says no by `vectors: null`. Once written out with the objective, it is the run's.
        """
        times = self.student.own_kind.follows_first(self.student)
        return {} if times is None else {"vectors": {"first": times, "weight": 0, "documents": FIRST_DOCUMENTS}}

    @model_validator(mode="after")
    def _documents_teacher(self) -> "Recipe":
        """The documents' kind without a model among teachers is the model of the documents that the student keeps."""
        kept = self.student.documents
        if kept is not None and kept.encoder is not None:
            self.teacher = named_encoder(self.teacher, kept.kind, kept.encoder.model_dump(exclude_unset=True))
        return self

    @model_validator(mode="after")
    def _layered_teacher(self) -> "Recipe":
        """Layers without a teacher of their own are those of the recipe's, where it has layers."""
        from distillir.teachers.load_layered import layered_form

        layers = self.method.layers
        if layers is not None and layers.teacher is None and (form := layered_form(self.teacher)) is not None:
            self.method = self.method.model_copy(update={"layers": layers.model_copy(update={"teacher": form})})
        return self

    @model_validator(mode="after")
    def _published_settings(self) -> "Recipe":
        """A plan's published settings hold where the recipe's ``training`` is silent."""
        with suppress(DistillirError):  # an unknown name is told by `distillir.composition.compose`
            given = self.training.model_fields_set
            queries = self.training.queries_per_step if "queries_per_step" in given else None
            kind = self.student.own_kind
            by_default = kind.training_by_default if self.method.name == AUTO.name else {}
            published = {**self.method.defaults(kind.name, queries), **by_default, **kind.training}
            missing = {name: value for name, value in published.items() if name not in given}
            if missing:
                self.training = TrainingSettings.model_validate(
                    {**self.training.model_dump(exclude_unset=True), **missing}
                )
        return self

    @model_validator(mode="after")
    def _own_sources(self) -> "Recipe":
        """Candidates of a recipe that names no source come from the sources that suit its kind of student."""
        sources = list(self.student.own_kind.sources)
        if "from_" not in self.candidates.model_fields_set and sources != self.candidates.from_:
            self.candidates = self.candidates.model_copy(update={"from_": sources})
        return self

    @property
    def query_seed(self) -> int:
        """Seed of which queries are chosen and generated."""
        return self.seed if self.queries.seed is None else self.queries.seed

    def resolved(self) -> dict[str, Any]:
        """Every setting written out, as `parse_recipe` reads it back."""
        return self.model_dump(mode="json", by_alias=True)


def named_encoder(teacher: Any, kind: str, model: dict[str, Any]) -> Any:
    """A recipe's teacher with a model in each encoder of a kind that names none.

    Args:
        teacher: As a recipe writes it.
        kind: ``dense``, or another kind of encoder.
        model: Options of the teacher that stands for them.
    """
    if teacher == kind:
        return {kind: model}
    if not isinstance(teacher, dict):
        return teacher
    found = dict(teacher)
    given = found.get(kind, model)
    if given is None or (isinstance(given, dict) and "model" not in given):
        found[kind] = {**model, **(given or {})}
    if isinstance(found.get("ensemble"), list):
        found["ensemble"] = [named_encoder(member, kind, model) for member in found["ensemble"]]
    return found


RECIPE_FILE = "recipe.yaml"


def default_output(recipe: Path) -> Path:
    """The folder of a run without ``--output``: ``runs/<recipe's name>`` under the current folder."""
    return Path("runs") / recipe.stem
