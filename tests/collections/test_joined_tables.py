"""Two tables read as one."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from distillir.collections import Collection
from distillir.collections.joined import JoinedTable, with_documents
from distillir.collections.table import TextTable
from distillir.collections.table_writer import TableWriter


@pytest.fixture
def further(tmp_path: Path) -> TextTable:
    (tmp_path / "further").mkdir()
    writer = TableWriter(tmp_path / "further", "document")
    for i in range(5):
        writer.add(f"dark:{i}", f"further text {i}", "a title" if i == 2 else "")
    writer.close()
    return TextTable(tmp_path / "further")


def test_rows_run_through_both(tiny: Collection, further: TextTable) -> None:
    wider = with_documents(tiny, further)
    own, all_of = tiny.corpus, wider.corpus
    edge = len(own)
    assert len(all_of) == edge + 5
    rows = [0, edge - 1, edge, edge + 2]
    expected = [own.text(0), own.text(edge - 1), "further text 0", "a title further text 2"]
    assert all_of.texts(rows) == expected == [all_of.text(row) for row in rows]
    assert all_of.texts(range(edge - 2, edge + 2)) == [*own.texts(range(edge - 2, edge)), *further.texts(range(2))]
    assert all_of.texts() == [*own.texts(), *further.texts()]
    assert [text for batch in all_of.iterate(7) for text in batch] == all_of.texts()
    with pytest.raises(IndexError):
        all_of.text(edge + 5)


def test_ids_are_found_in_both(tiny: Collection, further: TextTable) -> None:
    joined = JoinedTable(tiny.corpus, further)
    identifiers = [tiny.corpus.id(3), "dark:4", "nowhere"]
    np.testing.assert_array_equal(joined.rows(identifiers), [3, len(tiny.corpus) + 4, -1])
    assert [joined.row(identifier) for identifier in identifiers] == [3, len(tiny.corpus) + 4, -1]


def test_the_fingerprint_is_of_both_and_the_original_is_left_alone(tiny: Collection, further: TextTable) -> None:
    before = tiny.fingerprint
    wider = with_documents(tiny, further)
    assert wider.fingerprint != before == tiny.fingerprint and len(tiny.corpus) == len(wider.corpus) - 5
    again = pickle.loads(pickle.dumps(wider.corpus))
    assert again.fingerprint == wider.corpus.fingerprint and again.texts() == wider.corpus.texts()
    assert wider.qrels("test").queries.tolist() == tiny.qrels("test").queries.tolist()
