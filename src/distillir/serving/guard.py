"""Checks before a request reaches the application: whom it names, whence it comes, how long it is."""

import asyncio
import ipaddress
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from distillir.serving.limits import BODY_BYTES, BODY_SECONDS

#: Nothing is loaded from elsewhere, no script of a text's can run, and no other page may frame this one.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]


class Guard:
    """Middleware (ASGI) that refuses what no page of ours asks, and adds `HEADERS` to every answer.

    Args:
        app: The application.
        hosts: Names that the server may be called by; addresses of the loopback are always among them.
        any_address: Whether any IP address may stand in ``Host``, where the server listens on others too. A page
            elsewhere whose name leads here (DNS rebinding) has a name, not an address, so that names alone are told.
    """

    def __init__(self, app: Any, hosts: Sequence[str] = (), *, any_address: bool = False) -> None:
        self.app, self.any_address = app, any_address
        self.hosts = {"localhost", *(host.lower() for host in hosts)}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """See the ASGI specification."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *_HEADERS]}
            await send(message)

        refused = self._refusal(scope)
        if refused is None:
            refused, receive = await _body(receive)
        if refused is not None:
            await _refuse(answer, *refused)
            return
        await self.app(scope, receive, answer)

    def _refusal(self, scope: Any) -> tuple[int, str] | None:
        given = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = given.get(b"host", "")
        if not self.allowed(host):
            return 421, "this server is not called by that name; open it by the address that it printed (--allow-host)"
        origin = given.get(b"origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return 403, "the request comes from another page"
        if scope["method"] == "POST":
            if given.get(b"content-type", "").split(";")[0].strip().lower() != "application/json":
                return 415, "send JSON (Content-Type: application/json)"
            length = given.get(b"content-length", "0")
            if not length.isdigit() or int(length) > BODY_BYTES:
                return _TOO_LONG
        return None

    def allowed(self, host: str) -> bool:
        """Tell whether the server may be called by a ``Host`` header."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        if name in self.hosts:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return self.any_address or address.is_loopback


_TOO_LONG = (413, f"the request is longer than {BODY_BYTES:,} bytes")


async def _body(receive: Any) -> tuple[tuple[int, str] | None, Any]:
    """Read a request's body; a refusal, or what gives the body once more."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    break
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > BODY_BYTES:
                    return _TOO_LONG, receive
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        return (408, "the request did not come to its end"), receive
    waiting = [{"type": "http.request", "body": b"".join(parts), "more_body": False}]

    async def again() -> Any:
        return waiting.pop() if waiting else await receive()

    return None, again


async def _refuse(send: Any, status: int, why: str) -> None:
    body = json.dumps({"error": why}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
