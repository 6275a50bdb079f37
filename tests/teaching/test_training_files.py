"""Training files of other programs, as they are published: what is read of them, and what is refused how."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.teaching import TeachingSet, detect_format, import_teaching
from distillir.teaching.formats.records import count_records, read_records

BOILS, GREEN, SOFT = "the kettle boils", "the lamp is green", "the chair is soft"


def write(path: Path, *lines: object) -> Path:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return path


def texts(lists: TeachingSet, index: int = 0) -> list[tuple[str, float | None, bool]]:
    """Text, score and relevance of a list's candidates."""
    rows = lists.documents(index)
    scores = lists.scores(index).tolist() if lists.has_scores else [None] * len(rows)
    return list(zip(lists.open_collection().corpus.texts(rows), scores, lists.relevant(index).tolist(), strict=True))


def passage(identifier: str, text: str, **more: object) -> dict[str, object]:
    return {"docid": identifier, "title": "", "text": text, **more}


def ctx(identifier: str, text: str, score: float, title: str = "") -> dict[str, object]:
    return {"title": title, "text": text, "score": score, "title_score": 0, "passage_id": identifier}


LINES: list[tuple[str, object, list[tuple[str, float | None, bool]]]] = [
    (
        "flagembedding",
        {"query": "kettle", "pos": [BOILS], "neg": [GREEN], "teacher_scores": [3, 1], "pos_index": [4]},
        [(BOILS, 3.0, True), (GREEN, 1.0, False)],
    ),
    (
        "flagembedding",
        {"query": "kettle", "positives": [BOILS], "negatives": [GREEN], "scores": ["0.5", "0.25"]},
        [(BOILS, 0.5, True), (GREEN, 0.25, False)],
    ),
    (
        "flagembedding",
        {"qid": "1", "query": "kettle", "pos": [BOILS], "neg": [GREEN], "pos_scores": [0.5], "neg_scores": [0.25]},
        [(BOILS, 0.5, True), (GREEN, 0.25, False)],
    ),
    (
        "tevatron",
        {
            "query_id": "1",
            "query": "kettle",
            "positive_passages": [passage("a", BOILS, score=0.5)],
            "negative_passages": [passage("b", GREEN, score=0.25)],
        },
        [(BOILS, 0.5, True), (GREEN, 0.25, False)],
    ),
    (
        "dpr",
        {
            "question": "kettle",
            "answers": ["two"],
            "positive_ctxs": [ctx("a", "boils", 1000.0, "Kettle")],
            "negative_ctxs": [ctx("c", SOFT, 2.0)],
            "hard_negative_ctxs": [ctx("b", GREEN, 12.5)],
        },
        # A retriever's scores are no teacher's.
        [("Kettle boils", None, True), (GREEN, None, False), (SOFT, None, False)],
    ),
    (
        "rank-llm",
        {
            "query": {"text": "kettle", "qid": 1},
            "candidates": [
                {"docid": "a", "score": 9.0, "doc": {"contents": BOILS}},
                {"docid": "b", "score": 8.5, "doc": {"title": "Lamp", "segment": "is green"}},
            ],
        },
        [(BOILS, 9.0, False), ("Lamp is green", 8.5, False)],
    ),
    (
        "triplets",
        {"anchor": "kettle", "positive": BOILS, "negative": GREEN},
        [(BOILS, None, True), (GREEN, None, False)],
    ),
    ("triplets", ["what boils", BOILS, GREEN, SOFT], [(BOILS, None, True), (GREEN, None, False), (SOFT, None, False)]),
    (
        "triplets",
        {"query": "kettle", "positive": BOILS, "negative_1": GREEN, "negative_2": SOFT, "score": [0.75, 0.5, 0.25]},
        [(BOILS, 0.75, True), (GREEN, 0.5, False), (SOFT, 0.25, False)],
    ),
    (
        "triplets",
        {"query": "kettle", "positive": BOILS, "negative_1": GREEN, "negative_2": SOFT, "label": [4.0, 6.5]},
        [(BOILS, 6.5, True), (GREEN, 2.5, False), (SOFT, 0.0, False)],
    ),
    ("triplets", {"query": "kettle", "positive": BOILS}, [(BOILS, None, True)]),
    (
        "triplets",
        {"query": "kettle", "docs": [BOILS, GREEN], "labels": [1, 0]},
        [(BOILS, None, True), (GREEN, None, False)],
    ),
]


