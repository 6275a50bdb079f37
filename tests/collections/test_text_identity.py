"""What counts as the same text, and which documents are queries."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from distillir.collections import Collection
from distillir.collections.known_positives import KnownPositives
from distillir.collections.own_documents import own_documents
from distillir.collections.text_identity import normalised, text_key, text_keys
from same_texts import Texts, arguana, make_collection

SAME = [
    ("Bees  see\nUV light ", "bees see uv light"),
    ("caf\u00e9 na\u00efve", unicodedata.normalize("NFD", "CAF\u00c9 NA\u00cfVE")),
    ("STRASSE", "stra\u00dfe"),
    ("\ufb01ne \uff26\uff35\uff2c\uff2c width", "fine FULL width"),
    ("co\u00adop\u200beration\ufeff", "cooperation"),
    ("a\u00a0b\u3000c", "a b c"),
]
OTHER = [
    ("it is", "it is not"),
    ("a b", "ab"),
    ("resume", "r\u00e9sum\u00e9"),
    ("A, b", "a b"),
    ("\u0915\u093f", "\u0915"),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_the_same_text_in_two_forms(first: str, second: str) -> None:
    assert normalised(first) == normalised(second) and text_key(first) == text_key(second)
    assert normalised(normalised(first)) == normalised(first)


@pytest.mark.parametrize(("first", "second"), OTHER)
def test_different_texts(first: str, second: str) -> None:
    assert normalised(first) != normalised(second) and text_key(first) != text_key(second)


def test_keys_of_a_table_are_those_of_its_texts_and_kept(tiny: Collection, isolated_cache: Path) -> None:
    keys = text_keys(tiny.corpus)
    assert keys.tolist() == [text_key(text) for text in tiny.corpus.texts()]
    file = isolated_cache / "text-keys" / f"{tiny.corpus.fingerprint}-1.npy"
    stamp = file.stat().st_mtime_ns
    assert np.array_equal(text_keys(tiny.corpus), keys) and file.stat().st_mtime_ns == stamp


def test_own_documents_need_both_id_and_text(tmp_path: Path) -> None:
    documents: Texts = {
        "1": "Bees see UV light",
        "2": ("A title", "bees shiver in winter"),
        "3": "bees build with wax",  # the id of a query, and another text
        "4": "what is honey",  # a query's text, and another id
        "5": "where do bees live",  # judged relevant to itself
    }
    queries = {
        "1": "bees  see uv light",
        "2": "Bees shiver in winter",
        "3": "something else",
        "q": "what is honey",
        "5": "where do bees live",
    }
    opened = make_collection(
        tmp_path / "c", documents, queries, {"test": [("5", "5", 1), ("1", "1", 0), ("3", "4", 1)]}
    )
    found = own_documents(opened, np.arange(5))
    assert found.rows.tolist() == [0, 1, -1, -1, -1]
    assert found.same_id.tolist() == [False, False, True, False, False]
    assert found.judged.tolist() == [False, False, False, False, True]
    assert own_documents(opened, np.array([2, 0])).rows.tolist() == [-1, 0]


def test_known_positives_are_found_by_text(tmp_path: Path) -> None:
    opened = arguana(tmp_path / "c", copy="SPENDING on bees helps nobody,  whatever towns say of bees")
    known = KnownPositives(opened)
    ids = opened.corpus.ids()
    bees = opened.queries.row("bees-pro")
    rows = opened.corpus.rows(["trains-con", "copy", "bees-con", "bees-pro"])
    nothing = np.zeros(4, dtype=bool)
    assert known.among(bees, rows, nothing).tolist() == [False, True, True, False]
    # What a list calls relevant is a positive in any case, and so is its copy.
    trains = opened.queries.row("trains-pro")
    assert known.among(trains, rows, np.array([False, False, True, False])).tolist() == [True, True, True, False]
    never = {ids[row] for row in np.flatnonzero(np.isin(known.texts, known.never(bees)))}
    assert never == {"bees-con", "copy", "bees-pro"}  # the last is the query itself, but for its title


def test_a_made_query_knows_the_document_it_was_made_of(tmp_path: Path) -> None:
    documents = {"d": "the first text of them", "e": "The first text of them", "f": "another"}
    opened = make_collection(
        tmp_path / "c", documents, {"sentence:d": "first text", "x:d": "more"}, {"test": [("x:d", "f", 1)]}
    )
    known = KnownPositives(opened)
    nothing = np.zeros(3, dtype=bool)
    assert known.among(0, np.arange(3), nothing).tolist() == [True, True, False]
    assert known.among(1, np.arange(3), nothing).tolist() == [False, False, True]
