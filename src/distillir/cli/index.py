"""``index``: a student's documents in a search engine, filled, asked and measured."""

from pathlib import Path
from typing import Annotated

import typer

from distillir.cli.allow_code import AllowCode


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command()(index)


def index(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="folder of a run; or a model's folder or name, with --collection")
    ],
    engine: Annotated[
        str, typer.Option("--to", metavar="ENGINE", help="see `distillir list` and docs/engines.md")
    ] = "lancedb",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="folder of the index and its measures [default: RUN/index]"),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option("--address", metavar="URL", help="of a server; never with a password, see docs/engines.md"),
    ] = None,
    table: Annotated[
        str | None, typer.Option("--table", metavar="NAME", help="table or collection of the engine [default: RUN's]")
    ] = None,
    precision: Annotated[
        str, typer.Option("--precision", help="of the numbers that are searched: float32, float16, int8, binary")
    ] = "float32",
    dimensions: Annotated[
        int | None,
        typer.Option("--dimensions", min=1, metavar="N", help="the first N numbers of a vector, of models made for it"),
    ] = None,
    hybrid: Annotated[
        bool, typer.Option("--hybrid", help="find documents by their words too, and measure both together")
    ] = False,
    before: Annotated[bool, typer.Option("--before", help="the student as it was before training")] = False,
    collection: Annotated[
        str | None, typer.Option("--collection", "-c", help="with a model: stdlib, a BEIR folder, ...")
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", help="with a model: whose queries are asked [default: test]")
    ] = None,
    queries: Annotated[int, typer.Option("--queries", min=1, help="queries that are asked at most")] = 1000,
    batch: Annotated[int | None, typer.Option("--batch", min=1, help="documents added at a time")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="an option of the engine; may be repeated")
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="delete a table that was made from something else, and fill it again")
    ] = False,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="with a model: let Python code that comes with it run")
    ] = False,
    allow_code: AllowCode = False,
) -> None:
    """Fill a search engine with a student's vectors, and measure what it answers. A rerun goes on where it stopped."""
    from distillir.base.progress import console, is_first_process, say
    from distillir.engines.index import IndexRequest, check_request, make_index
    from distillir.engines.source import source_of
    from distillir.engines.told import index_lines, index_table

    request = IndexRequest(
        engine, precision, dimensions, hybrid, output, address, table, queries, tuple(settings or ()), anew, batch
    )
    check_request(request)
    told = make_index(source_of(run, collection, split, before=before, trust_remote_code=trust_remote_code), request)
    if is_first_process():
        console.print(index_table(told))
    for line in index_lines(told):
        say(line)