@pytest.mark.parametrize(("form", "line", "expected"), LINES)
def test_lines_with_texts(form: str, line: object, expected: list[Any], tmp_path: Path) -> None:
    file = write(tmp_path / "in.jsonl", line)
    assert detect_format(file).name == form
    assert texts(import_teaching("auto", file, None, tmp_path / "set")) == expected


@pytest.mark.parametrize("shape", ["array", "pretty", "folder", "gz"])
@pytest.mark.parametrize(("form", "line", "expected"), [LINES[0], LINES[7]])
def test_records_lie_in_files_of_many_shapes(
    form: str, line: object, expected: list[Any], shape: str, tmp_path: Path
) -> None:
    file = tmp_path / "in.jsonl"
    if shape == "folder":
        (tmp_path / "in").mkdir()
        write(tmp_path / "in" / "part-0.jsonl", line)
        file = tmp_path / "in"
    elif shape == "gz":
        file = tmp_path / "in.jsonl.gz"
        file.write_bytes(gzip.compress(json.dumps(line).encode() + b"\n"))
    else:
        write(file, json.dumps([line], indent=2 if shape == "pretty" else None))
    assert detect_format(file).name == form
    assert texts(import_teaching("auto", file, None, tmp_path / "set")) == expected


def test_rows_of_a_query_become_one_list(tmp_path: Path) -> None:
    file = write(
        tmp_path / "in.jsonl",
        {"anchor": "kettle", "positive": BOILS, "negative": GREEN},
        {"anchor": "lamp", "positive": GREEN, "negative": SOFT},
        {"anchor": "kettle", "positive": BOILS, "negative": SOFT},
    )
    lists = import_teaching("auto", file, None, tmp_path / "set")
    assert [texts(lists, i) for i in range(2)] == [
        [(BOILS, None, True), (GREEN, None, False), (SOFT, None, False)],
        [(GREEN, None, True), (SOFT, None, False)],
    ]
    pairs = write(
        tmp_path / "pairs.jsonl",
        {"sentence1": "kettle", "sentence2": GREEN, "score": 0.5},
        {"sentence1": "kettle", "sentence2": BOILS, "score": 4.5},
    )
    assert texts(import_teaching("auto", pairs, None, tmp_path / "pairs")) == [(GREEN, 0.5, False), (BOILS, 4.5, False)]
    labelled = write(
        tmp_path / "labelled.jsonl",
        {"query": "kettle", "answer": GREEN, "label": 0},
        {"query": "kettle", "answer": BOILS, "label": 1},
    )
    assert texts(import_teaching("auto", labelled, None, tmp_path / "labelled")) == [
        (BOILS, None, True),
        (GREEN, None, False),
    ]


def lists_by_id(lists: TeachingSet) -> list[tuple[str, dict[str, float]]]:
    rows = lists.table.to_pylist()
    return [(row["query_id"], dict(zip(row["document_ids"], row.get("scores") or (), strict=False))) for row in rows]


def test_gpl_keeps_every_margin(tiny: Collection, tmp_path: Path) -> None:
    d, q = tiny.corpus.ids(range(5)), tiny.queries.ids(range(2))
    file = write(
        tmp_path / "gpl-training-data.tsv",
        f"{q[0]}\t{d[0]}\t{d[1]}\t7.25",
        f"{q[1]}\t{d[2]}\t{d[1]}\t-2.0",
        f"{q[0]}\t{d[0]}\t{d[3]}\t3.5",
        f"{q[0]}\t{d[4]}\t{d[3]}\t1.5",
    )
    lists = import_teaching("auto", file, tiny, tmp_path / "set")
    assert lists_by_id(lists) == [
        (q[0], {d[0]: 7.25, d[1]: 0.0, d[3]: 3.75}),
        (q[1], {d[2]: 0.0, d[1]: 2.0}),
        (q[0], {d[4]: 1.5, d[3]: 0.0}),
    ]
    assert lists.relevant(0).tolist() == [True, False, False]


