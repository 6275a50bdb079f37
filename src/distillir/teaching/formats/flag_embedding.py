"""FlagEmbedding's jsonl, texts inline: ``{"query", "pos": [], "neg": [], "pos_scores": [], "neg_scores": []}`` a line.

Our exports add ``query_id``, ``pos_id``, ``neg_id``, and ``judged``: FlagEmbedding cannot train on a line without
a positive, so where no candidate is judged relevant the teacher's best stands under ``pos`` and ``judged`` is false.
Source of the form: FlagOpen/FlagEmbedding, FlagEmbedding/abc/finetune/embedder/AbsDataset.py.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from distillir.collections import Collection
from distillir.errors import DistillirError
from distillir.files import atomic_file, read_jsonl
from distillir.progress import say
from distillir.teaching.formats.format import Format, Settings
from distillir.teaching.formats.inline_texts import InlineTexts, given_ids, text_id, texts_of
from distillir.teaching.formats.lists import IdList, RowList, to_rows
from distillir.teaching.formats.values import read_score, write_scores
from distillir.teaching.negatives import Negatives
from distillir.teaching.teaching_set import TeachingSet


def _read(source: Path, collection: Collection, settings: Settings) -> Iterator[RowList]:
    return to_rows(_lists(source, collection), str(source), collection, settings.unknown)


def _lists(source: Path, collection: Collection) -> Iterator[IdList]:
    made_here = collection.source == str(source)  # of this very file, so that hashes of the texts are ids in it
    for number, line in read_jsonl(source):
        where = f"{source}:{number}"
        if not made_here and "query_id" not in line:
            raise DistillirError(
                "texts without ids cannot be found in a given collection",
                where=where,
                remedy="leave the collection out: one is made of the file's own texts",
            )
        query = given_ids(line, "query_id", 1, where)
        ids: list[str] = []
        scores: list[float] = []
        sizes = []
        for part in ("pos", "neg"):
            texts = texts_of(line, part, where)
            ids += given_ids(line, f"{part}_id", len(texts), where) or [text_id(text) for text in texts]
            values = line.get(f"{part}_scores")
            sizes.append(len(texts))
            if values is not None:
                if not isinstance(values, list) or len(values) != len(texts):
                    raise DistillirError(f"{part}_scores does not fit the {len(texts)} texts of {part}", where=where)
                scores += [read_score(value, where) for value in values]
        if not ids:
            raise DistillirError("neither pos nor neg has a text", where=where)
        if scores and len(scores) != len(ids):
            raise DistillirError("scores for pos or neg only", where=where, remedy="give both or none")
        relevant = [line.get("judged", True) is not False] * sizes[0] + [False] * sizes[1]
        yield IdList(number, query[0] if query else text_id(line["query"]), ids, scores or None, relevant)


def _write(teaching_set: TeachingSet, collection: Collection, path: Path) -> None:
    dropped, allowed = 0, Negatives(teaching_set, collection)
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
    if dropped:
        say(f"left out {dropped:,} lists without a negative, which FlagEmbedding cannot train on")


def _recognises(path: Path, first: str) -> bool:
    return first.lstrip().startswith("{") and '"query"' in first and '"pos"' in first


FORMAT = Format(
    name="flagembedding",
    description="FlagEmbedding jsonl: query, pos, neg as texts, with pos_scores and neg_scores",
    recognises=_recognises,
    read=_read,
    texts=InlineTexts,
    write=_write,
)
