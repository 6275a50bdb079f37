"""A server that speaks OpenAI's protocol over a real (tiny) language model, and that can misbehave.

    python openai_server.py MODEL PORT LOG

The misbehaviour is asked for by words in the prompt (``BUSY``: one 503 before the answer; ``LATE``: no answer;
``REFUSE``; ``BARE``: no log-probabilities; ``ESSAY``: other words only; ``TOO LONG``, and tiny's document on
chlorophyll: 400; ``HOLLOW``: no choice; ``ODD``, ``TORN``: no response). Each request is a line of LOG.
"""

import json
import math
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

MODEL = AutoModelForCausalLM.from_pretrained(sys.argv[1]).eval()
TOKENIZER = AutoTokenizer.from_pretrained(sys.argv[1])
LOG, LOCK = Path(sys.argv[3]), Lock()
SEEN: set[str] = set()


def first_token(text: str, top: int, words: tuple[str, ...]) -> list[dict[str, Any]]:
    """The likeliest first tokens; ``words`` lose theirs."""
    ids = torch.tensor([TOKENIZER(text)["input_ids"][:-1][-400:]])
    with LOCK, torch.no_grad():
        found = MODEL(ids).logits[0, -1].log_softmax(0)
    for word in words:
        found[TOKENIZER.convert_tokens_to_ids(word)] = -math.inf
    # The tiny model would never say A or B by itself.
    found[TOKENIZER.convert_tokens_to_ids(["a", "b"])] += 0 if words else 12
    values, tokens = found.log_softmax(0).topk(top)
    words_of = [TOKENIZER.convert_ids_to_tokens(int(token)).upper() for token in tokens]
    return [{"token": word, "logprob": float(value)} for word, value in zip(words_of, values, strict=True)]


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass

    def _send(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self._send(200, {"object": "list", "data": [{"id": "tiny", "object": "model"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        chat = self.path.endswith("/chat/completions")
        text = body["messages"][0]["content"] if chat else body["prompt"]
        with LOCK, LOG.open("a") as log:
            log.write(json.dumps({"text": text, "key": self.headers.get("Authorization")}) + "\n")
        if body["model"] != "tiny":
            return self._send(404, {"error": {"message": f"the model {body['model']} does not exist"}})
        if "BUSY" in text and text not in SEEN:
            SEEN.add(text)
            return self._send(503, {"error": {"message": "busy"}})
        if "TOO LONG" in text or "the green chlorophyll" in text:
            return self._send(400, {"error": {"message": "context length exceeded"}})
        if "HOLLOW" in text:
            return self._send(200, {"error": "nothing"})
        if "ODD" in text:
            return self._send(200, {"choices": ["A"], "usage": {"total_tokens": "many"}})
        if "TORN" in text:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "9")
            self.end_headers()
            self.wfile.write(b'{"choice ')
            return None
        if "LATE" in text:
            time.sleep(5)
        top = first_token(text, 20, ("a", "b") if "ESSAY" in text else ())
        message: dict[str, Any] = {"role": "assistant", "content": top[0]["token"]}
        logprobs: Any = {"content": [{**top[0], "top_logprobs": top}]}
        if not chat:
            logprobs = {"top_logprobs": [{one["token"]: one["logprob"] for one in top}]}
        if "BARE" in text:
            logprobs = None
        finish = "length"
        if "REFUSE" in text:
            message, finish = {"role": "assistant", "content": None, "refusal": "No."}, "content_filter"
        tokens = len(TOKENIZER(text)["input_ids"])
        choice = {"index": 0, "finish_reason": finish, "logprobs": logprobs}
        choice |= {"message": message} if chat else {"text": top[0]["token"]}
        usage = {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": tokens + 1}
        self._send(200, {"id": "1", "object": "x", "created": 0, "model": "tiny", "choices": [choice], "usage": usage})
        return None


if __name__ == "__main__":
    ThreadingHTTPServer.allow_reuse_address = True
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
