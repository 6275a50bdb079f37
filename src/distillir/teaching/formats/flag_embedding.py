"""FlagEmbedding's jsonl, texts inline: ``{"query", "pos": [], "neg": [], "pos_scores": [], "neg_scores": []}`` a line.

LLM-Embedder's files have one list ``teacher_scores`` (positives, then negatives) in place of the two.
Our exports add ``query_id``, ``pos_id``, ``neg_id``, and ``judged``: FlagEmbedding cannot train on a line without
a positive, so where no candidate is judged relevant the teacher's best stands under ``pos`` and ``judged`` is false.
Source of the form: FlagOpen/FlagEmbedding, FlagEmbedding/abc/finetune/embedder/AbsDataset.py and
research/llm_embedder/src/retrieval/data.py.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from distillir.base.errors import DistillirError
from distillir.base.files import atomic_file
from distillir.base.progress import say
from distillir.collections import Collection
from distillir.teaching.formats.example import (
    Candidate,
    Example,
    first_key,
    ids_under,
    query_of,
    scores_under,
    texts_under,
)
from distillir.teaching.formats.example_format import example_format
from distillir.teaching.formats.format import Glance
from distillir.teaching.formats.values import write_scores
from distillir.teaching.negatives import Negatives
from distillir.teaching.teaching_set import TeachingSet

QUERY = ("query", "question")
QUERY_ID = ("query_id", "qid", "_id", "id")
PARTS = {
    "pos": (
        ("pos", "positives"),
        ("pos_id", "pos_ids", "positive_ids"),
        ("pos_scores", "positive_scores", "pos_score", "positive_score"),
    ),
    "neg": (
        ("neg", "negatives"),
        ("neg_id", "neg_ids", "negative_ids"),
        ("neg_scores", "negative_scores", "neg_score", "negative_score"),
    ),
}
TOGETHER = ("teacher_scores", "scores")


def read_example(value: Mapping[str, Any], where: str) -> Example:
    """Read a line.

    Raises:
        DistillirError: A text is missing, or ids or scores do not fit the texts.
    """
    example = query_of(value, QUERY, QUERY_ID, where)
    if example.query is None:
        raise DistillirError("no text under 'query'", where=where, remedy="each line needs a query")
    found: dict[str, list[Candidate]] = {}
    scored = {}
    for part, (names, ids, scores) in PARTS.items():
        name, identifier, score = (first_key(value, keys) for keys in (names, ids, scores))
        texts = texts_under(value, name, where)
        given = ids_under(value, identifier, len(texts), where)
        example.read.update(key for key in (name, identifier) if key is not None)
        values = scores_under(value, score, len(texts), f"texts of {name or part}", example, where)
        scored[part] = values
        found[part] = [
            Candidate(given[i] if given else None, text, "", values[i] if values else None)
            for i, text in enumerate(texts)
        ]
    example.positives, example.others = found["pos"], found["neg"]
    if not example.candidates:
        raise DistillirError(
            "neither pos nor neg has a text",
            where=where,
            remedy='write {"query": "...", "pos": ["..."], "neg": ["..."]}',
        )
    one_sided = [part for part in found if found[part] and scored[part] is None]
    if any(scored.values()) and one_sided:
        raise DistillirError("scores for pos or neg only", where=where, remedy="give both or none")
    if not any(scored.values()) and (key := first_key(value, TOGETHER)):
        count = len(example.candidates)
        values = scores_under(value, key, count, "texts of pos and neg together", example, where) or []
        every = [one._replace(score=score) for one, score in zip(example.candidates, values, strict=True)]
        example.positives, example.others = every[: len(found["pos"])], every[len(found["pos"]) :]
    if "judged" in value:
        example.judged = value["judged"] is not False
        example.read.add("judged")
    return example


def _write(teaching_set: TeachingSet, collection: Collection, path: Path) -> None:
    dropped = stand_ins = 0
    allowed = Negatives(teaching_set, collection)
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        for index, query in enumerate(teaching_set.queries):
            relevant = teaching_set.relevant(index)
            judged = bool(relevant.any())
            if not judged and len(relevant):
                relevant = np.zeros(len(relevant), dtype=bool)
                relevant[int(teaching_set.scores(index).argmax()) if teaching_set.has_scores else 0] = True
            negative = allowed.of(index, relevant)
            if not negative.any():
                dropped += 1
                continue
            stand_ins += not judged
            line: dict[str, Any] = {"query": collection.queries.text(int(query))}
            for part, chosen in (("pos", relevant), ("neg", negative)):
                rows = teaching_set.documents(index)[chosen]
                line[part] = collection.corpus.texts(rows)
                line[f"{part}_id"] = collection.corpus.ids(rows)
                if teaching_set.has_scores:
                    line[f"{part}_scores"] = write_scores(teaching_set.scores(index)[chosen])
            line |= {"query_id": collection.queries.id(int(query)), "judged": judged}
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    allowed.say()
    if stand_ins:
        best = "the teacher's best" if teaching_set.has_scores else "the first candidate"
        say(f"{stand_ins:,} lists have no relevant candidate: {best} stands under pos, and judged is false")
    if dropped:
        say(f"left out {dropped:,} lists without a negative, which FlagEmbedding cannot train on")


def _recognises(glance: Glance) -> bool:
    record = glance.record
    if not isinstance(record, dict) or first_key(record, QUERY) is None:
        return False
    if not {"pos", "positives"} & record.keys():
        return False
    sides = [record[key] for names, _, _ in PARTS.values() if (key := first_key(record, names))]
    # Ids beside the query are another form's: numbers, or records with an id each.
    return all(isinstance(s, str) or (isinstance(s, list) and all(isinstance(t, str) for t in s)) for s in sides)


FORMAT = example_format(
    name="flagembedding",
    description="FlagEmbedding jsonl: query, pos, neg as texts, with pos_scores and neg_scores, or teacher_scores",
    expected='{"query": "...", "pos": ["..."], "neg": ["..."], "pos_scores": [1.0], "neg_scores": [0.5]}',
    keys=frozenset({*QUERY, "pos", "neg", "pos_scores", "neg_scores", "teacher_scores", "prompt"}),
    recognises=_recognises,
    example=read_example,
    write=_write,
)
