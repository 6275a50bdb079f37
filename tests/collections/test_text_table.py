"""A text table gives back what was written, by row and by id, whatever the ids and texts are."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distillir.collections import table as table_module
from distillir.collections import table_writer
from distillir.collections.table import TextTable
from distillir.collections.table_form import ROWS_PER_BATCH
from distillir.collections.table_writer import DuplicateIdError, TableWriter

unicode_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
identifiers = st.lists(unicode_text.filter(bool), unique=True, min_size=1, max_size=40)


def write(folder: Path, rows: list[tuple[str, str, str]]) -> TextTable:
    folder.mkdir()
    writer = TableWriter(folder, "document")
    for identifier, title, text in rows:
        writer.add(identifier, text, title)
    writer.close()
    return TextTable(folder)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=identifiers, data=st.data())
def test_round_trip_of_any_unicode(
    ids: list[str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [(i, data.draw(unicode_text), data.draw(unicode_text)) for i in ids]
    table = write(tmp_path_factory.mktemp("table") / "t", rows)
    assert table.ids() == ids
    assert [(table.id(r), table.title(r), table.body(r)) for r in range(len(table))] == rows
    assert table.texts() == [f"{title} {text}".strip() for _, title, text in rows]
    order = data.draw(st.permutations(range(len(ids))))
    assert table.rows([ids[i] for i in order]).tolist() == list(order)
    assert table.texts(np.array(order)) == [table.text(i) for i in order]
    unknown = data.draw(unicode_text)
    assert table.row(unknown) == (ids.index(unknown) if unknown in ids else -1)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=identifiers, others=identifiers)
def test_ids_with_the_same_hash_are_told_apart(
    ids: list[str], others: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for module in (table_module, table_writer):
            patch.setattr(module, "id_hash", lambda identifier: len(identifier) % 2)
        table = write(tmp_path_factory.mktemp("table") / "t", [(i, "", i) for i in ids])
        expected = [ids.index(i) if i in ids else -1 for i in others + ids]
        assert table.rows(others + ids).tolist() == expected
        assert [table.row(i) for i in others + ids] == expected


def test_a_duplicate_is_found_among_ids_of_the_same_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_writer, "id_hash", lambda _: 7)
    monkeypatch.setattr(table_module, "id_hash", lambda _: 7)
    with pytest.raises(DuplicateIdError) as caught:
        write(tmp_path / "t", [("a", "", "x"), ("b", "", "x"), ("c", "", "x"), ("a", "", "x")])
    assert caught.value.identifier == "a"
    assert caught.value.rows == (0, 3)


def test_rows_over_several_batches(tmp_path: Path) -> None:
    count = 2 * ROWS_PER_BATCH + 17
    table = write(tmp_path / "t", [(f"id {n}", f"title {n}", f"text {n}") for n in range(count)])
    assert len(table) == count
    assert [text for batch in table.iterate(1000) for text in batch] == [f"title {n} text {n}" for n in range(count)]
    around = [0, ROWS_PER_BATCH - 1, ROWS_PER_BATCH, 2 * ROWS_PER_BATCH, count - 1]
    assert table.ids(around) == [f"id {n}" for n in around]
    assert table.titles(range(ROWS_PER_BATCH - 1, ROWS_PER_BATCH + 1)) == ["title 4095", "title 4096"]
    assert table.rows([f"id {n}" for n in (*around, count)]).tolist() == [*around, -1]
    for beyond in (-1, count):
        with pytest.raises(IndexError):
            table.text(beyond)
    with pytest.raises(IndexError):
        table.texts(range(count - 1, count + 1))


def test_an_empty_table_knows_no_id(tmp_path: Path) -> None:
    table = write(tmp_path / "t", [])
    assert (len(table), table.row("a"), table.rows(["a"]).tolist(), table.texts()) == (0, -1, [-1], [])


def test_fingerprint_depends_on_content_alone(tmp_path: Path) -> None:
    rows = [("a", "one", "two"), ("b", "", "three")]
    first, again = write(tmp_path / "1", rows), write(tmp_path / "2", rows)
    assert first.fingerprint == again.fingerprint
    # The same characters, cut otherwise, and the same rows in another order.
    for number, other in enumerate(
        ([("a", "onetwo", ""), ("b", "", "three")], [("a", "one", "twothree"), ("b", "", "")], rows[::-1], rows[:1])
    ):
        assert write(tmp_path / f"other{number}", other).fingerprint != first.fingerprint


def test_a_pickled_table_is_its_path(tmp_path: Path) -> None:
    table = write(tmp_path / "t", [(str(n), "", "a long text " * 100) for n in range(500)])
    pickled = pickle.dumps(table)
    assert len(pickled) < 1000
    assert pickle.loads(pickled).text(499) == table.text(499)
