"""Queries that a language model makes: by transformers and over HTTP, asked for once, refused where they are none."""

import json
from pathlib import Path

import numpy as np
import pytest

from distillir.base.errors import DistillirError
from distillir.base.files import cache_root
from distillir.collections import Collection
from distillir.collections.generated import source_document
from distillir.language_models.generator import load_generator
from distillir.language_models.query_generator import QueryGenerator, query
from distillir.language_models.spec import read_generator_spec
from tiny_language_models import let_it_end, save_gpt2, save_t5


@pytest.mark.parametrize("kind", ["gpt2", "t5", "chat"])
def test_a_models_own_words_asked_for_once(kind: str, whole_minilm: str, tmp_path: Path, tiny: Collection) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

    model = (
        save_t5(whole_minilm, tmp_path / kind)
        if kind == "t5"
        else save_gpt2(whole_minilm, tmp_path / kind, kind == "chat")
    )
    make = AutoModelForCausalLM if kind != "t5" else AutoModelForSeq2SeqLM
    let_it_end(model)
    spec = read_generator_spec({"model": model, "max_tokens": 6, "template": "{document} so"}, "here")
    written = dict(load_generator(spec).write([tiny.corpus.text(3), tiny.corpus.text(40)]))
    tokenizer = AutoTokenizer.from_pretrained(model)
    text = f"{' '.join(tiny.corpus.text(40).split())} so"
    ids = tokenizer(f"[CLS] {text} [SEP] answer" if kind == "chat" else text, add_special_tokens=kind != "chat")
    alone = make.from_pretrained(model).generate(
        torch.tensor([ids["input_ids"]]), max_new_tokens=6, do_sample=False, pad_token_id=0
    )
    own = alone[0] if kind == "t5" else alone[0, len(ids["input_ids"]) :]
    assert written[1] == tokenizer.decode(own, skip_special_tokens=True)
    generator = QueryGenerator(spec)
    made = generator.make(tiny, np.array([3, 40]))
    assert [source_document(identifier) for identifier, _ in made] == tiny.corpus.ids([3, 40])
    folder = cache_root() / "generated-queries" / load_generator(spec).fingerprint()
    (kept,) = folder.glob("*.jsonl")
    lines = kept.read_text().splitlines()
    assert len(lines) == 2
    # A kill may tear the last line: that one is asked for again, the other is not, and no new line joins the torn one.
    kept.write_text(lines[0] + "\n" + lines[1][:20])
    assert generator.make(tiny, np.array([3, 40])) == made
    (added,) = set(folder.glob("*.jsonl")) - {kept}
    assert [json.loads(line) for line in added.read_text().splitlines()] == [json.loads(lines[1])]
    assert generator.make(tiny, np.array([3, 40])) == made and len(list(folder.glob("*.jsonl"))) == 2


def test_what_is_a_query() -> None:
    assert query('\n Query: "how do magnets work"\nbecause') == "how do magnets work"
    assert query("Question: what is it?") == "what is it?"
    assert query("") is None and query("magnets") is None and query("word " * 41) is None
    assert source_document("sentence:a:b") == "a:b" and source_document("q17") is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"model": "/no/where"}, "is no model folder"),
        ({"model": "m", "template": "write"}, "does not hold {document}"),
        ({"model": "m", "tokens": 3}, "unknown key 'tokens'"),
        (3, "is no mapping"),
    ],
)
def test_bad_settings(value: object, message: str) -> None:
    with pytest.raises(DistillirError, match=message):
        load_generator(read_generator_spec(value, "queries.generator"))
