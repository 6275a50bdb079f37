"""``serve``: a page and an API that search with a run's students."""

from pathlib import Path
from typing import Annotated

import typer

from distillir.cli.allow_code import AllowCode

RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="folder of a finished run; see docs/serve.md")]


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command()(serve)


def serve(
    run: RunPath,
    others: Annotated[
        list[Path] | None, typer.Option("--with", metavar="RUN", help="another run beside it; may be repeated")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: a free one, which is printed")] = 8108,
    host: Annotated[
        str, typer.Option("--host", help="address to listen on; another one than the loopback lets others search")
    ] = "127.0.0.1",
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="further name the server is called by; may be repeated"),
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="searches at once [default: cores]")] = None,
    allow_code: AllowCode = False,
) -> None:
    """Search with a run's students in the browser: before, after, teacher and BM25 side by side; JSON beside it."""
    from distillir.cli.error_log import keep_errors_beside
    from distillir.serving.serve import serve_run

    keep_errors_beside(None)
    serve_run(run, others or (), host=host, port=port, allowed_hosts=allow_host or (), threads=threads)
