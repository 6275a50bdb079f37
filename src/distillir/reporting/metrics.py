"""``metrics.json`` of a run directory: what was measured, checked when it is read."""

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeInt,
    PrivateAttr,
    TypeAdapter,
    ValidationError,
)

from distillir.base.errors import DistillirError
from distillir.base.files import read_json

MEND = "mend the file, or write it anew with: distillir evaluate"
System = Literal["before", "after", "teacher", "first_stage"]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _nan_is_none(value: object) -> object:
    """Replace NaN, the p value that libraries give for identical values, by None."""
    return None if isinstance(value, float) and math.isnan(value) else value


MaybeFloat = Annotated[FiniteFloat | None, BeforeValidator(_nan_is_none)]
MaybeProbability = Annotated[Annotated[float, Field(ge=0, le=1)] | None, BeforeValidator(_nan_is_none)]


class ComparisonFigures(BaseModel):
    """The student before and after on one measure: a `distillir.evaluation.significance.Comparison`, read back.

    Attributes:
        measure: For example ``nDCG@10``.
        before: Mean over queries before training.
        after: Mean over queries after training.
        difference: ``after - before``.
        low: Lower end of the 95 % confidence interval of the difference; None where there is none.
        high: Its upper end.
        p_value: Of the paired test, two-sided; None where there is none.
        wins: Number of queries that got better; None where unknown.
        losses: Number that got worse.
        ties: Number that stayed the same.
        test: Name of the test that gave ``p_value``.
    """

    measure: str
    before: FiniteFloat
    after: FiniteFloat
    difference: FiniteFloat
    low: MaybeFloat = None
    high: MaybeFloat = None
    p_value: MaybeProbability = None
    wins: NonNegativeInt | None = None
    losses: NonNegativeInt | None = None
    ties: NonNegativeInt | None = None
    test: str | None = None

    @property
    def significant(self) -> bool:
        """Tell whether the difference is unlikely to be chance (p < 0.05)."""
        return self.p_value is not None and self.p_value < 0.05


class TeacherCalls(BaseModel):
    """Number of (query, document) pairs that the teacher scored, and that the cache held already."""

    asked: NonNegativeInt = 0
    cached: NonNegativeInt = 0


class StudentFigures(BaseModel):
    """Size of the student's encodings; see `distillir.evaluation.index_size.index_size`.

    Kinds that have no index tell no ``unit`` and nothing of texts. ``told`` is what a kind adds: heading, figure and
    the small print below it.
    """

    kind: str
    unit: str | None = None
    per_document: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    per_query: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    bytes_per_document: NonNegativeInt = 0
    told: list[tuple[str, str, str]] = Field(default_factory=list)


class StageSelection(BaseModel):
    """Measures during the training of a stage; see `distillir.pipeline.selection_fact.note_selection`."""

    model_config = ConfigDict(extra="ignore")

    measures: list[tuple[NonNegativeInt, FiniteFloat]] = Field(min_length=1)
    best_step: NonNegativeInt
    steps: NonNegativeInt
    stopped_early: bool


class SelectionFigures(StageSelection):
    """Selection of the best student: its queries and the measures, of the last stage and, of several, by stage.

    Attributes:
        split: The queries' split, or "held-out training queries"; never the one that is reported.
        queries: How many.
        pool: Documents that were ranked for each.
        held_out: Training queries that were not learnt from.
        measure: The measure.
        stages: The same by the stage's number.
    """

    split: str
    queries: NonNegativeInt
    pool: NonNegativeInt
    held_out: NonNegativeInt = 0
    measure: str
    stages: dict[str, StageSelection] = {}

    @property
    def by_stage(self) -> dict[str, StageSelection]:
        """Measures by the stage's name in the log: "" where there is one stage alone."""
        return self.stages or {"": self}


class Measured(BaseModel):
    """The student before and after on the queries of a split.

    Attributes:
        split: The split that was evaluated.
        queries: How many queries that was.
        before: Measure to mean over queries, student before training. The first measure is the main one.
        after: The same, after training.
        comparison: Paired comparisons of before and after, the main measure first.
    """

    model_config = ConfigDict(extra="ignore")

    split: str = "test"
    queries: NonNegativeInt | None = None
    before: dict[str, FiniteFloat] = {}
    after: dict[str, FiniteFloat] = {}
    comparison: list[ComparisonFigures] = []

    @property
    def measures(self) -> list[str]:
        """All measures, the main one first."""
        names = [c.measure for c in self.comparison]
        return list(dict.fromkeys([*names, *self.after, *self.before]))

    def value(self, system: System, measure: str) -> float | None:
        """A system's mean on a measure, None where it was not measured."""
        means: dict[str, float] = getattr(self, system, {})
        compared = self.compared(measure)
        if measure not in means and compared is not None and system in ("before", "after"):
            return compared.before if system == "before" else compared.after
        return means.get(measure)

    def compared(self, measure: str) -> ComparisonFigures | None:
        """The paired comparison on a measure, None where there is none."""
        return next((c for c in self.comparison if c.measure == measure), None)

    def gain(self, measure: str) -> float | None:
        """After minus before, None where one of them was not measured."""
        before, after = self.value("before", measure), self.value("after", measure)
        return None if before is None or after is None else after - before


