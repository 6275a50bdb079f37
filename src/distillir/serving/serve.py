"""``distillir serve``: a run opened, and its server until it is stopped."""

import ipaddress
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.processes import world_size
from distillir.base.progress import say

DEFAULT_PORT = 8108
LOOPBACK = "127.0.0.1"


def serve_run(
    path: Path,
    others: Sequence[Path] = (),
    *,
    host: str = LOOPBACK,
    port: int = DEFAULT_PORT,
    allowed_hosts: Sequence[str] = (),
    threads: int | None = None,
) -> None:
    """Serve a run until Ctrl-C or SIGTERM.

    Args:
        path: The run's folder.
        others: Folders of runs on the same documents, whose students answer too.
        host: The address that is listened on.
        port: The port; 0: a free one, which is printed.
        allowed_hosts: Further names that the server may be called by.
        threads: Searches at once; None: one a core.

    Raises:
        DistillirError: The extra is not installed, the address is not to be had, or as
            `distillir.serving.served.open_all`.
    """
    server_library()
    if world_size() > 1:
        raise DistillirError("one process serves", where="distillir serve", remedy="start it without a launcher")
    listening = listen(host, port)  # before minutes of encoding
    try:
        import torch

        torch.set_num_threads(1)  # of each search; several run at once
        from distillir.serving.served import open_all

        served = open_all(path, others)
        _run(served, listening, host, allowed_hosts, threads or len(_cores()))
    finally:
        listening.close()


def server_library() -> Any:
    """Import uvicorn, which is optional as FastAPI is.

    Raises:
        DistillirError: One of them is not installed.
    """
    try:
        import fastapi  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise DistillirError(
            f"{error.name} is not installed", where="distillir serve", remedy="pip install 'distillir[serve]'"
        ) from None
    return uvicorn


def listen(host: str, port: int) -> socket.socket:
    """Take a port of an address.

    Args:
        host: A name or address.
        port: 0: a free one.

    Raises:
        DistillirError: It is in use, or no address of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise DistillirError(f"no such address: {host}", where="--host", remedy="give an IP address") from None
    found = socket.socket(family, kind, protocol)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind(address)
        found.listen(256)
    except OSError as error:
        found.close()
        where = f"--port {port}" if is_loopback(host) else f"--host {host} --port {port}"
        raise DistillirError(
            f"cannot be listened on ({os.strerror(error.errno or 0)})",
            where=where,
            remedy="give another --port, or 0 for a free one",
        ) from None
    return found


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _cores() -> Sequence[int]:
    with suppress(AttributeError):
        return sorted(os.sched_getaffinity(0))
    return range(os.cpu_count() or 1)


def _run(served: Any, listening: socket.socket, host: str, allowed_hosts: Sequence[str], threads: int) -> None:
    from distillir.serving.app import make_app
    from distillir.serving.guard import Guard

    uvicorn, here = server_library(), is_loopback(host)
    names = [*allowed_hosts, *([] if here else [host, socket.gethostname()])]
    app = Guard(make_app(served, threads=threads), names, any_address=not here)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, ws="none", timeout_graceful_shutdown=2
    )
    port = listening.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    if not here:
        say(
            f"Anyone who reaches {host} can search and read the documents of {served.collection.name}"
            + (", and have the teacher asked" if served.teacher is not None else "")
            + ": there is no password, and what is sent is not encrypted"
        )
    say(f"Serving {served.folder.path}: http://{shown}:{port} (API: /docs; Ctrl-C ends it)")
    # uvicorn raises the signal again that ended it, which here is no error.
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    say("Stopped")
