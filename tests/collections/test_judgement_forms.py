"""Judgements in the forms of published files: grades, headers, subtopics, and what is refused with the way out."""

import json
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Collection, load_collection

Judged = dict[tuple[str, str], int]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    (tmp_path / "c.tsv").write_text("d1\tthe kettle boils\nd2\tthe lamp is green\n2\ta tram\n")
    (tmp_path / "q.tsv").write_text("1\tkettle\n2\ttram\n")
    return tmp_path


def load(texts: Path, file: str, content: str | None = None) -> Collection:
    """The collection with the judgements of a file as split ``test``."""
    if content is not None:
        (texts / file).write_bytes(content.encode())
    return load_collection(
        {"documents": str(texts / "c.tsv"), "queries": str(texts / "q.tsv"), "qrels": {"test": str(texts / file)}}
    )


def judged(collection: Collection) -> Judged:
    """Grades by the ids of query and document."""
    qrels = collection.qrels("test")
    ids = zip(collection.queries.ids(qrels.queries), collection.corpus.ids(qrels.documents), strict=True)
    return dict(zip(ids, qrels.grades.tolist(), strict=True))


A, B = ("1", "d1"), ("1", "d2")
READ: dict[str, tuple[str, str, Judged]] = {
    "BEIR": ("j.tsv", "query-id\tcorpus-id\tscore\n1\td1\t1\n1\td2\t-1\n", {A: 1, B: -1}),
    "TREC": ("qrels.robust04.txt", "1 0 d1 2\n1 0 d2 -2\n", {A: 2, B: -2}),
    "no known ending": ("qrels.robust04", "1 0 d1 2\n", {A: 2}),
    "TREC with names": ("j.txt", "TOPIC ITERATION DOCUMENT# RELEVANCY\n1 0 d1 1\n", {A: 1}),
    "floats": ("j.tsv", "1\td1\t1.0\n1\td2\t0.0\n", {A: 1, B: 0}),
    "CSV": ("j.csv", "query-id,corpus-id,score\n1,d1,1\n", {A: 1}),
    "CSV without a header": ("j.csv", "1,d1,1\n1,d2,0\n", {A: 1, B: 0}),
    "Excel": ("j.csv", '\ufeff"qid";"docid";"label"\r\n"1";"d1";"1"\r\n', {A: 1}),
    "other order": ("j.tsv", "docid\tqid\trelevance\nd1\t1\t1\n2\t2\t1\n", {A: 1, ("2", "2"): 1}),
    "further columns": ("j.csv", "id,query_id,doc_id,score,who\n7,1,d1,2,me\n8,1,d2,0,you\n", {A: 2, B: 0}),
    "trailing tabs": ("j.tsv", "1\t0\td1\t1\n1\t0\td2\t0\t\t\n", {A: 1, B: 0}),
    "quoted": ("j.tsv", '"1"\t"d1"\t"1"\n"1"\t"d2"\t"0"\n', {A: 1, B: 0}),
    "names known in part": ("j.tsv", "query-id\tthing\tscore\n1\td1\t1\n", {A: 1}),
    "true and false": ("j.csv", "qid,pid,relevant\n1,d1,True\n1,d2,False\n", {A: 1, B: 0}),
    "JSON lines": ("j.jsonl", '{"query-id": 1, "corpus-id": "d1", "score": "1"}\n', {A: 1}),
    "JSON of others": (
        "j.json",
        json.dumps([{"qid": "1", "docid": "d1", "label": 1.0, "who": "me"}], indent=1),
        {A: 1},
    ),
    "BRIGHT": (
        "j.jsonl",
        '{"query": "kettle", "id": "1", "gold_ids": ["d1", "d2"], "gold_answer": "x"}\n',
        {A: 1, B: 1},
    ),
    "LoTTE": ("j.jsonl", '{"qid": 2, "query": "tram", "url": "x", "answer_pids": [2]}\n', {("2", "2"): 1}),
    "subtopics": ("j.txt", "1 1 d1 1\n1 1 d2 0\n1 2 d1 0\n1 2 d2 2\n", {A: 1, B: 2}),
    "subtopics by name": (
        "j.jsonl",
        "".join(json.dumps({"qid": "1", "subtopic": s, "docid": "d1", "rel": s - 2}) + "\n" for s in (1, 2, 3)),
        {A: 1},
    ),
}


