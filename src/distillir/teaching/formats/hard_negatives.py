"""sentence-transformers' msmarco-hard-negatives: ``{"qid", "pos": [pid], "neg": {system: [pid, ...]}}`` a line.

An entry is an id, or a record with one and perhaps a score: ``{"pid": 5, "ce-score": 9.1}``. Scores may stand in the
line (``pos_scores``, ``neg_scores``, ``teacher_scores``), or in a file of their own, a gzipped pickle of
``{qid: {pid: score}}``; give it as ``scores``. Without any the set holds candidates that are still to be scored. An
export writes both: ``NAME.jsonl`` and ``NAME-scores.pkl.gz``.
Source of the form: the data set card of sentence-transformers/msmarco-hard-negatives.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.files import atomic_file
from distillir.base.progress import say
from distillir.collections import Collection
from distillir.teaching.formats.example import Candidate, Example, first_key, one_score, query_of, scores_under
from distillir.teaching.formats.format import Format, Glance, Settings
from distillir.teaching.formats.lists import IdList, RowList, to_rows
from distillir.teaching.formats.records import Record, count_records, read_records
from distillir.teaching.formats.score_file import load_scores, write_scores_file
from distillir.teaching.formats.values import read_id, write_id
from distillir.teaching.negatives import Negatives
from distillir.teaching.teaching_set import TeachingSet

QUERY_ID = ("qid", "query_id", "query-id", "_id", "id")
POSITIVE = ("pos", "positives", "positive_ids", "pos_id", "pos_ids", "positive_document_ids")
NEGATIVE = ("neg", "negatives", "negative_ids", "neg_id", "neg_ids", "negative_document_ids", "hard_negatives")
ENTRY_ID = ("pid", "docid", "doc_id", "document_id", "passage_id", "id", "_id")
ENTRY_SCORE = ("ce-score", "ce_score", "score")


def _example(value: Mapping[str, Any], where: str, settings: Settings, met: set[str]) -> Example:
    example = query_of(value, (), QUERY_ID, where)
    if example.query_id is None:
        key = next((key for key in QUERY_ID if key in value), "qid")
        raise DistillirError(f"None is no query id (under {key!r})", where=where, remedy=f"write {FORMAT.expected}")
    positive, negative = first_key(value, POSITIVE), first_key(value, NEGATIVE)
    given = value[negative] if negative is not None else {}
    systems = given if isinstance(given, dict) else {"": given}
    met |= set(systems)
    if positive is not None:
        example.positives = _entries(value[positive], positive, example, where)
    taken = [name for name in systems if settings.systems is None or name in settings.systems]
    for name in taken:
        place = f"{negative}.{name}" if name else str(negative)
        example.others += _entries(systems[name], place, example, where)[: settings.per_system]
    example.read.update(key for key in (positive, negative) if key is not None)
    if settings.scores is None and len(systems) == 1 and settings.per_system is None:
        _scores_in_line(value, example, where)
    elif settings.scores is not None:
        example.positives = [one._replace(score=None) for one in example.positives]
        example.others = [one._replace(score=None) for one in example.others]
    return example


def _entries(value: Any, key: str, example: Example, where: str) -> list[Candidate]:
    if not isinstance(value, list):
        raise DistillirError(f"{key!r} is no list of ids", where=where, remedy="write a list: [7, 12]")
    return [_entry(entry, key, example, where) for entry in value]


def _entry(entry: Any, key: str, example: Example, where: str) -> Candidate:
    if not isinstance(entry, dict):
        return Candidate(read_id(entry, where, "document"))
    name = first_key(entry, ENTRY_ID)
    if name is None:
        raise DistillirError(
            f"an entry of {key!r} without an id", where=where, remedy=f"known are {', '.join(ENTRY_ID)}"
        )
    scored = first_key(entry, ENTRY_SCORE)
    example.passed |= {f"{key}.{other}" for other in entry if other not in (name, scored)}
    score = None if scored is None else one_score(entry, scored, f"{key}.{scored}", example, where)
    return Candidate(read_id(entry[name], where, "document"), None, "", score)


def _scores_in_line(value: Mapping[str, Any], example: Example, where: str) -> None:
    """Take ``pos_scores`` and ``neg_scores``, or one list of scores for both."""
    sides = [first_key(value, keys) for keys in (("pos_scores", "positive_scores"), ("neg_scores", "negative_scores"))]
    counts = len(example.positives), len(example.others)
    if any(side is not None for side in sides):
        found = [
            scores_under(value, side, count, f"ids of {part}", example, where)
            for side, count, part in zip(sides, counts, ("pos", "neg"), strict=True)
        ]
        if any(scores is None and count for scores, count in zip(found, counts, strict=True)):
            raise DistillirError("scores for pos or neg only", where=where, remedy="give both or none")
        values = [*(found[0] or []), *(found[1] or [])]
    elif key := first_key(value, ("teacher_scores", "scores")):
        values = scores_under(value, key, sum(counts), "ids of pos and neg together", example, where) or []
    else:
        return
    every = [one._replace(score=score) for one, score in zip(example.candidates, values, strict=True)]
    example.positives, example.others = every[: counts[0]], every[counts[0] :]


def _read(source: Path, collection: Collection, settings: Settings) -> Iterator[RowList]:
    return to_rows(_scored(_lists(source, settings), settings), str(source), collection, settings.unknown)


def _lists(source: Path, settings: Settings) -> Iterator[IdList]:
    met: set[str] = set()
    for record in read_records(source):
        if not isinstance(record.value, dict):
            raise DistillirError("no JSON object", where=record.where, remedy=f"write {FORMAT.expected}")
        example = _example(record.value, record.where, settings, met)
        _account(record, example, settings)
        if example.candidates:
            yield _list(record, example)
    if settings.systems and (wrong := sorted(set(settings.systems) - met)):
        raise DistillirError(f"no system {wrong[0]!r}", where=source, remedy=f"there are: {', '.join(sorted(met))}")


def _account(record: Record, example: Example, settings: Settings) -> None:
    settings.tally.record(record.value, example.read, example.passed)
    for note in example.notes:
        settings.tally.note(note)
    if not example.candidates:
        settings.tally.note("{} records have no candidate")
    if example.prompt is not None:
        settings.tally.prompts[example.prompt] += 1


def _list(record: Record, example: Example) -> IdList:
    known = [one.score for one in example.candidates if one.score is not None]
    if known and len(known) < len(example.candidates):
        raise DistillirError(
            "some candidates have scores and some not", where=record.where, remedy="give scores to all or to none"
        )
    flags = [True] * len(example.positives) + [False] * len(example.others)
    ids = [str(one.id) for one in example.candidates]
    return IdList(record.number, str(example.query_id), ids, known or None, flags, record.where)


def _scored(lists: Iterator[IdList], settings: Settings) -> Iterator[IdList]:
    """Add the scores of a separate file to the lists; candidates without a score are left out."""
    file = settings.scores
    if file is None:
        yield from lists
        return
    scores = load_scores(file)
    missing = positives = bare = kept = 0
    last = ("", "")
    for entry in lists:
        known = scores.of(entry.query)
        places = [i for i, document in enumerate(entry.documents) if document in known]
        missing += len(entry.documents) - len(places)
        flags = list(entry.relevant or [])
        positives += sum(flags) - sum(flags[i] for i in places)
        bare += any(flags) and not any(flags[i] for i in places)
        last = entry.query, entry.documents[0]
        if places:
            kept += 1
            documents = [entry.documents[i] for i in places]
            yield entry._replace(
                documents=documents, scores=[known[d] for d in documents], relevant=[flags[i] for i in places]
            )
    if not kept and missing:
        raise DistillirError(
            f"has no score of any candidate (for example of query {last[0]!r} and document {last[1]!r}); its queries "
            f"are like {scores.example()!r}",
            where=file,
            remedy="give the file that was made for these ids",
        )
    if missing:
        of_positives = f", {positives:,} of them positives" if positives else ""
        say(f"left out {missing:,} candidates without a score in {file}{of_positives}")
    if bare:
        say(
            f"{bare:,} lists lost their only positives so: an objective that compares judged positives passes them over"
        )


def _write(teaching_set: TeachingSet, collection: Collection, path: Path) -> None:
    allowed = Negatives(teaching_set, collection)
    unjudged = 0
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        for index, query in enumerate(teaching_set.queries):
            relevant, rows = teaching_set.relevant(index), teaching_set.documents(index)
            positives, negatives = (
                [write_id(i) for i in collection.corpus.ids(part)]
                for part in (rows[relevant], rows[allowed.of(index, relevant)])
            )
            unjudged += not len(positives)
            line = {
                "qid": write_id(collection.queries.id(int(query))),
                "pos": positives,
                "neg": {"distillir": negatives},
            }
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    allowed.say()
    if unjudged:
        say(f"{unjudged:,} lists have no relevant candidate: sentence-transformers passes them over")
    if teaching_set.has_scores:
        write_scores_file(teaching_set, collection, path.with_name(f"{path.stem}-scores.pkl.gz"))


def _recognises(glance: Glance) -> bool:
    record = glance.record
    if not isinstance(record, dict) or first_key(record, QUERY_ID) is None:
        return False
    sides = [record[key] for keys in (POSITIVE, NEGATIVE) if (key := first_key(record, keys)) is not None]
    entries = list(chain.from_iterable(_flat(side) for side in sides))
    if not sides or any(isinstance(side, dict) and {"doc_id", "score"} <= side.keys() for side in sides):
        return False
    if isinstance(record.get("query"), str):
        # Texts beside the query are FlagEmbedding's form; numbers and records with an id can only be this one.
        return bool(entries) and all(not isinstance(entry, str) for entry in entries)
    return all(not isinstance(entry, dict) or first_key(entry, ENTRY_ID) for entry in entries)


def _flat(side: Any) -> list[Any]:
    """The entries under a key: a list's, or those of the systems' lists."""
    if isinstance(side, dict):
        return [entry for part in side.values() for entry in _flat(part)]
    return side if isinstance(side, list) else [side]


FORMAT = Format(
    name="hard-negatives",
    description="sentence-transformers' msmarco-hard-negatives jsonl, with the scores in the line or in a file",
    expected='{"qid": 1, "pos": [7], "neg": {"bm25": [12, 15]}}, perhaps with --scores FILE',
    recognises=_recognises,
    read=_read,
    texts=lambda source, settings: None,
    write=_write,
    count=count_records,
    settings=frozenset({"scores", "systems", "per_system"}),
    keys=frozenset({"qid", "pos", "neg", "pos_scores", "neg_scores", "negatives"}),
)
