"""What a generator behind a server says that is no query: not kept, asked again, and an end where it is most."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from distillir.base.errors import DistillirError
from distillir.base.files import cache_root
from distillir.collections import Collection
from distillir.language_models.generator import load_generator
from distillir.language_models.query_generator import QueryGenerator
from distillir.language_models.spec import read_generator_spec
from scripted_server import Reply, ScriptedServer, fails, prompt_of, says, says_plainly

ROWS = np.arange(8)


def good(body: dict[str, Any]) -> Reply:
    text = f"how many words are in {len(prompt_of(body))} letters"
    return says(text) if "messages" in body else says_plainly(text + "\nand then it goes", finish="length")


def generator(server: ScriptedServer, **more: Any) -> QueryGenerator:
    options = {"server": server.address, "model": "m", "retries": 0, "in_flight": 4, **more}
    return QueryGenerator(read_generator_spec(options, "here"))


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (lambda body: fails(400, "cannot read this"), "8 rejected by the server.*check model and api"),
        (lambda body: (200, {"choices": []}, {}), "8 rejected by the server"),
        (lambda body: says("<think> Okay, the user wants", "length"), "8 thoughts without an answer.*enable_thinking"),
        (lambda body: says(None, "length", reasoning_content="The user"), "8 thoughts without an answer"),
        (lambda body: says("how to mend a kettle that", "length"), "8 cut off by max_tokens.*raise max_tokens"),
        (lambda body: says(""), "8 empty"),
        (lambda body: says_plainly("how to mend a kettle that", "length"), "8 cut off by max_tokens"),
        (lambda body: says_plainly("<think> Okay, the user wants", "length"), "8 thoughts without an answer"),
        (lambda body: fails(502, "bad gateway"), "does not answer"),
        (lambda body: fails(402, "Insufficient Balance"), "waiting does not help"),
    ],
)
def test_what_was_no_answer_is_asked_again(
    reply: Callable[[dict[str, Any]], Reply], message: str, tiny: Collection
) -> None:
    with ScriptedServer(reply) as server:
        api = "completions" if "'text'" in repr(reply({})) else "chat"
        with pytest.raises(DistillirError, match=message):
            generator(server, api=api).make(tiny, ROWS)
        server.asked.clear()
        server.reply = good
        made = generator(server, api=api).make(tiny, ROWS)
        assert len(server.asked) == 8 == len(made) == len({identifier for identifier, _ in made})
        assert all(text.endswith(" letters") for _, text in made)
        server.asked.clear()
        assert generator(server, api=api).make(tiny, ROWS) == made and not server.asked


def test_few_are_counted_and_left_out_and_a_refusal_is_for_good(
    tiny: Collection, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = tiny.corpus.texts(ROWS.tolist())
    odd = {1: says("how to mend a kettle that", "length"), 2: says(None, refusal="No."), 5: fails(400, "too odd")}

    def reply(body: dict[str, Any]) -> Reply:
        place = next(place for place, text in enumerate(texts) if " ".join(text.split()) in prompt_of(body))
        return odd.get(place) or good(body)

    with ScriptedServer(reply) as server:
        made = generator(server).make(tiny, ROWS)
        assert [identifier for identifier, _ in made] == [
            f"generated:{tiny.corpus.id(row)}" for row in ROWS.tolist() if row not in odd
        ]
        told = capsys.readouterr().err
        assert (
            "m made no query of 3 of 8 documents" in told and "1 cut off by max_tokens" in told and "1 refused" in told
        )
        server.asked.clear()
        generator(server).make(tiny, ROWS)
        assert len(server.asked) == 2


def test_what_earlier_versions_kept_is_used_where_it_was_an_answer(tiny: Collection) -> None:
    with ScriptedServer(good) as server:
        maker = generator(server)
        made = dict(maker.make(tiny, ROWS))
        folder = cache_root() / "generated-queries" / load_generator(maker.spec).fingerprint()
        (file,) = folder.glob("*.jsonl")
        entries = [json.loads(line) for line in file.read_text().splitlines()]
        earlier = ["how to mend a kettle", "", "<think> Okay, the user", "Okay, so I need to come up with a query",
                   "word " * 17, "<think>a</think>which tram", "what is a samovar?", "when do trams run"]  # fmt: skip
        lines = [json.dumps({"key": one["key"], "query": said}) for one, said in zip(entries, earlier, strict=True)]
        file.write_text("\n".join(lines) + "\n")
        server.asked.clear()
        again = dict(generator(server).make(tiny, ROWS))
        assert len(server.asked) == 4 and len(again) == 8
        kept = {"how to mend a kettle", "which tram", "what is a samovar?", "when do trams run"}
        assert kept <= set(again.values()) and set(again.values()) - kept <= set(made.values())


def test_many_that_are_none_end_it_before_all_are_paid_for(tiny: Collection) -> None:
    with ScriptedServer(lambda body: says("<think>", "length")) as server:
        with pytest.raises(DistillirError, match="more than half"):
            generator(server).make(tiny, np.arange(60))
        assert len(server.asked) < 30