@pytest.mark.parametrize("case", READ.values(), ids=READ.keys())
def test_judgements_are_read(case: tuple[str, str, Judged], texts: Path) -> None:
    file, content, expected = case
    assert judged(load(texts, file, content)) == expected


def test_parquet(texts: Path) -> None:
    rows = [{"query-id": "1", "corpus-id": "d1", "score": 1}, {"query-id": "1", "corpus-id": "d2", "score": 0}]
    pq.write_table(pa.Table.from_pylist(rows), texts / "j.parquet")
    assert judged(load(texts, "j.parquet")) == {A: 1, B: 0}


def test_what_was_passed_over_is_told(texts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file, content, said in (
        (
            "j.txt",
            "1 1 d1 1\n1 2 d1 0\n1 1 d2 0\n1 2 d2 0\n",
            "2 pairs of query and document are judged more than once and ",
        ),
        ("k.txt", "1 1 d1 1\n1 2 d1 0\n1 1 d2 0\n1 2 d2 0\n", "with the best grade; in 1 of them the grades differ"),
        ("l.txt", "1 0 d1 1\n1 0 d1 1\n1 0 d1 1\n", "2 judgements repeat an earlier one and count once"),
        ("m.csv", "id,qid,docid,score,who\n7,1,d1,2,me\n", "columns or keys not read: id (1 line), who (1 line)"),
        ("n.tsv", "query-id\tthing\tscore\n1\td1\t1\n", "not all names are known: read in their order"),
    ):
        load(texts, file, content)
        assert said in capsys.readouterr().err


REFUSED: dict[str, tuple[str, str, str]] = {
    "two grades": ("j.txt", "1 0 d1 1\n1 0 d1 0\n", r"j\.txt:2: .* have grade 0 here and 1 at line 1; keep one"),
    "two grades of a subtopic": (
        "j.txt",
        "1 1 d1 1\n1 2 d1 1\n1 1 d1 0\n",
        r"j\.txt:3: .* grade 0 here and 1 at line 1",
    ),
    "words": (
        "j.tsv",
        "1\td1\trelevant\n1\td2\tnot\n",
        r"j\.tsv:1: grade 'relevant' is no integer; grades are integers",
    ),
    "a header nobody knows": (
        "j.tsv",
        "frage\ttext\twert\n1\td1\t1\n",
        r"j\.tsv:1: grade 'wert' .*if the line is a header .*call them query-id",
    ),
    "shares": ("j.tsv", "1\td1\t0.5\n", r"grade '0\.5' is no integer; .*awk -F'\\t' -v OFS='\\t' '\{\$3 = \(\$3 >="),
    "shares in JSON": (
        "j.jsonl",
        '{"qid": "1", "docid": "d1", "score": 0.25}\n',
        r"j\.jsonl:1: grade 0\.25 is no integer; .*jq -c '\.score = \(if",
    ),
    "too large": (
        "j.tsv",
        "1\td1\t3000000000\n",
        r"j\.tsv:1: grade '3000000000' is too large; grades are smaller than",
    ),
    "too large in JSON": ("j.jsonl", '{"qid": "1", "docid": "d1", "score": 3000000000}\n', r"3000000000 is too large"),
    "ranks": (
        "j.tsv",
        "query-id\tcorpus-id\trank\n1\td1\t1\n",
        r"j\.tsv:1: no column of grades under this header: 'query-id', 'corpus-id', 'rank'; call them query-id, corpus",
    ),
    "positions as CSV": ("j.csv", "qid,pid,position\n1,d1,1\n", r"j\.csv:1: no column of grades .*a rank or a posit"),
    "TREC with another name": ("j.txt", "topic iter docno zzz\n1 0 d1 1\n", r"j\.txt:1: no column of grades .*'zzz'"),
    "ranks in JSON": (
        "j.jsonl",
        '{"qid": "1", "docid": "d1", "rank": 1}\n',
        r"j\.jsonl:1: no judgement under these keys: 'qid', 'docid', 'rank'; .*\{\"query-id\": \.qid, ",
    ),
    "two columns": ("j.tsv", "1\td1\n1\td2\n", r"j\.tsv:1: 2 columns; .*awk"),
    "a run": ("j.trec", "1 Q0 d1 1 0.5 bm25\n", r"6 columns; .* are a TREC run"),
    "five columns": (
        "prels.txt",
        "1 d1 1 0 0.5\n",
        r"5 columns; .*call them query-id, corpus-id and score in a first line",
    ),
    "commas in a .tsv": ("j.tsv", "1,d1,1\n", r"1 columns; .*parted by commas must end in \.csv"),
    "mixed": ("j.txt", "1 0 d1 1\n1 0 d2 1\n1 d2 1\n", r"j\.txt:3: 3 columns where most lines have 4"),
    "swapped": ("j.tsv", "d2\t1\t1\n", r"j\.tsv:1: a judgement for query 'd2'.*; the columns are swapped"),
    "JSON of lists": (
        "j.jsonl",
        '{"query_id": "1", "found": ["d1"]}\n',
        r"j\.jsonl:1: no judgement under these keys: 'query_id', 'found'; call them",
    ),
    "JSON without an id": (
        "j.jsonl",
        '{"qid": "1", "docid": null, "score": 1}\n',
        r"j\.jsonl:1: no 'docid'; write one judgement",
    ),
    "JSON with a word": (
        "j.jsonl",
        '{"qid": "1", "docid": "d1", "score": "good"}\n',
        r"j\.jsonl:1: grade 'good' is no integer",
    ),
    "spreadsheet": ("j.xlsx", "", r"is a spreadsheet; save it as CSV"),
    "pickle": ("j.pkl", "", r"is a pickle"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_judgements_are_refused(case: tuple[str, str, str], texts: Path) -> None:
    file, content, message = case
    with pytest.raises(DistillirError, match=message) as caught:
        load(texts, file, content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "option"),
    [
        ("j.jsonl", '{"qid": "1", "treffer": "d1", "it\'s": 2}\n', "rename the keys, for example: "),
        ("j.json", '[{"qid": "1", "treffer": "d1", "wert": 2}]\n', "rename the keys, for example: "),
        ("j.tsv", "query-id\tcorpus-id\tscore\n1\td1\t0.75\n1\td2\t0.25\n", "relevant: "),
        ("j.csv", "1,d1,0.75\n1,d2,0.25\n", "relevant: "),
        ("j.txt", "1 0 d1 0.75\n1 0 d2 0.25\n", "relevant: "),
        ("j.jsonl", '{"qid": "1", "docid": "d1", "score": 0.75}\n', "relevant: "),
    ],
)
def test_the_way_out_works(name: str, content: str, option: str, texts: Path) -> None:
    with pytest.raises(DistillirError) as caught:
        load(texts, name, content)
    command = str(caught.value).split(option)[1].splitlines()[0].split(" > NEW")[0].replace("FILE", name)
    mended = subprocess.run(command, shell=True, check=True, cwd=texts, capture_output=True, text=True).stdout
    expected = {A: 2} if "rename" in option else {A: 1} if "jsonl" in name else {A: 1, B: 0}
    assert judged(load(texts, name.replace("j.json", "new.json").replace("j.", "new."), mended)) == expected


def test_numbered_queries_are_told_where_judgements_name_others(
    texts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (texts / "q.csv").write_text(",kennung,text\n0,k1,kettle\n1,k2,tram\n")
    (texts / "j.tsv").write_text("k1\td1\t1\n")
    spec = {"documents": str(texts / "c.tsv"), "queries": str(texts / "q.csv"), "qrels": {"test": str(texts / "j.tsv")}}
    with pytest.raises(DistillirError, match=r"j\.tsv:1: .*'k1'.*; the queries are numbered 0 to 1: give them the ids"):
        load_collection(spec)
    told = " ".join(capsys.readouterr().err.split())
    assert "column without a name, not 'kennung': judgements must name these numbers, or call a column id" in told
    with pytest.raises(
        DistillirError, match=r"j\.tsv: the collection has no query of the 1 judgements; the queries are"
    ):
        load_collection({**spec, "unknown": "skip"})