IDS: list[tuple[str, dict[str, object], dict[str, float]]] = [
    (
        "hard-negatives",
        {"qid": "q", "pos": ["a"], "neg": ["b"], "pos_scores": [3], "neg_scores": [1]},
        {"a": 3, "b": 1},
    ),
    ("hard-negatives", {"query_id": "q", "positives": ["a"], "negatives": ["b"], "scores": [3, 1]}, {"a": 3, "b": 1}),
    (
        "hard-negatives",
        {"qid": "q", "pos": [{"pid": "a", "ce-score": 9.5}], "neg": {"bm25": [{"pid": "b", "ce-score": 0.25}]}},
        {"a": 9.5, "b": 0.25},
    ),
    (
        "simlm",
        {
            "query_id": "q",
            "positives": {"doc_id": ["a"], "score": [9.5]},
            "negatives": {"doc_id": ["b"], "score": [0.25]},
        },
        {"a": 9.5, "b": 0.25},
    ),
    ("pylate-lists", {"query_id": "q", "document_ids": ["a", "b"], "scores": [9.5, 0.25]}, {"a": 9.5, "b": 0.25}),
    ("triplets", {"query_id": "q", "positive_id": "a", "negative_id": "b", "score": 4.5}, {"a": 4.5, "b": 0.0}),
]


@pytest.mark.parametrize(("form", "line", "expected"), IDS)
def test_lines_with_ids(form: str, line: Any, expected: dict[str, float], tiny: Collection, tmp_path: Path) -> None:
    names = {"q": tiny.queries.id(0), "a": tiny.corpus.id(0), "b": tiny.corpus.id(1)}
    text = json.dumps(line)
    for short, name in names.items():
        text = text.replace(f'"{short}"', json.dumps(name))
    file = write(tmp_path / "in.jsonl", text)
    assert detect_format(file).name == form
    lists = import_teaching("auto", file, tiny, tmp_path / "set")
    assert lists_by_id(lists) == [(names["q"], {names[short]: score for short, score in expected.items()})]
    if form != "pylate-lists":
        assert lists.relevant(0).tolist() == [True, False]
    with pytest.raises(DistillirError, match="holds ids and no texts; give the collection"):
        import_teaching("auto", file, None, tmp_path / "none")


def test_pylate_folder_and_parquet_rows(tmp_path: Path) -> None:
    """PyLate's data sets: whole numbers for ids, lists perhaps written as texts."""
    for name, rows in {
        "train": {"query_id": [7], "document_ids": ["[1, 2]"], "scores": ["[0.5, 9.5]"]},
        "queries": {"query_id": [7], "text": ["kettle"]},
        "documents": {"document_id": [1, 2], "text": [GREEN, BOILS]},
    }.items():
        (tmp_path / "kd" / name).mkdir(parents=True)
        pq.write_table(pa.table(rows), str(tmp_path / "kd" / name / "train-00000.parquet"))
    assert detect_format(tmp_path / "kd").name == "pylate-lists"
    lists = import_teaching("auto", tmp_path / "kd", None, tmp_path / "set")
    assert texts(lists) == [(GREEN, 0.5, False), (BOILS, 9.5, False)]
    assert lists.open_collection().queries.texts() == ["kettle"]
    triplets = tmp_path / "triplets.parquet"
    pq.write_table(pa.table({"anchor": ["kettle"], "positive": [BOILS], "negative": [GREEN]}), str(triplets))
    assert texts(import_teaching("auto", triplets, None, tmp_path / "rows")) == [
        (BOILS, None, True),
        (GREEN, None, False),
    ]


