"""Forms of requests and answers; the OpenAPI description is made of them."""

from pydantic import BaseModel, ConfigDict, Field

from distillir.serving.limits import MOST_DOCUMENTS, QUERY_CHARACTERS, TEACHER_DOCUMENTS

#: Places [start, end) in code points, not in UTF-16 units as JavaScript counts.
Places = list[tuple[int, int]]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SearchRequest(_Given):
    """A query, and who is to answer it."""

    query: str = Field(description=f"what is searched for, at most {QUERY_CHARACTERS:,} characters")
    k: int = Field(10, ge=1, le=MOST_DOCUMENTS, description="documents of each system")
    systems: list[str] | None = Field(None, max_length=32, description="names of /api/info; null: all")
    query_id: str | None = Field(
        None, max_length=1000, description="id of an evaluation query: its judgements are marked"
    )


class TeacherRequest(_Given):
    """Documents that the teacher is to order for a query."""

    query: str = Field(description="as for a search")
    documents: list[str] = Field(min_length=1, max_length=TEACHER_DOCUMENTS, description="ids of the visible documents")
    query_id: str | None = Field(None, max_length=1000, description="as for a search")
    confirmed: bool = Field(False, description="a teacher behind a server, which may cost money, is asked only then")


class FoundDocument(BaseModel):
    """A document in a ranking."""

    rank: int = Field(description="from 1")
    id: str
    score: float
    title: str
    title_matches: Places = Field(description="places of matched words in the title, in code points")
    text: str = Field(description="a part of the text, where most matched words stand")
    matches: Places = Field(description="places of matched words in that part")
    before: int | None = Field(description="its rank before training; null: none, or not looked at so deep")
    grade: int | None = Field(description="its judgement, where the query has one of it; above 0: relevant")


class SystemAnswer(BaseModel):
    """One system's ranking."""

    system: str
    milliseconds: float = Field(description="of the search alone")
    documents: list[FoundDocument]
    kept: bool = Field(False, description="read from the run's files: nobody was asked")


class SearchAnswer(BaseModel):
    """The rankings of all systems."""

    query: str
    milliseconds: float = Field(description="of all, matched words and texts with them")
    compared_to: int | None = Field(description="depth of the ranking before training that ranks are compared to")
    relevant: int | None = Field(description="how many documents are judged relevant; null: nothing is judged")
    systems: list[SystemAnswer]


class WholeDocument(BaseModel):
    """A document's text."""

    id: str
    title: str
    title_matches: Places
    text: str
    matches: Places
    cut: bool = Field(description="the text is longer than what is sent")


class JudgedQuery(BaseModel):
    """An evaluation query."""

    id: str
    text: str
    before: float | None = Field(description="the run's measure before training; null: not measured")
    after: float | None
    gain: float | None = Field(description="after minus before")
    relevant: int = Field(description="documents judged relevant")


class JudgedQueries(BaseModel):
    """A part of the evaluation queries."""

    measure: str | None
    total: int
    queries: list[JudgedQuery]


class SystemInfo(BaseModel):
    """A system that can be asked."""

    name: str
    description: str


class TeacherInfo(BaseModel):
    """The teacher."""

    name: str
    paid: bool = Field(description="behind a server: a question may cost money")


class RunInfo(BaseModel):
    """The run that is served."""

    run: str
    collection: str
    documents: int
    student: str = Field(description="the kind of student")
    measure: str | None
    queries: int = Field(description="evaluation queries")
    systems: list[SystemInfo]
    teacher: TeacherInfo | None


class Problem(BaseModel):
    """The reason why a request was refused."""

    error: str
