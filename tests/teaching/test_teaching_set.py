"""A teaching set on disk: what is put in comes out, other tools read it, and bad ones are refused."""

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Collection, load_collection
from distillir.teaching import TeachingSet, build_teaching_set, judged_relevant, open_teaching_set

Lists = list[npt.NDArray[Any]]


def ragged(collection: Collection, count: int = 12) -> tuple[npt.NDArray[np.int64], Lists, Lists, Lists]:
    """Queries with lists of 0 to 9 candidates, scores and relevances."""
    generator = np.random.default_rng(0)
    queries = np.arange(count, dtype=np.int64)[::-1].copy()
    lists: Lists = [generator.permutation(len(collection.corpus))[: i % 10] for i in range(count)]
    scores: Lists = [(generator.standard_normal(len(rows)) * 9).astype(np.float32) for rows in lists]
    return queries, lists, scores, judged_relevant(collection.qrels(collection.splits[0]), queries, lists)


def build(collection: Collection, path: Path, **changes: Any) -> TeachingSet:
    queries, lists, scores, relevant = ragged(collection)
    given: dict[str, Any] = {"queries": queries, "lists": lists, "scores": scores, "relevant": relevant}
    return build_teaching_set(collection, info={"teacher": {"name": "bm25"}}, path=path, **{**given, **changes})


def test_what_goes_in_comes_out(tiny: Collection, tmp_path: Path) -> None:
    queries, lists, scores, relevant = ragged(tiny)
    teaching_set = build(tiny, tmp_path / "set")
    assert (teaching_set.queries == queries).all()
    assert len(teaching_set) == len(queries)
    assert teaching_set.sizes.tolist() == [len(rows) for rows in lists]
    for i in range(len(queries)):
        assert teaching_set.documents(i).tolist() == lists[i].tolist()
        assert teaching_set.scores(i).tobytes() == scores[i].tobytes()
        assert teaching_set.relevant(i).tolist() == relevant[i].tolist()
    assert [rows.tolist() for rows in teaching_set.lists] == [rows.tolist() for rows in lists]
    assert teaching_set.info["teacher"] == {"name": "bm25"}
    assert teaching_set.info["signals"] == ["scores"]
    assert teaching_set.info["candidates"] == sum(map(len, lists))
    assert teaching_set.open_collection().fingerprint == tiny.fingerprint
    with pytest.raises(IndexError):
        teaching_set.documents(len(queries))


def test_datasets_reads_it_with_ids_beside_the_rows(tiny: Collection, tmp_path: Path) -> None:
    teaching_set = build(tiny, tmp_path / "set")
    table = datasets.load_from_disk(str(tmp_path / "set"))
    assert table.column_names == ["query", "query_id", "documents", "document_ids", "scores", "relevant"]
    row = table[7]
    assert row["query_id"] == tiny.queries.id(row["query"])
    assert row["document_ids"] == tiny.corpus.ids(row["documents"])
    assert row["scores"] == teaching_set.scores(7).tolist()


def test_lists_are_views_of_the_file(tiny: Collection, tmp_path: Path) -> None:
    teaching_set = build(tiny, tmp_path / "set")
    assert not teaching_set.documents(5).flags.owndata
    assert not teaching_set.scores(5).flags.owndata
    before = pa.total_allocated_bytes()
    again = open_teaching_set(tmp_path / "set")
    again.lists  # noqa: B018
    assert pa.total_allocated_bytes() - before < 10_000


def test_many_batches(tiny: Collection, tmp_path: Path) -> None:
    """More lists than are written at once, the same query in several of them."""
    generator = np.random.default_rng(1)
    queries = generator.integers(len(tiny.queries), size=2345)
    lists: Lists = [generator.permutation(len(tiny.corpus))[: generator.integers(1, 5)] for _ in queries]
    scores: Lists = [np.arange(len(rows), dtype=np.float32) + i for i, rows in enumerate(lists)]
    teaching_set = build(tiny, tmp_path / "set", queries=queries, lists=lists, scores=scores, relevant=None)
    for i in (0, 999, 1000, 1001, 2344):
        assert teaching_set.documents(i).tolist() == lists[i].tolist()
        assert teaching_set.scores(i).tolist() == scores[i].tolist()
        assert teaching_set.queries[i] == queries[i]
        assert not teaching_set.relevant(i).any()


def test_parquet_round_trip(tiny: Collection, tmp_path: Path) -> None:
    teaching_set = build(tiny, tmp_path / "set")
    teaching_set.to_parquet(tmp_path / "set.parquet")
    again = open_teaching_set(tmp_path / "set.parquet", tiny)
    assert again.table.equals(teaching_set.table)
    assert again.info == teaching_set.info
    assert again.open_collection().fingerprint == tiny.fingerprint
    table = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "set.parquet"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert table[3]["scores"] == teaching_set.scores(3).tolist()


def test_candidates_that_are_still_to_be_scored(tiny: Collection, tmp_path: Path) -> None:
    teaching_set = build(tiny, tmp_path / "set", scores=None)
    assert not teaching_set.has_scores
    assert teaching_set.info["signals"] == []
    with pytest.raises(DistillirError, match="no teacher scores; score it first"):
        teaching_set.scores(3)


def test_workers_get_it_by_its_path(tiny: Collection, tmp_path: Path) -> None:
    teaching_set = build(tiny, tmp_path / "set")
    sent = pickle.dumps(teaching_set)
    assert len(sent) < 1000
    assert pickle.loads(sent).table.equals(teaching_set.table)