class ElsewhereFigures(Measured):
    """The student on another collection.

    Attributes:
        collection: Its own name.
        judged: How many queries the split judges, of which some may have been drawn.
        documents: How many documents it has.
    """

    collection: str | None = None
    judged: NonNegativeInt | None = None
    documents: NonNegativeInt | None = None


class Metrics(Measured):
    """Everything ``metrics.json`` holds; each part may be absent. What signals note is read by `part`.

    Attributes:
        collection: Name of the collection.
        method: Name of the method.
        teacher: Measure to mean over queries, teacher.
        first_stage: The same of the candidates' own order, of a student that ranks what others find.
        against_first_stage: Paired comparisons of that (as ``before``) and the student after.
        also: The student on other collections, by the name that the recipe gives them.
        seconds: Wall-clock seconds per stage, in the order they ran.
        teacher_calls: What the teacher was asked.
        diagnostics: Numbers about the teacher's scores, free-form.
        student: What the student encodes texts as; None where unknown.
        rounds: Measures of the student before each stage that mined anew, by the stage's number.
        selection: What the best student was chosen by; None where the last one was kept.
        generated: Of queries made of documents: how many were ``made``, ``kept``, and by which rank (``round_trip``).
        same_texts: How many queries are documents, and the like; see `distillir.pipeline.same_texts.tell_same_texts`.
        hardware: Processor and memory, in words.
        versions: Package to version.
    """

    model_config = ConfigDict(extra="allow")

    collection: str | None = None
    method: str | None = None
    teacher: dict[str, FiniteFloat] = {}
    first_stage: dict[str, FiniteFloat] = {}
    against_first_stage: list[ComparisonFigures] = []
    also: dict[str, ElsewhereFigures] = {}
    seconds: dict[str, Seconds] = {}
    teacher_calls: Annotated[TeacherCalls | None, BeforeValidator(lambda value: value or None)] = None
    diagnostics: dict[str, Any] = {}
    student: StudentFigures | None = None
    rounds: dict[str, dict[str, FiniteFloat]] = {}
    selection: SelectionFigures | None = None
    generated: dict[str, NonNegativeInt] = {}
    same_texts: dict[str, NonNegativeInt] = {}
    hardware: str | None = None
    versions: dict[str, str] = {}
    _path: Path | None = PrivateAttr(None)

    @property
    def measures(self) -> list[str]:
        """All measures, the main one first."""
        return list(dict.fromkeys([*super().measures, *self.teacher]))

    def part(self, name: str, form: Any) -> Any:
        """The value of a key that is not known here.

        Args:
            name: The key.
            form: Type that the value must have; pydantic's models are made of it.

        Returns:
            The value, or None where there is none.

        Raises:
            DistillirError: It is something else.
        """
        value = (self.model_extra or {}).get(name)
        if value is None:
            return None
        try:
            return TypeAdapter(form).validate_python(value)
        except ValidationError as error:
            raise _wrong(error, self._path, name) from None

    def share(self, measure: str) -> float | None:
        """After as a share of the teacher, None where one of them is unknown or the teacher has 0."""
        after, teacher = self.value("after", measure), self.value("teacher", measure)
        return after / teacher if after is not None and teacher else None


def read_metrics(path: Path) -> Metrics:
    """Read and check ``metrics.json``.

    Raises:
        DistillirError: The file is missing, is not JSON, or a part of it is not what it must be.
    """
    if not path.exists():
        raise DistillirError("no such file", where=path, remedy="give the folder that `distillir run` wrote")
    value = read_json(path, MEND)
    try:
        found = Metrics.model_validate(value)
    except ValidationError as error:
        raise _wrong(error, path) from None
    found._path = path
    return found


def _wrong(error: ValidationError, path: Path | None, *within: str) -> DistillirError:
    """The first thing that is wrong with a part of the file."""
    first = error.errors()[0]
    place = ".".join([*within, *(str(part) for part in first["loc"])])
    given = str(first["input"])[:60]
    return DistillirError(f"{place}: {first['msg']}, not {given!r}", where=path, remedy=MEND)
