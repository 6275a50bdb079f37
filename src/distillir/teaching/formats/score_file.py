"""Teacher scores in a file of their own: ``{qid: {pid: score}}`` pickled or as JSON, or lines of qid, pid and score."""

import gzip
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

from distillir.base.errors import DistillirError
from distillir.base.files import atomic_file, read_lines
from distillir.base.progress import say
from distillir.collections import Collection
from distillir.teaching.formats.values import is_number, read_id, read_score, write_id, write_scores
from distillir.teaching.teaching_set import TeachingSet

EXPECTED = "expected query id, document id and score, or TREC's query, Q0, document, rank, score, name"
#: Names that a header line gives its columns; without one of each kind the order is query, document, score.
HEADER = {
    "query": ("qid", "query_id", "query-id", "query", "topic", "q_id"),
    "document": ("pid", "docid", "doc_id", "document_id", "corpus-id", "corpus_id", "passage_id", "did", "document"),
    "score": ("score", "ce-score", "ce_score", "teacher_score", "relevance", "similarity"),
}


class ScoreTable:
    """Scores by query and document; ids may be text or numbers in the file.

    Args:
        table: ``{query id: {document id: score}}`` with texts or whole numbers for ids.
        file: Where it is from, for messages.
    """

    def __init__(self, table: Mapping[str | int, Mapping[str | int, float]], file: Path) -> None:
        self._table, self._file = table, file

    def of(self, query: str) -> dict[str, float]:
        """Document ids and scores of a query, empty where it has none.

        Raises:
            DistillirError: An id or a score is something else.
        """
        number = write_id(query)
        scores = self._table.get(query) or self._table.get(number) or {}
        where = f"{self._file} (query {query})"
        return {
            read_id(key, where, "document"): read_score(getattr(score, "item", lambda s=score: s)(), where)
            for key, score in scores.items()
        }

    def example(self) -> str:
        """The id of a query that it has scores of, for messages; empty where it has none."""
        return str(next(iter(self._table), ""))


#: The only classes a pickled table of numbers needs; nothing else in the file is run.
NUMBERS = {("numpy", "dtype"), ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar")}


class _NumbersOnly(pickle.Unpickler):
    """An unpickler of dictionaries and numbers alone, since a pickle can run any code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in NUMBERS:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it holds a {module}.{name}")


def load_scores(file: Path) -> ScoreTable:
    """Read a score file whole into memory.

    Args:
        file: ``.pkl`` or ``.pkl.gz`` pickled, ``.json`` (perhaps compressed) one JSON object, otherwise lines of query,
            document and score, perhaps under a header, or a TREC run.

    Raises:
        DistillirError: The file is missing or holds something else, or a pair has two different scores.
    """
    if not file.is_file():
        raise DistillirError("no such file", where=file, remedy="check the path")
    if ".pkl" in file.suffixes or ".pickle" in file.suffixes:
        return _load_pickle(file)
    if ".json" in file.suffixes:
        return _load_json(file)
    table: dict[str | int, dict[str | int, float]] = {}
    copies, width = 0, 0
    order = (0, 1, 2)
    for number, line in read_lines(file):
        if not line.strip():
            continue
        cells = line.split("\t") if "\t" in line else line.split()
        where = f"{file}:{number}"
        if not width:
            (order, is_header), width = _columns(cells, where), len(cells)
            if is_header:
                say(f"passed over a header line: {', '.join(cells)} ({where})")
                continue
        if len(cells) != width:
            raise DistillirError(f"{len(cells)} columns", where=where, remedy=EXPECTED)
        query, document, given = (cells[place].strip() for place in order)
        if not is_number(given):
            raise DistillirError(f"{given!r} is no number", where=where, remedy=EXPECTED)
        score = read_score(given, where)
        before = table.setdefault(query, {}).setdefault(document, score)
        if before != score:
            raise DistillirError(
                f"query {query!r} and document {document!r} have two scores, {before:g} before and {score:g} here",
                where=where,
                remedy="keep one score of each pair",
            )
        copies += 1
    copies -= sum(map(len, table.values()))
    if copies:
        say(f"{copies:,} lines of {file} say again what an earlier one says")
    return ScoreTable(table, file)


def _columns(cells: list[str], where: str) -> tuple[tuple[int, int, int], bool]:
    """The places of query, document and score, by the first line; and whether that is a header.

    Raises:
        DistillirError: It is no header, and has no score where one is expected.
    """
    if len(cells) == 6:
        return (0, 2, 4), not is_number(cells[4])
    if len(cells) != 3:
        raise DistillirError(f"{len(cells)} columns", where=where, remedy=EXPECTED)
    if is_number(cells[2]):
        return (0, 1, 2), False
    names = [cell.strip().lower().replace(" ", "_") for cell in cells]
    places = [next((names.index(name) for name in known if name in names), -1) for known in HEADER.values()]
    if len(set(places)) == 3 and min(places) >= 0:
        return (places[0], places[1], places[2]), True
    raise DistillirError(
        f"{cells[2]!r} is no number", where=where, remedy=f"{EXPECTED}; known in a header are qid, pid and score"
    )


def _load_pickle(file: Path) -> ScoreTable:
    try:
        with cast(IO[bytes], gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")) as stream:
            loaded = _NumbersOnly(stream).load()
    except (OSError, EOFError, pickle.UnpicklingError, ValueError, IndexError, KeyError) as error:
        raise DistillirError(
            f"is no pickled table of scores ({error})", where=file, remedy="expected {qid: {pid: score}}"
        ) from None
    return _table(loaded, file, "pickled table")


def _load_json(file: Path) -> ScoreTable:
    try:
        loaded = json.loads("\n".join(line for _, line in read_lines(file)))
    except (ValueError, RecursionError) as error:
        raise DistillirError(
            f"is no JSON table of scores ({error})", where=file, remedy="expected {qid: {pid: score}}"
        ) from None
    return _table(loaded, file, "JSON table")


def _table(loaded: Any, file: Path, kind: str) -> ScoreTable:
    if not isinstance(loaded, dict) or not all(isinstance(scores, dict) for scores in loaded.values()):
        raise DistillirError(f"is no {kind} of scores", where=file, remedy="expected {qid: {pid: score}}")
    return ScoreTable(loaded, file)


def write_scores_file(teaching_set: TeachingSet, collection: Collection, path: Path) -> None:
    """Write the scores as a gzipped pickle of ``{qid: {pid: score}}``, query by query, never whole in memory.

    Of a query that occurs in several lists, the scores of all are put together; a document that has another score in a
    later list keeps the first, and is told.
    """
    places: dict[int, list[int]] = {}
    for index, query in enumerate(teaching_set.queries.tolist()):
        places.setdefault(query, []).append(index)
    differing = 0
    with atomic_file(path) as temporary, gzip.open(temporary, "wb") as stream:
        stream.write(b"\x80\x02}")  # protocol 2; an empty dictionary
        for query, indices in places.items():
            scores: dict[int | str, float] = {}
            for index in indices:
                ids = map(write_id, collection.corpus.ids(teaching_set.documents(index)))
                for document, score in zip(ids, write_scores(teaching_set.scores(index)), strict=True):
                    differing += scores.setdefault(document, score) != score
            stream.write(_body(write_id(collection.queries.id(query))) + _body(scores) + b"s")  # set the item
        stream.write(b".")
    if differing:
        say(
            f"{differing:,} documents have another score in a later list of the same query, which {path.name} cannot "
            "hold: the first is written"
        )


def _body(value: object) -> bytes:
    """The pickle instructions that make a value, without the frame of a whole file."""
    return pickle.dumps(value, protocol=2)[2:-1]
