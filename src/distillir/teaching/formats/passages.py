"""Lines whose candidates are records with an id and a text: Tevatron, DPR, rank_llm; and SimLM's, with ids alone.

Sources of the forms: texttron/tevatron (README, "Self-prepared training data"); facebookresearch/DPR (README, "Input
data format"); castorini/rank_llm, src/rank_llm/data.py; microsoft/unilm, simlm/README.md.
"""

from collections.abc import Mapping
from typing import Any

from distillir.base.errors import DistillirError
from distillir.teaching.formats.example import Candidate, Example, first_key, one_score, query_of, scores_under
from distillir.teaching.formats.example_format import example_format
from distillir.teaching.formats.format import Glance
from distillir.teaching.formats.values import read_id

IDS = ("docid", "passage_id", "psg_id", "doc_id", "document_id", "pid", "id", "_id")
TEXTS = ("text", "contents", "content", "passage", "segment", "body")
QUERY_IDS = ("query_id", "qid", "_id", "id")


def _passages(
    value: Mapping[str, Any], key: str, example: Example, where: str, *, scored: bool, inner: str = ""
) -> list[Candidate]:
    """The records under a key; ``inner``: the key in each under which title and text stand."""
    given = value.get(key)
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise DistillirError(
            f"{key!r} is no list of records", where=where, remedy='write [{"docid": ..., "text": ...}]'
        )
    example.read.add(key)
    found = []
    for one in given:
        about = one[inner] if inner and isinstance(one.get(inner), dict) else one
        identifier, text = first_key({**about, **one}, IDS), first_key(about, TEXTS)
        if identifier is None and text is None:
            raise DistillirError(f"a record of {key!r} has neither an id nor a text", where=where)
        name = None if identifier is None else read_id({**about, **one}[identifier], where, "document")
        body, title = None if text is None else about[text], about.get("title") or ""
        if not isinstance(title, str) or not (body is None or isinstance(body, str)):
            raise DistillirError(f"a title or text of {key!r} is no text", where=where)
        used = {identifier, text, "title", *(("score",) if scored else ())}
        example.passed |= {f"{key}.{other}" for other in {**about, **one} if other not in used and other != inner}
        score = one_score(one, "score", f"{key}.score", example, where) if scored else None
        found.append(Candidate(name, body, title, score))
    return found


def _tevatron(value: Mapping[str, Any], where: str) -> Example:
    example = query_of(value, ("query", "query_text"), QUERY_IDS, where)
    example.positives = _passages(value, "positive_passages", example, where, scored=True)
    example.others = _passages(value, "negative_passages", example, where, scored=True)
    return example


def _dpr(value: Mapping[str, Any], where: str) -> Example:
    example = query_of(value, ("question", "query"), QUERY_IDS, where)
    example.positives = _passages(value, "positive_ctxs", example, where, scored=False)
    for key in ("hard_negative_ctxs", "negative_ctxs"):
        example.others += _passages(value, key, example, where, scored=False)
    return example


def _rank_llm(value: Mapping[str, Any], where: str) -> Example:
    asked = value.get("query")
    about = asked if isinstance(asked, dict) else {"text": asked}
    example = query_of(about, ("text", "query"), ("qid", "query_id", "id"), where)
    example.read = {"query"}
    example.others = _passages(value, "candidates", example, where, scored=True, inner="doc")
    return example


def _simlm(value: Mapping[str, Any], where: str) -> Example:
    example = query_of(value, (), QUERY_IDS, where)
    if example.query_id is None:
        raise DistillirError("no query id", where=where, remedy="write query_id")
    for key, side in (("positives", example.positives), ("negatives", example.others)):
        given = value.get(key) or {}
        ids = given.get("doc_id") if isinstance(given, dict) else None
        if given and not isinstance(ids, list):
            raise DistillirError(
                f"{key!r} has no list 'doc_id'", where=where, remedy='write {"doc_id": [], "score": []}'
            )
        if isinstance(given, dict) and isinstance(ids, list):
            name = "score" if given.get("score") is not None else None
            scores = scores_under(given, name, len(ids), f"ids of {key}", example, where)
            example.read |= {key} | ({f"{key}.score"} if name else set())
            example.read.discard("score")
            side += [
                Candidate(read_id(one, where, "document"), None, "", scores[i] if scores else None)
                for i, one in enumerate(ids)
            ]
    return example


def _has(*keys: str) -> Any:
    def recognises(glance: Glance) -> bool:
        return isinstance(glance.record, dict) and any(key in glance.record for key in keys)

    return recognises


def _is_simlm(glance: Glance) -> bool:
    sides = [glance.record.get(key) for key in ("positives", "negatives")] if isinstance(glance.record, dict) else []
    return any(isinstance(side, dict) and "doc_id" in side for side in sides)


def _is_rank_llm(glance: Glance) -> bool:
    record = glance.record
    return isinstance(record, dict) and "query" in record and isinstance(record.get("candidates"), list)


TEVATRON = example_format(
    name="tevatron",
    description="Tevatron jsonl: query, positive_passages, negative_passages: docid, title, text, perhaps score",
    expected='{"query_id": "1", "query": "...", "positive_passages": [{"docid": "7", "title": "", "text": "..."}], '
    '"negative_passages": [...]}',
    keys=frozenset({"query_id", "query", "positive_passages", "negative_passages"}),
    recognises=_has("positive_passages", "negative_passages"),
    example=_tevatron,
)
DPR = example_format(
    name="dpr",
    description="DPR's training files: question, positive_ctxs, hard_negative_ctxs, negative_ctxs",
    expected='{"question": "...", "positive_ctxs": [{"title": "", "text": "...", "passage_id": "7"}], '
    '"hard_negative_ctxs": [...], "negative_ctxs": [...]}',
    keys=frozenset({"question", "answers", "positive_ctxs", "negative_ctxs", "hard_negative_ctxs"}),
    recognises=_has("positive_ctxs", "negative_ctxs", "hard_negative_ctxs"),
    example=_dpr,
)
RANK_LLM = example_format(
    name="rank-llm",
    description="rank_llm's requests and results: query, candidates with docid, score and doc",
    expected='{"query": {"text": "...", "qid": "1"}, "candidates": [{"docid": "7", "score": 9.0, "doc": {"contents": '
    '"..."}}]}',
    keys=frozenset({"query", "candidates"}),
    recognises=_is_rank_llm,
    example=_rank_llm,
)
SIMLM = example_format(
    name="simlm",
    description="SimLM's jsonl: query_id, positives and negatives, each with doc_id and score lists",
    expected='{"query_id": "1", "positives": {"doc_id": ["7"], "score": [9.1]}, "negatives": {"doc_id": [], '
    '"score": []}}',
    keys=frozenset({"query_id", "positives", "negatives"}),
    recognises=_is_simlm,
    example=_simlm,
)
