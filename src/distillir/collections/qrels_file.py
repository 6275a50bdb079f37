"""Judgements (qrels) from a file: three columns (BEIR) or four (TREC, MS MARCO)."""

from collections.abc import Iterator
from pathlib import Path

from distillir.collections.source import Judgement
from distillir.errors import DistillirError
from distillir.files import read_lines

REMEDY = "expected query, document, grade (3 columns, BEIR) or query, 0, document, grade (4 columns, TREC)"
HEADERS = {"query-id", "query_id", "queryid", "qid", "query", "topic"}


def read_qrels(path: Path) -> Iterator[Judgement]:
    """Yield the judgements of a file, plain or gzipped; a header in the first line is passed over.

    Columns are separated by tabs where a line has a tab, so that ids may hold spaces, else by any white space. Ids in
    four columns may be percent-encoded, as `distillir.retrieval.trec.encode_id` writes them.

    Raises:
        DistillirError: A line has another number of columns, or a grade is no integer; the message names file and line.
    """
    for number, line in read_lines(path):
        cells = line.split("\t") if "\t" in line else line.split()
        if not line.strip() or (number == 1 and cells[0].strip().lower() in HEADERS and not _is_integer(cells[-1])):
            continue
        if len(cells) not in (3, 4):
            raise DistillirError(f"{len(cells)} columns", where=f"{path}:{number}", remedy=REMEDY)
        if not _is_integer(cells[-1]):
            raise DistillirError(
                f"grade {cells[-1]!r} is no integer",
                where=f"{path}:{number}",
                remedy="grades are integers: 0 for not relevant, 1 and above for relevant",
            )
        yield Judgement(number, cells[0], cells[-2], int(cells[-1]), encoded=len(cells) == 4)


def _is_integer(cell: str) -> bool:
    try:
        return abs(int(cell)) < 1 << 31
    except ValueError:
        return False