def test_another_collection_is_refused_with_both_names(tiny: Collection, tiny_beir: Path, tmp_path: Path) -> None:
    build(tiny, tmp_path / "set")
    other = tmp_path / "other"
    shutil.copytree(tiny_beir, other)
    with (other / "corpus.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"_id": "new", "title": "", "text": "Tides follow the moon."}) + "\n")
    with pytest.raises(DistillirError, match=r"set: made for collection 'tiny' .*not for 'other'.*; give the"):
        open_teaching_set(tmp_path / "set", load_collection(other))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": [[1.0]]}, "1 scores for 12 queries"),
        ({"lists": [[0, 1]] * 12}, r"has 2 candidates and \d scores"),
        ({"lists": [[0, 0]] * 12, "scores": [[1.0, 2.0]] * 12, "relevant": None}, "document 'bee-dance' twice"),
        ({"lists": [[0, 9999]] * 12, "scores": [[1.0, 2.0]] * 12, "relevant": None}, "document row 9999 of"),
        ({"queries": np.full(12, 9999)}, "query row 9999 of"),
        ({"queries": np.arange(0), "lists": [], "scores": [], "relevant": None}, "no query has a list"),
        (
            {"lists": [[0, 1]] * 12, "scores": [[1.0, float("nan")]] * 12, "relevant": None},
            "and document 'bee-winter' have the teacher score nan; leave",
        ),
    ],
)
def test_bad_lists_leave_nothing_behind(
    tiny: Collection, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DistillirError, match=message):
        build(tiny, tmp_path / "set", **changes)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_build_keeps_the_old_set(tiny: Collection, tmp_path: Path) -> None:
    old = build(tiny, tmp_path / "set").table
    with pytest.raises(DistillirError):
        build(tiny, tmp_path / "set", queries=np.full(12, 9999))
    assert open_teaching_set(tmp_path / "set", tiny).table.equals(old)


def change_column(folder: Path, name: str, values: list[Any]) -> None:
    """Write a data set with one column replaced over a teaching set, as somebody's script might."""
    table = datasets.load_from_disk(str(folder))
    columns = {column: (values if column == name else table[:][column]) for column in table.column_names}
    info = (folder / "teaching.json").read_text(encoding="utf-8")
    shutil.rmtree(folder)
    datasets.Dataset.from_dict(columns).save_to_disk(str(folder))
    (folder / "teaching.json").write_text(info, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("scores", lambda v: [*v[:3], [*v[3][:-1], float("nan")], *v[4:]], r"\(list 3\) have the teacher score nan"),
        ("scores", lambda v: [*v[:3], v[3][:-1], *v[4:]], "list 3 has 3 documents and another number of scores"),
        ("scores", lambda v: [*v[:3], ["high"] * 3, *v[4:]], None),
        ("scores", lambda v: [*v[:3], [None] * 3, *v[4:]], "column 'scores' holds nulls"),
        ("documents", lambda v: [*v[:3], [9999, 1, 2], *v[4:]], "a document row outside 0 to"),
        ("query", lambda v: [-1, *v[1:]], "a query row outside 0 to"),
    ],
)
def test_a_changed_set_is_refused(tiny: Collection, tmp_path: Path, name: str, spoil: Any, message: str | None) -> None:
    build(tiny, tmp_path / "set")
    values = datasets.load_from_disk(str(tmp_path / "set"))[:][name]
    if message is None:
        values, message = [[str(v) for v in row] for row in spoil(values)], "column 'scores' is not list"
        change_column(tmp_path / "set", name, values)
    else:
        change_column(tmp_path / "set", name, spoil(values))
    with pytest.raises(DistillirError, match=message):
        open_teaching_set(tmp_path / "set", tiny)


def test_a_set_from_a_script_with_wider_types_opens(tiny: Collection, tmp_path: Path) -> None:
    before = build(tiny, tmp_path / "set").table
    change_column(tmp_path / "set", "scores", before.column("scores").to_pylist())  # becomes float64
    assert open_teaching_set(tmp_path / "set", tiny).table.column("scores").equals(before.column("scores"))


def test_what_is_no_teaching_set(tiny: Collection, tmp_path: Path) -> None:
    with pytest.raises(DistillirError, match="no such teaching set"):
        open_teaching_set(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DistillirError, match=r"teaching\.json is missing"):
        open_teaching_set(tmp_path / "empty")
    (tmp_path / "text.parquet").write_text("no parquet", encoding="utf-8")
    with pytest.raises(DistillirError, match="is no Parquet file"):
        open_teaching_set(tmp_path / "text.parquet")
    build(tiny, tmp_path / "set")
    info = tmp_path / "set" / "teaching.json"
    whole = json.loads(info.read_text(encoding="utf-8"))
    for broken, message in (
        ("{", "cannot be read"),
        ("[]", "is no JSON object"),
        (json.dumps({**whole, "version": 99}), "version 99 of the form"),
        (json.dumps({**whole, "lists": 11}), "12 lists where 11 are announced"),
        (json.dumps({k: v for k, v in whole.items() if k != "collection"}), "no 'collection'"),
    ):
        info.write_text(broken, encoding="utf-8")
        with pytest.raises(DistillirError, match=message):
            open_teaching_set(tmp_path / "set")
    info.write_text(json.dumps(whole), encoding="utf-8")
    for file in (tmp_path / "set").glob("*.arrow"):
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DistillirError, match="is damaged: delete it"):
        open_teaching_set(tmp_path / "set")
