"""GPL's training data: ``query id, positive id, negative id, margin``, tab-separated.

A margin is the teacher's score of the positive less that of the negative; see `merge_margins` for the scores it gives.
Source of the form: UKPLab/gpl, gpl/toolkit/pl.py (``gpl-training-data.tsv``).
"""

from collections.abc import Iterator
from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.base.files import read_lines
from distillir.base.progress import say
from distillir.collections import Collection
from distillir.teaching.formats.format import Format, Glance, Settings
from distillir.teaching.formats.lists import IdList, RowList, to_rows
from distillir.teaching.formats.margins import merge_margins
from distillir.teaching.formats.values import is_number, read_score

EXPECTED = "query id, positive id, negative id, margin, with tabs between"


def _read(source: Path, collection: Collection, settings: Settings) -> Iterator[RowList]:
    lists = merge_margins(_pairs(source), settings.tally)
    return to_rows(lists, str(source), collection, settings.unknown)


def _pairs(source: Path) -> Iterator[IdList]:
    for number, line in read_lines(source):
        if not line.strip():
            continue
        where, cells = f"{source}:{number}", line.split("\t")
        if len(cells) != 4:
            raise DistillirError(f"{len(cells)} tab-separated columns", where=where, remedy=f"expected {EXPECTED}")
        if number == 1 and not is_number(cells[3]):
            say(f"passed over a header line: {', '.join(cells)} ({where})")
            continue
        query, positive, negative, margin = cells
        yield IdList(number, query, [positive, negative], [0.0, -read_score(margin, where)], [True, False], where)


def _recognises(glance: Glance) -> bool:
    cells = glance.cells
    if len(cells) != 4 or not all(cells):
        return False
    if not is_number(cells[3]):
        return any("neg" in cell.lower() for cell in cells)  # a header line
    # ``query, 0, document, grade`` are judgements, as TREC has them; ids have no spaces, texts do.
    return not (cells[1] in ("0", "Q0") and cells[3].lstrip("-").isdigit()) and not any(" " in cell for cell in cells)


FORMAT = Format(
    name="gpl",
    description="GPL's training data tsv: query id, positive id, negative id, margin",
    expected=EXPECTED,
    recognises=_recognises,
    read=_read,
    texts=lambda source, settings: None,
)
