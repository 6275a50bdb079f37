"""Tables of documents and queries as they are published: columns, headers and quoting are decided by file."""

import subprocess
import sys
from pathlib import Path

import pytest

from distillir.base.errors import DistillirError
from distillir.collections.key_names import Kind
from distillir.collections.text_files import text_part

Texts = list[tuple[str, str, str]]  # id, title, text


def read(folder: Path, name: str, content: str, kind: Kind) -> tuple[Texts, str]:
    """The texts of a file with this content, and what is told of it."""
    (folder / name).write_bytes(content.encode())
    part = text_part(folder / name, kind)
    found = [(entry.id, entry.title, entry.text) for entry in part.read()]
    return found, "\n".join(part.notes())


TABLES: dict[str, tuple[str, Kind, str, Texts, str]] = {
    # name: file, kind, content, what is read, what is told of it (part)
    "MS MARCO": (
        "c.tsv",
        "document",
        '0\tsaid "so"\n1\t"a" and "b"\n',
        [("0", "", 'said "so"'), ("1", "", '"a" and "b"')],
        "",
    ),
    "a quoted phrase stays": (
        "q.tsv",
        "query",
        '1\tto be\n2\t"to be"\n3\tor not\n',
        [("1", "", "to be"), ("2", "", '"to be"'), ("3", "", "or not")],
        "",
    ),
    "header": ("q.tsv", "query", "QID\tQuery\n7\tkettle\n", [("7", "", "kettle")], "id is 'QID', text is 'Query'"),
    "header of passages": (
        "c.tsv",
        "document",
        "pid\tpassage\n7\ta kettle\n",
        [("7", "", "a kettle")],
        "text is 'passage'",
    ),
    "DPR": (
        "psgs.tsv",
        "document",
        'id\ttext\ttitle\n1\t"the ""old"" kettle"\tKettle\n2\tthe lamp\tLamp\n',
        [("1", "Kettle", 'the "old" kettle'), ("2", "Lamp", "the lamp")],
        "cells are quoted",
    ),
    "ColBERT": (
        "c.tsv",
        "document",
        "0\tthe kettle boils\tKettle\n1\tthe lamp is green\tLamp\n",
        [("0", "Kettle", "the kettle boils"), ("1", "Lamp", "the lamp is green")],
        "read as id, text and title",
    ),
    "id, title, text": (
        "c.tsv",
        "document",
        "0\tKettle\tthe kettle boils\n1\tLamp\tthe lamp is green\n",
        [("0", "Kettle", "the kettle boils"), ("1", "Lamp", "the lamp is green")],
        "read as id, title and text",
    ),
    "MS MARCO documents": (
        "d.tsv",
        "document",
        "D1\thttps://a.org\tIce\tdense\nD2\thttps://b.org\t\tgreen\n",
        [("D1", "Ice", "dense"), ("D2", "", "green")],
        "columns not read: url (2 lines)",
    ),
    "whole columns quoted": (
        "c.tsv",
        "document",
        '1\t"the kettle"\n2\t"the ""lamp"""\n',
        [("1", "", "the kettle"), ("2", "", 'the "lamp"')],
        "quotation marks are taken off",
    ),
    "quoted tabs and line breaks": (
        "c.tsv",
        "document",
        '1\t"a\tb\nc"\n2\tlamp\n',
        [("1", "", "a\tb\nc"), ("2", "", "lamp")],
        "quoted as in CSV",
    ),
    "trailing tabs": (
        "c.tsv",
        "document",
        "1\tkettle\t\t\n2\tlamp\t\t\n3\tkiln\n",
        [("1", "", "kettle"), ("2", "", "lamp"), ("3", "", "kiln")],
        "",
    ),
    "Excel": (
        "q.csv",
        "query",
        '\ufeffid;text;lang\r\n1;kettle, old;en\r\n2;"say ""x""; twice";en\r\n',
        [("1", "", "kettle, old"), ("2", "", 'say "x"; twice')],
        "columns not read: lang (2 lines)",
    ),
    "Kaggle": (
        "c.csv",
        "document",
        'Doc ID,Title,Body\n1,"Kettle, old","two\nlines"\n',
        [("1", "Kettle, old", "two\nlines")],
        "id is 'Doc ID', text is 'Body'",
    ),
    "pandas index": (
        "q.csv",
        "query",
        ",question,answer\n0,how old,2\n1,how new,3\n",
        [("0", "", "how old"), ("1", "", "how new")],
        "ids are the numbers in the column without a name",
    ),
    "pandas index and ids": (
        "q.csv",
        "query",
        "Unnamed: 0,qid,query\n0,a,how old\n1,b,how new\n",
        [("a", "", "how old"), ("b", "", "how new")],
        "columns not read: Unnamed: 0 (2 lines)",
    ),
    "CSV without a header": (
        "q.csv",
        "query",
        '1,"kettle, old"\n2,lamp\n',
        [("1", "", "kettle, old"), ("2", "", "lamp")],
        "",
    ),
    "ids with spaces": (
        "c.tsv",
        "document",
        "notes/a b.txt\tkettle\nnotes/c d.txt\tlamp\n",
        [("notes/a b.txt", "", "kettle"), ("notes/c d.txt", "", "lamp")],
        "",
    ),
    "a one-word text": ("q.tsv", "query", "1\tnumber\n2\tlamp\n", [("1", "", "number"), ("2", "", "lamp")], ""),
    "DBpedia": (
        "c.tsv",
        "document",
        "<dbpedia:Ice>\tcold\n<dbpedia:Tea>\thot\n",
        [("<dbpedia:Ice>", "", "cold"), ("<dbpedia:Tea>", "", "hot")],
        "",
    ),
    "trailing empty lines": ("q.tsv", "query", "1\tlamp\n\n\n", [("1", "", "lamp")], ""),
}