def test_texts_are_found_in_a_given_collection(tiny: Collection, tmp_path: Path) -> None:
    """Without ids, white space aside; so a set can be measured on a collection's own test split."""
    positive, negative = tiny.corpus.text(3), tiny.corpus.body(5)
    line = {"query": tiny.queries.text(2), "pos": [positive.replace(" ", "\n")], "neg": [negative]}
    lists = import_teaching("auto", write(tmp_path / "in.jsonl", line), tiny, tmp_path / "set")
    assert (lists.queries.tolist(), lists.documents(0).tolist()) == ([2], [3, 5])
    line["neg"] = ["no such text"]
    with pytest.raises(DistillirError, match=r"document 'with the text no such text' is not in the collection"):
        import_teaching("auto", write(tmp_path / "in.jsonl", line), tiny, tmp_path / "none")


REFUSED: list[tuple[str, str, str]] = [
    ("flagembedding", json.dumps(LINES[3][1]), "this is no flagembedding file.*import with --format tevatron"),
    ("hard-negatives", json.dumps(LINES[4][1]), "import with --format dpr"),
    ("margin-mse", "q\ta\tb\t7.25", "its form is that of gpl.; import with --format gpl"),
    ("auto", '{"set": ["one", "two"]}', "its records have the keys set; the nearest form is flagembedding: "),
    ("auto", '{"query": "a", "passage_positive": "b"}', "have the keys query, passage_positive; the nearest form is"),
    ("auto", '{"_id": "1", "text": "a"}', "looks like texts of a collection"),
    ("auto", "1\t0\t7\t1", "looks like judgements or a run"),
    ("auto", "1\t7\t0.5", "looks like scores of pairs: give them with --scores"),
    ("auto", "1\t7\t8", "looks like scores of pairs"),
    ("auto", "q1\ta\tb", "three ids a line are triples"),
    ("auto", "what boils\tthe kettle\tthe lamp", "three texts a line are triplets"),
    ("auto", "query,positive\na,b", "of tables with commas make JSON lines"),
    (
        "triplets",
        '{"anchor": "a", "positive": "b", "negative": "c", "score": [1, 2, 3]}',
        "3 numbers under 'score' for 1",
    ),
    ("simlm", '{"query_id": 1, "positives": {"doc_id": [1], "score": []}}', "does not fit the 1 ids of positives"),
    ("auto", '[{"query": "a", "pos": ["b"]}, {"query": ', "element:2: not JSON .*cut off or damaged"),
]


@pytest.mark.parametrize(("form", "text", "message"), REFUSED)
def test_refusals_name_what_was_seen_and_the_way_out(form: str, text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DistillirError, match=message):
        import_teaching(form, write(tmp_path / "in.txt", text), None, tmp_path / "set")
    assert [path.name for path in tmp_path.iterdir()] == ["in.txt"]


@pytest.mark.parametrize("indent", [None, 1])
def test_a_long_array_is_read_piece_by_piece(indent: int | None, tmp_path: Path) -> None:
    """Elements that end anywhere in the pieces that are read, and brackets within texts."""
    values = [{"n": i, "text": "]}, [{" * (i * 7 % 900)} for i in range(300)]
    file = tmp_path / "in.json"
    file.write_text(json.dumps(values, indent=indent), encoding="utf-8")
    assert [(record.number, record.value) for record in read_records(file)] == list(enumerate(values, start=1))
    assert count_records(file) == 0
    file.write_text(json.dumps(values, indent=indent)[:-1], encoding="utf-8")
    with pytest.raises(DistillirError, match="the array has no end"):
        list(read_records(file))


