"""A server that speaks OpenAI's protocol in the test's own process and replies what the test says."""

import json
import socket
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: Status, body and further headers of a response.
Reply = tuple[int, Mapping[str, Any], Mapping[str, str]]


def says(text: str | None, finish: str = "stop", likeliest: Mapping[str, float] | None = None, **message: Any) -> Reply:
    """A chat completion, with log-probabilities of first tokens (the first of them is the one that was said)."""
    told = None
    if likeliest:
        top = [{"token": token, "logprob": value, "bytes": None} for token, value in likeliest.items()]
        told = {"content": [{**top[0], "top_logprobs": top}]}
    choice = {"index": 0, "finish_reason": finish, "logprobs": told}
    choice["message"] = {"role": "assistant", "content": text, **message}
    return 200, _completion(choice), {}


def says_plainly(text: str, finish: str = "stop", likeliest: Mapping[str, float] | None = None) -> Reply:
    """A completion of the older API."""
    told = {"tokens": [next(iter(likeliest))], "top_logprobs": [dict(likeliest)]} if likeliest else None
    return 200, _completion({"index": 0, "finish_reason": finish, "logprobs": told, "text": text}), {}


def fails(status: int, message: str, wait: str | None = None, **more: Any) -> Reply:
    """An error as OpenAI words them, with ``Retry-After`` where it asks to wait."""
    return status, {"error": {"message": message, **more}}, {} if wait is None else {"Retry-After": wait}


def _completion(choice: Mapping[str, Any]) -> dict[str, Any]:
    usage = {"prompt_tokens": 20, "completion_tokens": 3, "total_tokens": 23}
    return {"id": "1", "object": "x", "created": 1, "model": "m", "choices": [choice], "usage": usage}


class ScriptedServer:
    """Use it as a context.

    Args:
        reply: From a request's body to what is responded.

    Attributes:
        asked: Bodies of all requests.
        address: With ``/v1``.
    """

    def __init__(self, reply: Callable[[dict[str, Any]], Reply]) -> None:
        self.reply, self.asked = reply, list[dict[str, Any]]()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                self._send(200, {"object": "list", "data": []}, {})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append(body)
                self._send(*outer.reply(body))

            def _send(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> "ScriptedServer":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def prompt_of(body: Mapping[str, Any]) -> str:
    """The text of a request, of either API."""
    return str(body.get("prompt") or body["messages"][0]["content"])


def silent_port() -> socket.socket:
    """A listening socket that nobody answers on."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    return listening
