"""sentence-transformers' columns: pairs, triplets, n-tuples and labelled lists of texts (or of ids), a row each.

Rows of one query become one list. A row may also be a JSON list of texts, ``["anchor", "positive", "negative"]``.
A label of 0 or 1 says what is relevant; a number beside a triplet is a margin
(MarginMSE), a list of as many numbers as negatives are margins too, one of a number for each document are scores.
Source of the forms: sbert.net, "Loss Overview" and `sentence_transformers.util.mine_hard_negatives`
(``output_format``).
"""

import re
from collections.abc import Mapping
from typing import Any

from distillir.base.errors import DistillirError
from distillir.teaching.formats.example import (
    TEXT_SCORES,
    Candidate,
    Example,
    first_key,
    query_of,
    texts_under,
)
from distillir.teaching.formats.example_format import example_format
from distillir.teaching.formats.format import Glance
from distillir.teaching.formats.values import read_id, read_score

QUERY = ("anchor", "query", "question", "sentence1", "sentence_1", "text1", "sentence_A")
POSITIVE = ("positive", "answer", "passage", "document", "response", "sentence2", "sentence_2", "text2", "sentence_B")
POSITIVE_LIST = ("docs", "documents", "passages", "answers")
NEGATIVE = ("negative", "negatives", "neg", "hard_negatives")
NUMBERED = re.compile(r"^(positive|negative)_(\d+)$")
IDS = {
    "query": ("query_id", "qid", "anchor_id"),
    "positive": ("positive_id", "pos_id"),
    "negative": ("negative_id", "neg_id"),
}
PASSAGE_ID = ("passage_id", "document_id", "doc_id")
LABELS = ("label", "labels", "score", "scores", "margin", "similarity")


def _example(value: Mapping[str, Any], where: str) -> Example:
    example = query_of(value, QUERY, IDS["query"], where)
    if example.query is None and example.query_id is None:
        raise DistillirError(
            f"no text under {QUERY[0]!r} or {QUERY[1]!r}", where=where, remedy=f"write {FORMAT.expected}"
        )
    positives = _side(value, "positive", (*POSITIVE, *POSITIVE_LIST), (*IDS["positive"], *PASSAGE_ID), example, where)
    negatives = _side(value, "negative", NEGATIVE, IDS["negative"], example, where)
    if not positives and not negatives:
        raise DistillirError("neither a positive nor a negative", where=where, remedy=f"write {FORMAT.expected}")
    example.positives, example.others = positives, negatives
    if key := first_key(value, LABELS):
        example.read.add(key)
        _label(value[key], key, example, where)
    return example


def _side(
    value: Mapping[str, Any], side: str, names: tuple[str, ...], ids: tuple[str, ...], example: Example, where: str
) -> list[Candidate]:
    """The candidates of one side: one text, several under one key, or several numbered keys."""
    numbered = sorted(
        (key for key in value if (match := NUMBERED.match(key)) and match[1] == side and value[key] is not None),
        key=lambda key: int(key.rsplit("_", 1)[1]),
    )
    key, identifier = first_key(value, names), first_key(value, ids)
    texts: list[str] = []
    if key is not None:
        texts = texts_under(value, key, where)
        example.read.add(key)
    for name in numbered:
        if not isinstance(value[name], str):
            raise DistillirError(f"no text under {name!r}", where=where)
        texts.append(value[name])
        example.read.add(name)
    if identifier is None:
        return [Candidate(None, text) for text in texts]
    given = value[identifier] if isinstance(value[identifier], list) else [value[identifier]]
    example.read.add(identifier)
    if texts and len(texts) != len(given):
        raise DistillirError(f"{len(given)} ids under {identifier!r} for {len(texts)} texts", where=where)
    read = [read_id(one, where, "document") for one in given]
    return [Candidate(one, texts[i] if texts else None) for i, one in enumerate(read)]


def _label(value: Any, key: str, example: Example, where: str) -> None:
    """Read what stands under a label: relevance, margins or scores."""
    positives, others = example.positives, example.others
    values = value if isinstance(value, list) else [value]
    if any(isinstance(one, str) for one in values):
        example.notes.append(TEXT_SCORES)
    numbers = [read_score(one, where) for one in values]
    flags = key.startswith("label") and all(type(one) is int and one in (0, 1) for one in values)
    if len(values) == len(positives) + len(others) and (flags or isinstance(value, list) or not others):
        if flags:
            every = example.candidates
            example.positives = [one for one, number in zip(every, numbers, strict=True) if number]
            example.others = [one for one, number in zip(every, numbers, strict=True) if not number]
            return
        every = [one._replace(score=number) for one, number in zip(example.candidates, numbers, strict=True)]
        example.positives, example.others = every[: len(positives)], every[len(positives) :]
        if not others:
            # Of documents that differ in their scores alone none is called relevant.
            example.judged = False
    elif len(values) == len(others) and len(positives) == 1:
        example.margins = True
        example.positives = [positives[0]._replace(score=0.0)]
        example.others = [one._replace(score=-margin) for one, margin in zip(others, numbers, strict=True)]
    else:
        raise DistillirError(
            f"{len(values)} numbers under {key!r} for {len(positives)} positives and {len(others)} negatives",
            where=where,
            remedy="give a score for each, or for each negative its margin to the one positive",
        )


def _recognises(glance: Glance) -> bool:
    record = glance.record
    if isinstance(record, list):
        # A line of texts; one of ids is ColBERT's, and ids have no spaces.
        return len(record) > 1 and _is_texts(record) and any(" " in text.strip() for text in record)
    if not isinstance(record, dict):
        return False
    query = first_key(record, QUERY) or first_key(record, IDS["query"])
    one = [key for key in POSITIVE if isinstance(record.get(key), str)]
    several = [key for key in ("positive", *POSITIVE_LIST) if _is_texts(record.get(key)) and first_key(record, LABELS)]
    ids = [key for key in (*IDS["positive"], *PASSAGE_ID) if isinstance(record.get(key), str | int)]
    numbered = [key for key in record if NUMBERED.match(key)]
    texts = isinstance(record.get(first_key(record, QUERY) or ""), str) and bool(one or several or numbered)
    by_ids = first_key(record, QUERY) is None and bool(ids) and first_key(record, LABELS) is not None
    negatives = _is_texts(record.get("positive")) and _is_texts(record.get("negative"))
    return query is not None and not {"pos", "neg"} & record.keys() and (texts or by_ids or negatives)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


FORMAT = example_format(
    name="triplets",
    description="sentence-transformers' pairs, triplets and n-tuples: anchor, positive, negative(s), label or score",
    expected='{"anchor": "...", "positive": "...", "negative": "..."}',
    keys=frozenset({*QUERY, "positive", "negative", "negatives", "negative_1", "label", "score", "positive_id"}),
    recognises=_recognises,
    example=_example,
    merge=True,
    columns=("anchor", "positive", "negative"),
)