def test_a_score_file_of_any_form(tiny: Collection, tmp_path: Path) -> None:
    q, d = tiny.queries.id(0), tiny.corpus.ids(range(3))
    file = write(tmp_path / "hn.jsonl", {"qid": q, "pos": [d[0]], "neg": {"bm25": d[1:]}})

    def scores(name: str, *lines: str) -> list[float]:
        table = write(tmp_path / name, *lines)
        found: list[float] = import_teaching("auto", file, tiny, tmp_path / "set", scores=table).scores(0).tolist()
        return found

    values = [0.5, 1.5, 2.5]
    plain = [f"{q}\t{i}\t{s}" for i, s in zip(d, values, strict=True)]
    assert scores("plain.tsv", *plain) == values
    assert scores("header.tsv", "qid\tpid\tscore", *plain) == values
    assert scores(
        "turned.tsv", "score\tdocid\tquery-id", *(f"{s}\t{i}\t{q}" for i, s in zip(d, values, strict=True))
    ) == (values)
    assert scores("run.trec", *(f"{q} Q0 {i} 1 {s} bm25" for i, s in zip(d, values, strict=True))) == values
    assert scores("scores.json", json.dumps({q: dict(zip(d, values, strict=True))})) == values
    assert scores("again.tsv", *plain, plain[0]) == values
    with pytest.raises(DistillirError, match=r"twice\.tsv:4: query .* have two scores, 0\.5 before and 9 here"):
        scores("twice.tsv", *plain, f"{q}\t{d[0]}\t9.0")
    with pytest.raises(DistillirError, match="'high' is no number; expected query id"):
        scores("wrong.tsv", f"{q}\t{d[0]}\thigh")
    with pytest.raises(DistillirError, match="has no score of any candidate"):
        scores("other.tsv", f"nobody\t{d[0]}\t9.0")


def test_the_prompt_is_kept_where_it_is_asked_for(tiny: Collection, tmp_path: Path) -> None:
    rows = [{"query": q, "pos": [BOILS], "neg": [GREEN], "prompt": f"Find {q}: "} for q in ("a fact", "a copy")]
    file = write(tmp_path / "in.jsonl", *rows)
    plain = import_teaching("auto", file, None, tmp_path / "plain")
    assert plain.open_collection().queries.texts() == ["a fact", "a copy"]
    assert plain.info["imported"]["prompts"] == {"kept": False, "counts": {"Find a fact: ": 1, "Find a copy: ": 1}}
    kept = import_teaching("auto", file, None, tmp_path / "kept", prompts="keep")
    assert kept.open_collection().queries.texts() == ["Find a fact: a fact", "Find a copy: a copy"]
    with pytest.raises(DistillirError, match="prompts cannot be kept"):
        import_teaching("auto", file, tiny, tmp_path / "none", prompts="keep")


def test_empty_texts_and_lists_without_scores_can_be_left_out(tmp_path: Path) -> None:
    good = {"query": "kettle", "pos": [BOILS], "neg": [GREEN, " "], "pos_scores": [3], "neg_scores": [1, 0]}
    bare = {"query": "lamp", "pos": [GREEN], "neg": [BOILS], "pos_scores": None}
    file = write(tmp_path / "in.jsonl", good, bare, {**good, "query": ""})
    with pytest.raises(DistillirError, match=r"an empty text under 'neg'; .*--skip-empty"):
        import_teaching("auto", file, None, tmp_path / "set")
    with pytest.raises(DistillirError, match=r"no scores here, unlike the first list; .*--skip-unscored"):
        import_teaching("auto", file, None, tmp_path / "set", skip_empty=True)
    lists = import_teaching("auto", file, None, tmp_path / "set", skip_empty=True, skip_unscored=True)
    assert len(lists) == 1
    assert texts(lists) == [(BOILS, 3.0, True), (GREEN, 1.0, False)]


def test_a_triplet_shared_margin_is_told_apart_from_scores(tmp_path: Path) -> None:
    """MarginMSE's label is one number for each negative; the margins of one positive meet in one list."""
    file = write(
        tmp_path / "in.jsonl",
        {"query": "kettle", "positive": BOILS, "negative": GREEN, "label": 2.0},
        {"query": "kettle", "positive": BOILS, "negative": SOFT, "label": 5.0},
    )
    lists = import_teaching("auto", file, None, tmp_path / "set")
    assert len(lists) == 1
    assert lists.scores(0).tolist() == [5.0, 3.0, 0.0]
    np.testing.assert_array_equal(lists.relevant(0), [True, False, False])