@pytest.mark.parametrize("case", TABLES.values(), ids=TABLES.keys())
def test_table_is_read(case: tuple[str, Kind, str, Texts, str], tmp_path: Path) -> None:
    name, kind, content, texts, told = case
    found, notes = read(tmp_path, name, content, kind)
    assert found == texts
    assert told in notes if told else notes == ""


REFUSED: dict[str, tuple[str, Kind, str, str]] = {
    "tabs in a text": (
        "c.tsv",
        "document",
        "1\ta\n2\tb\tc\td\n3\te\n",
        r"c\.tsv:2: 4 columns where most lines have 2; .*\.jsonl",
    ),
    "a tab too few": ("c.tsv", "document", "1\ta\n2\tb\n3\n", r"c\.tsv:3: 1 columns where most lines have 2"),
    "four columns, no addresses": (
        "c.tsv",
        "document",
        "1\ta\tb\tc\n2\td\te\tf\n",
        r"4 columns of documents without a header, and the second holds no addr.*name the columns in a first line",
    ),
    "three columns of queries": (
        "q.tsv",
        "query",
        "1\thow\tten\n2\twho\tme\n",
        r"3 columns of queries without a header",
    ),
    "questions and lists of answers": (
        "qa.tsv",
        "query",
        "how long does it take\t['two', 'three']\nwho mends the tram\t['the smith']\n",
        r"qa\.tsv:1: the first column holds questions without ids .* looks like answers; number the questions: cut -f1",
    ),
    "questions and answers": (
        "qa.tsv",
        "query",
        "how long does it take\ttwo minutes\nwho mends the tram\tthe smith\n",
        r"questions without ids .* nl -ba",
    ),
    "header of questions": (
        "qa.csv",
        "query",
        "question,answer\nhow old,2\n",
        r"qa\.csv:1: the header names no id \(columns: 'question', 'answer'\); call the column of the ids id",
    ),
    "texts before ids": (
        "c.tsv",
        "document",
        "the kettle boils in two minutes\t1\nthe lamp is green by night only\t2\n",
        r"holds texts where ids are expected .*put the id before the text",
    ),
    "unknown header": (
        "q.tsv",
        "query",
        "nummer\tfrage\n1\twie alt\n2\twie neu\n",
        r"q\.tsv:1: the first line may be a header or a text: 'nummer', 'frage'; .*id, text and, of documents, title",
    ),
    "header of ids with digits": (
        "q.tsv",
        "query",
        "name\tfrage\nq1\twie alt\nq2\twie neu\n",
        r"may be a header or a text",
    ),
    "half a header": ("q.tsv", "query", "id\tfrage\nx1\twie alt\nx2\twie neu\n", r"may be a header or a text"),
    "one column": ("c.txt", "document", "the kettle boils\nthe lamp is green\n", r"one column alone.*nl -ba -w1"),
    "JSON named TSV": ("c.tsv", "document", '{"_id": "1", "text": "a"}\n', r"c\.tsv: holds JSON; name it \.jsonl"),
    "TREC topics": (
        "topics.txt",
        "query",
        "<top>\n<num> Number: 301\n<title> crime\n</top>\n",
        r"holds XML or SGML, .*irds:ID",
    ),
    "table named JSON": ("q.jsonl", "query", "1\tkettle\n", r"not JSON, but what looks like a table .*name it \.tsv"),
    "object over lines": (
        "q.json",
        "query",
        '{\n "1": "kettle",\n "2": "lamp"\n}\n',
        r"a JSON object over several lines; .*jq",
    ),
    "mapping of ids": ("q.json", "query", '{"1": "kettle", "2": "lamp"}\n', r"no '_id' \(seen: '1', '2'\)"),
    "open quotes": ("q.csv", "query", 'id,text\n1,"kettle\n2,lamp\n', r"q\.csv:2: a quoted cell is broken"),
    "spreadsheet": ("q.xlsx", "query", "", r"is a spreadsheet; save it as CSV"),
    "topics by name": ("t.xml", "query", "<topics/>", r"is XML or SGML"),
    "no form": ("corpus", "document", "1\ta\n", r"cannot tell the form of this file; name it \.jsonl"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_text_file_is_refused(case: tuple[str, Kind, str, str], tmp_path: Path) -> None:
    name, kind, content, message = case
    with pytest.raises(DistillirError, match=message) as caught:
        read(tmp_path, name, content, kind)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("qa.tsv", "question\tanswer\nhow old\tten\nhow new\ttwo\n"),
        ("qa.csv", 'question,answer\n"how\nold",2\nhow new,3\n'),
    ],
)
def test_the_way_out_of_a_header_without_ids_works(name: str, content: str, tmp_path: Path) -> None:
    with pytest.raises(DistillirError) as caught:
        read(tmp_path, name, content, "query")
    command = str(caught.value).split("number the rows: ")[1].replace("python ", f"{sys.executable} ")
    subprocess.run(command.replace("FILE", name, 1), shell=True, check=True, cwd=tmp_path)
    part = text_part(tmp_path / f"NEW{Path(name).suffix}", "query")
    assert [" ".join(entry.text.split()) for entry in part.read()] == ["how old", "how new"]
    assert len({entry.id for entry in part.read()}) == 2
