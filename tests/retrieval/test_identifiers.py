from distillir.collections import Collection
from distillir.retrieval.bm25 import BM25Index
from distillir.retrieval.identifiers import split_identifiers


def test_names_are_kept_and_taken_apart() -> None:
    assert split_identifiers("HTTPServer.read_line2(x)") == [
        "httpserver",
        "http",
        "server",
        "read_line2",
        "read",
        "line",
    ]
    assert split_identifiers("plain Words") == ["plain", "words"]
    assert split_identifiers("__init__ 2024 naïve_café") == ["__init__", "init", "2024", "naïve_café"]


def test_a_search_finds_the_parts_of_a_name(tiny: Collection) -> None:
    whole, parts = (BM25Index.build_or_load(tiny, identifiers=choice) for choice in (False, True))
    word = next(w for text in tiny.corpus.texts() for w in text.split() if w.isalpha() and len(w) > 7)
    document = next(row for row in range(len(tiny.corpus)) if word in tiny.corpus.text(row).split())
    assert whole.score(f"other_{word}", [document])[0] == 0  # type: ignore[arg-type]
    assert parts.score(f"other_{word}", [document])[0] > 0  # type: ignore[arg-type]
