"""The application: the calls of the API, the page, and their errors as JSON of one line."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.base.version import __version__
from distillir.serving.forms import (
    JudgedQueries,
    Problem,
    RunInfo,
    SearchAnswer,
    SearchRequest,
    SystemAnswer,
    TeacherRequest,
    WholeDocument,
)
from distillir.serving.limits import MOST_QUERIES, RETRY_SECONDS, TEACHER_DOCUMENTS, WAITING, BadQueryError
from distillir.serving.pages import api_page, search_page, static_file
from distillir.serving.pool import BusyError, SearchPool
from distillir.serving.served import Served

Answer = TypeVar("Answer")
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "the query cannot be answered"},
    422: {"model": Problem, "description": "the request has another form"},
    503: {"model": Problem, "description": "too many searches are waiting; come again in a second"},
}


def make_app(served: Served, *, threads: int, waiting: int = WAITING) -> FastAPI:
    """The application of an open run; `distillir.serving.guard.Guard` stands before it.

    Args:
        served: What is searched.
        threads: Searches at once.
        waiting: Searches that may wait; further ones are answered by 503.
    """
    pool, teacher_pool = SearchPool(threads, waiting), SearchPool(1, 2)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        pool.close()
        teacher_pool.close()

    info = served.info
    app = FastAPI(
        title=f"distillir serve: {info.run}",
        description="Search with the students of a run.",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    _answer_problems(app)

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)  # HEAD: is it up
    def page() -> HTMLResponse:
        return HTMLResponse(search_page(info))

    @app.get("/docs", include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        return HTMLResponse(api_page(app.openapi(), str(request.base_url).rstrip("/")))

    @app.get("/static/{name}", include_in_schema=False)
    def static(name: str) -> Response:
        found = static_file(name)
        if found is None:
            raise HTTPException(404, "there is no such page")
        return Response(found[0], media_type=found[1])

    @app.get("/api/info", summary="What is served, and the names of the systems")
    def run_info() -> RunInfo:
        return info

    @app.post("/api/search", summary="Rankings of a query by several systems", responses=_PROBLEMS)
    async def search(asked: SearchRequest) -> SearchAnswer:
        return await pool.run(lambda: served.search(asked.query, asked.k, asked.systems, asked.query_id))

    @app.get("/api/document", summary="The text of a document", responses={404: {"model": Problem}, **_PROBLEMS})
    async def document(
        id: str = Query(max_length=5000, description="its id"),
        query: str = Query("", description="its words are marked"),
    ) -> WholeDocument:
        found = await pool.run(lambda: served.document(id, query))
        if found is None:
            raise HTTPException(404, "there is no document of that id")
        return found

    @app.get(
        "/api/queries", summary="Evaluation queries, those that gained most first", responses={422: _PROBLEMS[422]}
    )
    def queries(
        offset: int = Query(0, ge=0), limit: int = Query(50, ge=1, le=MOST_QUERIES), reverse: bool = False
    ) -> JudgedQueries:
        listed = served.queries.listed[::-1] if reverse else served.queries.listed
        part = listed[offset : offset + limit]
        return JudgedQueries(measure=served.queries.measure, total=len(listed), queries=part)

    @app.post(
        "/api/teacher",
        summary=f"The teacher's order of at most {TEACHER_DOCUMENTS} documents",
        responses={
            404: {"model": Problem, "description": "the run has no teacher"},
            409: {"model": Problem, "description": "the teacher may cost money, and the request is not confirmed"},
            502: {"model": Problem, "description": "the teacher could not be asked"},
            **_PROBLEMS,
        },
    )
    async def teacher(asked: TeacherRequest) -> SystemAnswer:
        if served.teacher is None:
            raise HTTPException(404, "this run has no teacher that can be asked")
        if served.teacher.paid and not asked.confirmed:
            raise HTTPException(409, "the teacher is behind a server and may cost money: send confirmed: true")
        return await teacher_pool.run(lambda: _teach(served, asked))

    return app


class TeacherFailedError(Exception):
    """The teacher could not be asked; the reason is told in the terminal alone, as it may name addresses."""


def _teach(served: Served, asked: TeacherRequest) -> SystemAnswer:
    try:
        return served.ask_teacher(asked.query, asked.documents, asked.query_id)
    except BadQueryError:
        raise
    except DistillirError as error:
        say(f"The teacher could not be asked: {error}")
        raise TeacherFailedError from error


def _answer_problems(app: FastAPI) -> None:
    """Answer every error by JSON of one line, which repeats nothing of the request."""

    def told(status: int, why: str, **headers: str) -> JSONResponse:
        return JSONResponse({"error": why}, status, headers)

    def handler(kind: Any) -> Callable[[Callable[[Any], JSONResponse]], None]:
        def register(answer: Callable[[Any], JSONResponse]) -> None:
            async def handle(_: Request, error: Exception) -> JSONResponse:
                return answer(error)

            app.add_exception_handler(kind, handle)

        return register

    @handler(RequestValidationError)
    def _(error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return told(422, "the request is not JSON")
        place = ".".join(str(part) for part in first["loc"][1:]) or "the request"
        return told(422, f"{place}: {first['msg'].lower()}")

    @handler(HTTPException)
    def _(error: HTTPException) -> JSONResponse:
        return told(error.status_code, str(error.detail))

    @handler(BadQueryError)
    def _(error: BadQueryError) -> JSONResponse:
        return told(400, error.what)

    @handler(BusyError)
    def _(_: BusyError) -> JSONResponse:
        return told(503, "too many searches are waiting; come again", **{"retry-after": str(RETRY_SECONDS)})

    @handler(TeacherFailedError)
    def _(_: TeacherFailedError) -> JSONResponse:
        return told(502, "the teacher could not be asked; the terminal of the server says why")

    @handler(DistillirError)
    def _(error: DistillirError) -> JSONResponse:
        say(str(error))
        return told(500, "the search failed; the terminal of the server says why")

    @handler(Exception)
    def _(_: Exception) -> JSONResponse:
        return told(500, "unexpected error; the terminal of the server says more")
