"""Matched words: as BM25 cuts words, in any script."""

from distillir.retrieval.bm25_settings import BM25Settings
from distillir.serving.marks import Marker


def _marked(text: str, query: str, **settings: object) -> list[str]:
    marker = Marker(BM25Settings(**settings))  # type: ignore[arg-type]
    return [text[start:end] for start, end in marker.places(text, marker.words(query))]


def test_case_stop_words_and_single_letters() -> None:
    assert _marked("The bees, the BEES and a Bee's wax", "the bees a") == ["bees", "BEES"]
    assert _marked("nothing", "") == [] == _marked("", "bees")


def test_stems_and_names_in_code() -> None:
    assert _marked("dancing dances", "dance", stemmer="english") == ["dancing", "dances"]
    assert _marked("dancing dances", "dance") == []
    assert _marked("def read_line(readLine)", "line", identifiers=True) == ["read_line", "readLine"]


def test_other_scripts() -> None:
    assert _marked("Straße und STRASSE", "strasse") == ["Straße", "STRASSE"]
    assert _marked("東京都に住む", "東京") == ["東京"]
    assert _marked("हिन्दी भाषा", "हिन्दी") == ["हिन्दी"]


def test_the_excerpt_is_where_most_words_stand() -> None:
    marker = Marker(BM25Settings())
    text = "filler " * 200 + "bees dance on the comb while bees sleep " + "filler " * 200
    found = marker.excerpt(text, marker.words("bees comb"))
    assert found.startswith("… ") and found.endswith(" …") and "bees dance on the comb" in found
    assert len(found) < 320
    assert marker.excerpt(text, frozenset()).startswith("filler filler")
    assert marker.excerpt("short", marker.words("bees")) == "short"
    assert "東京" in marker.excerpt("あ" * 900 + "東京" + "あ" * 900, marker.words("東京"))
