"""sentence-transformers' msmarco-hard-negatives: ``{"qid", "pos": [pid], "neg": {system: [pid, ...]}}`` a line.

The teacher's scores lie in a file of their own, a gzipped pickle of ``{qid: {pid: score}}``; give it as ``scores``.
Without it the set holds candidates that are still to be scored. An export writes both:
``NAME.jsonl`` and ``NAME-scores.pkl.gz``.
Source of the form: the data set card of sentence-transformers/msmarco-hard-negatives.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from distillir.collections import Collection
from distillir.errors import DistillirError
from distillir.files import atomic_file, read_jsonl
from distillir.progress import say
from distillir.teaching.formats.format import Format, Settings
from distillir.teaching.formats.lists import IdList, RowList, to_rows
from distillir.teaching.formats.score_file import load_scores, write_scores_file
from distillir.teaching.formats.values import read_id, write_id
from distillir.teaching.negatives import Negatives
from distillir.teaching.teaching_set import TeachingSet


def _read(source: Path, collection: Collection, settings: Settings) -> Iterator[RowList]:
    lists = _lists(source, settings)
    if settings.scores is not None:
        lists = _scored(lists, settings.scores)
    return to_rows(lists, str(source), collection, settings.unknown)


def _lists(source: Path, settings: Settings) -> Iterator[IdList]:
    met: set[str] = set()
    for number, line in read_jsonl(source):
        where = f"{source}:{number}"
        negatives = line.get("neg", {})
        systems = negatives if isinstance(negatives, dict) else {"": negatives}
        met |= set(systems)
        positives = _ids(line.get("pos", []), "pos", where)
        ids = list(positives)
        for name, mined in systems.items():
            if settings.systems is None or name in settings.systems:
                ids += _ids(mined, f"neg.{name}", where)[: settings.per_system]
        if not ids:
            continue
        flags = [i < len(positives) for i in range(len(ids))]
        yield IdList(number, read_id(line.get("qid"), where, "query"), ids, None, flags)
    if settings.systems and (wrong := sorted(set(settings.systems) - met)):
        raise DistillirError(f"no system {wrong[0]!r}", where=source, remedy=f"there are: {', '.join(sorted(met))}")


def _ids(value: Any, key: str, where: str) -> list[str]:
    if not isinstance(value, list):
        raise DistillirError(f"{key!r} is no list of ids", where=where)
    return [read_id(entry, where, "document") for entry in value]


def _scored(lists: Iterator[IdList], file: Path) -> Iterator[IdList]:
    """The lists with their scores; candidates that the file has none for are left out."""
    scores = load_scores(file)
    missing = 0
    for entry in lists:
        known = scores.of(entry.query)
        places = [i for i, document in enumerate(entry.documents) if document in known]
        missing += len(entry.documents) - len(places)
        if places and entry.relevant is not None:
            documents = [entry.documents[i] for i in places]
            flags = [entry.relevant[i] for i in places]
            yield IdList(entry.line, entry.query, documents, [known[document] for document in documents], flags)
    if missing:
        say(f"left out {missing:,} candidates without a score in {file}")


def _write(teaching_set: TeachingSet, collection: Collection, path: Path) -> None:
    allowed = Negatives(teaching_set, collection)
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        for index, query in enumerate(teaching_set.queries):
            relevant, rows = teaching_set.relevant(index), teaching_set.documents(index)
            positives, negatives = (
                [write_id(i) for i in collection.corpus.ids(part)]
                for part in (rows[relevant], rows[allowed.of(index, relevant)])
            )
            line = {
                "qid": write_id(collection.queries.id(int(query))),
                "pos": positives,
                "neg": {"distillir": negatives},
            }
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    allowed.say()
    if teaching_set.has_scores:
        write_scores_file(teaching_set, collection, path.with_name(f"{path.stem}-scores.pkl.gz"))


def _recognises(path: Path, first: str) -> bool:
    return first.lstrip().startswith("{") and '"qid"' in first and '"neg"' in first


FORMAT = Format(
    name="hard-negatives",
    description="sentence-transformers' msmarco-hard-negatives jsonl, with the scores in a file of their own",
    recognises=_recognises,
    read=_read,
    texts=lambda source: None,
    write=_write,
    settings=frozenset({"scores", "systems", "per_system"}),
)
