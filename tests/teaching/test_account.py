"""What an import tells: keys read and passed over, copies, prompts, and the teacher's figures."""

import json
from pathlib import Path
from typing import Any

import pytest

from distillir.base.progress import console
from distillir.collections import Collection
from distillir.teaching import export_teaching, import_teaching


def told(tmp_path: Path, *lines: object, collection: Collection | None = None, **settings: Any) -> list[str]:
    """What is printed, a line each."""
    file = tmp_path / "in.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    with console.capture() as captured:
        import_teaching("auto", file, collection, tmp_path / "set", **settings)
    return captured.get().splitlines()


def line(**more: object) -> dict[str, object]:
    return {"query": "bees", "pos": ["Bees dance."], "neg": ["Bread rises."], **more}


def test_keys_are_told_one_by_one(tmp_path: Path) -> None:
    rows = [
        line(pos_scores=[2.0], neg_scores=["1.0"], type="normal", rank_scores=[1]),
        line(pos_scores=[3], neg_scores=[0]),
    ]
    found = told(tmp_path, rows[0], {**rows[1], "query": "wax", "task": None})
    assert "read, of 2 records: query 2, pos 2, neg 2, pos_scores 2, neg_scores 2" in found
    assert "null, and read as missing: task 1" in found
    assert "passed over: type in 1 records (FlagEmbedding's choice of loss; a recipe says that)" in found
    assert any(one.startswith("passed over: rank_scores in 1 records (scores? they are looked for") for one in found)
    assert "1 records give scores as texts, read as numbers" in found


def test_keys_of_passages_are_told_too(tmp_path: Path) -> None:
    passage = {"title": "", "text": "Bees dance.", "score": 1000, "passage_id": "1"}
    found = told(
        tmp_path, {"question": "bees", "positive_ctxs": [passage], "hard_negative_ctxs": [], "answers": ["wax"]}
    )
    assert "passed over: answers in 1 records (answers are no documents)" in found
    assert "passed over: positive_ctxs.score in 1 records (of the retriever that found it, not a teacher's)" in found


def test_prompts_are_told_with_the_way_to_keep_them(tmp_path: Path) -> None:
    one = told(tmp_path, line(prompt="Find: "), line(query="wax", prompt="Find: "))
    assert any("prompts of 2 queries: 'Find: ' (2); keep them" in said and "--prompts keep" in said for said in one)
    assert not any("different prompts" in said for said in one)
    two = told(tmp_path, line(prompt="Find: "), line(query="wax", prompt="Copy: "))
    assert any(said.startswith("2 different prompts: the file mixes tasks") for said in two)
    assert any("prompts stand before" in said for said in told(tmp_path, line(prompt="Find: "), prompts="keep"))


def test_copies_within_and_between_lists(tmp_path: Path) -> None:
    both = line(neg=["Bread rises.", "Bees dance."], pos_scores=[3], neg_scores=[1, 2])
    found = told(tmp_path, both, both)
    assert "2 documents stand twice in a list, and are kept where they first stand" in found
    assert "  2 of them are positives that stand among the negatives too: they are kept as positives" in found
    assert "  2 of them have another score there: the first counts" in found
    assert "1 lists are further lists of a query that has one: each is learnt from" in found


def test_the_scores_are_diagnosed(tmp_path: Path) -> None:
    flat, good = {"pos_scores": [1], "neg_scores": [1]}, {"pos_scores": [0.999], "neg_scores": [0.9989]}
    found = told(
        tmp_path, line(**flat), line(query="wax", **good), line(query="lone", pos=[], neg=["Wax."], neg_scores=[1])
    )
    assert any(
        said.startswith("Teacher scores: 2 lists of 2.0 candidates, from 0.999 to 1; within a") for said in found
    )
    assert any(said.startswith("  1 lists more have fewer than two candidates") for said in found)
    assert any(said.startswith("  1 lists (50.0%) have one score throughout") for said in found)
    assert any(said.startswith("  the scores lie within 0 and 1 and close together") for said in found)
    assert "  1 of 3 lists have no judged positive: objectives of positives need pseudo_positives" in found
    # Of the list that has an order: entropy one half of uniform where the odds are 8.09.
    assert any(said.endswith("teacher temperature 4.78e-05") for said in found)
    assert any("no teacher scores" in said for said in told(tmp_path, line()))


def test_missing_scores_of_positives_are_told(tiny: Collection, tmp_path: Path) -> None:
    q, d = tiny.queries.id(0), tiny.corpus.ids(range(3))
    (tmp_path / "scores.tsv").write_text(f"{q}\t{d[1]}\t2\n{q}\t{d[2]}\t1\n", encoding="utf-8")
    row = {"qid": q, "pos": d[:1], "neg": d[1:]}
    found = told(tmp_path, row, collection=tiny, scores=tmp_path / "scores.tsv")
    assert f"left out 1 candidates without a score in {tmp_path / 'scores.tsv'}, 1 of them positives" in found
    assert any(said.startswith("1 lists lost their only positives so") for said in found)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (
            "flagembedding",
            "1 lists have no relevant candidate: the teacher's best stands under pos, and judged is false",
        ),
        ("hard-negatives", "1 lists have no relevant candidate: sentence-transformers passes them over"),
        ("margin-mse", "1 lists have no relevant candidate: the teacher's best was taken for the positive"),
        ("hard-negatives", "1 documents have another score in a later list of the same query"),
        ("colbert", "ColBERT's lines with scores do not say what is relevant"),
    ],
)
def test_exports_tell_what_they_cannot_hold(form: str, message: str, tiny: Collection, tmp_path: Path) -> None:
    q, d = tiny.queries.ids(range(2)), tiny.corpus.ids(range(3))
    rows: list[dict[str, Any]] = [
        {"qid": q[0], "pos": d[:1], "neg": d[1:], "scores": [3, 2, 1]},
        {"qid": q[0], "pos": d[:1], "neg": d[1:2], "scores": [3, 1.5]},
        {"qid": q[1], "pos": [], "neg": d[1:], "scores": [2, 1]},
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    lists = import_teaching("auto", tmp_path / "in.jsonl", tiny, tmp_path / "set")
    with console.capture() as captured:
        export_teaching(form, lists, tiny, tmp_path / "out")
    assert message in captured.get()
