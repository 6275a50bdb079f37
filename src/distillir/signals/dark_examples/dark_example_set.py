"""The dark examples of a teaching set on disk, with the teacher's scores of them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from distillir.base.arrays import Rows, Scores
from distillir.base.environment import raise_if_refused
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory, atomic_file
from distillir.collections.table import TextTable
from distillir.collections.table_writer import TableWriter
from distillir.signals.dark_examples.dark_example import DarkExample
from distillir.signals.dark_examples.make import Made

TEXTS, MADE, SCORED, SOURCE = "texts", "made.parquet", "dark.parquet", "source"


@dataclass(frozen=True)
class ListDarkExamples:
    """The dark examples of one list of candidates.

    Attributes:
        positive: Place of the list's positive among its candidates.
        candidates: The teacher's scores of the candidates [N], given together with those of the dark examples: they are
            comparable, also where a teacher normalises over a list.
        rows: Rows of the dark examples [D] in `DarkExampleSet.texts`.
        scores: The teacher's scores of them [D].
        kinds: ``reinforced`` or ``noisy`` [D].
    """

    positive: int
    candidates: Scores
    rows: Rows
    scores: Scores
    kinds: tuple[str, ...]


class DarkExampleSet:
    """All dark examples of a teaching set; opened by row of its lists.

    Args:
        path: Folder that `write_texts` and `write_dark_scores` filled.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.texts = TextTable(path / TEXTS)
        self._made = pq.read_table(path / TEXTS / MADE)
        table = pq.read_table(path / SCORED)
        places, ends = _split(self._made.column("list").to_numpy())
        kinds = np.array(self._made.column("kind").to_pylist(), dtype=object)
        scores = self._read(table, "dark")
        self.lists: dict[int, ListDarkExamples] = {
            int(index): ListDarkExamples(int(positive), candidates, rows, dark, tuple(kinds[rows]))
            for index, positive, candidates, dark, rows in zip(
                table.column("list").to_pylist(),
                table.column("positive").to_pylist(),
                self._read(table, "candidates"),
                scores,
                np.split(places, ends),
                strict=True,
            )
        }

    def __reduce__(self) -> tuple[type["DarkExampleSet"], tuple[Path]]:
        return (DarkExampleSet, (self.path,))

    @staticmethod
    def _read(table: pa.Table, name: str) -> list[Scores]:
        column = table.column(name).combine_chunks()
        offsets = np.asarray(column.offsets)
        values = np.asarray(column.values, dtype=np.float32)
        return [values[a:b] for a, b in pairwise(offsets)]

    def text(self, row: int) -> DarkExample:
        """A dark example as it was made."""
        cells = self._made.slice(row, 1).to_pylist()[0]
        spans = tuple((int(begin), int(end)) for begin, end in cells["injected"])
        return DarkExample(self.texts.body(row), cells["kind"], cells["how"], spans)


def write_texts(made: Iterable[Made], query_ids: Sequence[str], path: Path, source: str) -> None:
    """Write dark examples into ``path / "texts"``, which appears when it is complete.

    Args:
        made: Of each list, in order.
        query_ids: The id of each list's query.
        path: Folder of the set.
        source: Identity of what they were made of; see `check_fingerprint`.

    Raises:
        DistillirError: There is no text; nothing is written.
    """
    columns: dict[str, list[object]] = {name: [] for name in ("list", "positive", "kind", "how", "injected")}
    lists = 0
    with atomic_directory(path / TEXTS) as folder:
        writer = TableWriter(folder, "dark text")
        for found in made:
            lists += 1
            for number, dark in enumerate(found.texts):
                writer.add(f"{found.index}/{query_ids[found.index]}/{number}", dark.text)
                values = (found.index, found.positive, dark.kind, dark.how, [list(span) for span in dark.injected])
                for column, value in zip(columns.values(), values, strict=True):
                    column.append(value)
        if not columns["list"]:
            raise DistillirError(
                f"no dark example can be made: {'the positives are too short' if lists else 'no list has a positive'}",
                where="method.dark",
                remedy="leave method.dark out for this collection"
                if lists
                else "set candidates.add_judged, or training.pseudo_positives for the teacher's best",
            )
        writer.close()
        pq.write_table(pa.table(columns, schema=_MADE), str(folder / MADE))
        (folder / SOURCE).write_text(source)


_MADE = pa.schema(
    [
        ("list", pa.int64()),
        ("positive", pa.int64()),
        ("kind", pa.string()),
        ("how", pa.string()),
        ("injected", pa.list_(pa.list_(pa.int64()))),
    ]
)


@dataclass(frozen=True)
class Unscored:
    """The dark examples of one list that wait for their scores.

    Attributes:
        index: Of the list.
        positive: Place of its positive.
        rows: Of its dark examples.
    """

    index: int
    positive: int
    rows: Rows


def read_unscored(path: Path) -> list[Unscored]:
    """The lists whose dark examples `write_texts` has written, in order."""
    with _damage_told(path):
        table = pq.read_table(path / TEXTS / MADE)
    index, positive = table.column("list").to_numpy(), table.column("positive").to_numpy()
    places, ends = _split(index)
    groups = np.split(places, ends) if len(places) else []
    return [Unscored(int(index[rows[0]]), int(positive[rows[0]]), rows) for rows in groups]


def _split(index: Rows) -> tuple[Rows, Rows]:
    """All places of a column, and those where its value changes."""
    return np.arange(len(index), dtype=np.int64), np.flatnonzero(np.diff(index)) + 1


def write_dark_scores(
    lists: Sequence[Unscored], candidates: Sequence[Scores], dark: Sequence[Scores], path: Path
) -> None:
    """Complete the set in ``path`` with the teacher's scores of each list's candidates and dark examples."""
    table = pa.table(
        {
            "list": pa.array([made.index for made in lists], pa.int64()),
            "positive": pa.array([made.positive for made in lists], pa.int64()),
            "candidates": pa.array([scores.tolist() for scores in candidates], pa.list_(pa.float32())),
            "dark": pa.array([scores.tolist() for scores in dark], pa.list_(pa.float32())),
        }
    )
    with atomic_file(path / SCORED) as temporary:
        pq.write_table(table, str(temporary))


def is_complete(path: Path) -> bool:
    """Tell whether a set was written to its end."""
    return (path / SCORED).is_file()


def check_fingerprint(path: Path, source: str) -> None:
    """Refuse dark examples that were made of something else than ``source``, the identity of a teaching set and a spec.

    Raises:
        DistillirError: They were, or do not say of what.
    """
    with _damage_told(path):
        found = (path / TEXTS / SOURCE).read_text()
    if found != source:
        raise DistillirError("was made of another teaching set or by other settings", where=path, remedy="delete it")


def open_dark_set(path: Path) -> DarkExampleSet:
    """Open the dark examples of a teaching set.

    Raises:
        DistillirError: They are missing or damaged.
    """
    if not is_complete(path):
        raise DistillirError("is missing", where=path, remedy="run `distillir score` with this recipe first")
    with _damage_told(path):
        return DarkExampleSet(path)


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, IndexError, pa.ArrowException) as error:
        raise_if_refused(error)
        first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DistillirError(f"cannot be read ({first})", where=path, remedy="it is damaged: delete it") from None
