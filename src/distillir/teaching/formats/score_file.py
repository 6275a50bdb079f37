"""Teacher scores in a file of their own: ``{qid: {pid: score}}`` pickled, or lines of qid, pid and score."""

import gzip
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

from distillir.collections import Collection
from distillir.errors import DistillirError
from distillir.files import atomic_file, read_lines
from distillir.teaching.formats.values import read_id, read_score, write_id, write_scores
from distillir.teaching.teaching_set import TeachingSet


class ScoreTable:
    """Scores by query and document, held once, whatever type the ids have in the file.

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


#: The only classes a pickled table of numbers needs; nothing else in the file is run.
NUMBERS = {("numpy", "dtype"), ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar")}


class _NumbersOnly(pickle.Unpickler):
    """Reads dictionaries and numbers and refuses everything else: a pickle can run any code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in NUMBERS:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it holds a {module}.{name}")


def load_scores(file: Path) -> ScoreTable:
    """Read a score file whole into memory: ``.pkl`` or ``.pkl.gz`` pickled, otherwise ``qid pid score`` lines.

    Raises:
        DistillirError: The file is missing or holds something else.
    """
    if not file.is_file():
        raise DistillirError("no such file", where=file, remedy="check the path")
    if ".pkl" in file.suffixes or ".pickle" in file.suffixes:
        return _load_pickle(file)
    table: dict[str | int, dict[str | int, float]] = {}
    for number, line in read_lines(file):
        cells = line.split("\t") if "\t" in line else line.split()
        where = f"{file}:{number}"
        if len(cells) != 3:
            raise DistillirError(
                f"{len(cells)} columns", where=where, remedy="expected query id, document id and score"
            )
        try:
            score = float(cells[2])
        except ValueError:
            raise DistillirError(f"{cells[2]!r} is no number", where=where) from None
        table.setdefault(cells[0], {})[cells[1]] = read_score(score, where)
    return ScoreTable(table, file)


def _load_pickle(file: Path) -> ScoreTable:
    try:
        with cast(IO[bytes], gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")) as stream:
            loaded = _NumbersOnly(stream).load()
    except (OSError, EOFError, pickle.UnpicklingError, ValueError, IndexError, KeyError) as error:
        raise DistillirError(
            f"is no pickled table of scores ({error})", where=file, remedy="expected {qid: {pid: score}}"
        ) from None
    if not isinstance(loaded, dict) or not all(isinstance(scores, dict) for scores in loaded.values()):
        raise DistillirError("is no pickled table of scores", where=file, remedy="expected {qid: {pid: score}}")
    return ScoreTable(loaded, file)


def write_scores_file(teaching_set: TeachingSet, collection: Collection, path: Path) -> None:
    """Write the scores as a gzipped pickle of ``{qid: {pid: score}}``, query by query, never whole in memory.

    Of a query that occurs in several lists, the scores of all are put together.
    """
    places: dict[int, list[int]] = {}
    for index, query in enumerate(teaching_set.queries.tolist()):
        places.setdefault(query, []).append(index)
    with atomic_file(path) as temporary, gzip.open(temporary, "wb") as stream:
        stream.write(b"\x80\x02}")  # protocol 2; an empty dictionary
        for query, indices in places.items():
            scores: dict[int | str, float] = {}
            for index in indices:
                ids = collection.corpus.ids(teaching_set.documents(index))
                scores |= zip(map(write_id, ids), write_scores(teaching_set.scores(index)), strict=True)
            stream.write(_body(write_id(collection.queries.id(query))) + _body(scores) + b"s")  # set the item
        stream.write(b".")


def _body(value: object) -> bytes:
    """The pickle instructions that make a value, without the frame of a whole file."""
    return pickle.dumps(value, protocol=2)[2:-1]
