"""Which queries gained and lost: by hand-made rankings whose measures are known."""

from pathlib import Path

import numpy as np
import pytest
from example_run import make_collection

from distillir.base.arrays import Rows
from distillir.collections import Collection
from distillir.collections.run import Run, from_lists
from distillir.reporting.figures.gains import gains_figure
from distillir.reporting.query_gains import QueryGains, query_gains


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Ten documents and seven queries; document i answers query i."""
    documents = {f"d{i}": (f"Title {i}", f"text number {i} " + "word " * 100) for i in range(10)}
    queries = {f"q{i}": f"which is number {i}" for i in range(7)}
    return make_collection(
        tmp_path_factory.mktemp("l") / "letters", documents, queries, {f"q{i}": f"d{i}" for i in range(7)}
    )


def ranked(places: list[int], name: str) -> Run:
    """A run of ten documents in which the relevant one of query i has rank ``places[i]``; 0: it is missing."""
    lists: list[Rows] = []
    for query, place in enumerate(places):
        others = [d for d in range(10) if d != query]
        lists.append(np.array([*others[: place - 1], query, *others[place - 1 :]] if place else others))
    scores = [np.arange(len(d), 0, -1).astype(np.float32) for d in lists]
    return from_lists(np.arange(len(places)), lists, scores, name)


def gains(letters: Collection, before: list[int], after: list[int], **more: list[int]) -> QueryGains:
    runs = {name: ranked(places, name) for name, places in {"before": before, "after": after, **more}.items()}
    return query_gains(letters, letters.qrels("train"), runs, "MRR@10")


def test_differences_and_both_ends(letters: Collection) -> None:
    found = gains(letters, [2, 1, 4, 1, 10, 0, 5], [1, 2, 4, 4, 1, 1, 4], teacher=[1, 1, 1, 1, 1, 1, 0])
    np.testing.assert_allclose(found.differences, [1.0, 0.9, 0.5, 0.05, 0.0, -0.5, -0.75])
    assert (found.wins, found.ties, found.losses) == (4, 1, 2)
    assert [q.id for q in found.best] == ["q5", "q4", "q0", "q6"]
    assert [q.id for q in found.worst] == ["q3", "q1"]
    first = found.best[0]
    assert first.first_relevant == {"before": None, "after": 1, "teacher": 1}
    assert [p.id for p in first.top_before] == ["d0", "d1", "d2"]
    assert [(p.id, p.relevant) for p in first.top_after] == [("d5", True), ("d0", False), ("d1", False)]
    assert first.text == "which is number 5" and first.top_after[0].title == "Title 5"
    assert len(first.top_after[0].text) <= 302 and first.top_after[0].text.endswith(" …")
    assert found.best[3].first_relevant["teacher"] is None


def test_what_was_sought_is_told_where_neither_top_has_it(letters: Collection) -> None:
    found = gains(letters, [5] * 7, [4] + [5] * 6)
    (only,) = found.best
    assert only.sought is not None and (only.sought.id, only.sought.relevant) == ("d0", True)
    shown = gains(letters, [5] * 7, [3] + [5] * 6).best[0]
    assert shown.sought is None


def test_nothing_changed(letters: Collection) -> None:
    found = gains(letters, [1] * 7, [1] * 7)
    assert found.best == found.worst == [] and found.ties == 7
    figure = gains_figure(found)
    assert figure is not None and figure.caption == "0 queries got better, 7 stayed the same, 0 got worse."


def test_a_query_without_ranking_counts_as_zero(letters: Collection) -> None:
    runs = {"before": ranked([1] * 7, "before").select(range(6)), "after": ranked([1] * 7, "after")}
    found = query_gains(letters, letters.qrels("train"), runs, "MRR@10")
    assert found.wins == 1 and found.best[0].id == "q6" and found.best[0].top_before == []


def test_figure_of_many_queries_is_small_and_true() -> None:
    differences = np.sort(np.random.default_rng(0).normal(0.1, 0.3, 50_000))[::-1]
    figure = gains_figure(QueryGains("MRR@10", differences, [], []))
    assert figure is not None and figure.compact is not None
    assert len(figure.wide) < 40_000 and "50\u202f000 queries" in figure.wide
    assert f"mean +{differences.mean():.3f}" in figure.wide


def test_figure_has_a_bar_a_query_in_its_colour(letters: Collection) -> None:
    figure = gains_figure(gains(letters, [2, 1, 4, 1, 10, 0, 5], [1, 2, 4, 4, 1, 1, 4]))
    assert figure is not None
    assert figure.wide.count("fill: var(--gain)") == 4
    assert figure.wide.count("fill: var(--loss)") == 3  # two losses and the bar without height


def test_same_input_same_figure_and_ids_of_its_own(tmp_path: Path, letters: Collection) -> None:
    first, second = (gains_figure(gains(letters, [2] * 7, [1] * 7)) for _ in range(2))
    assert first == second and first is not None
    assert 'id="query-gains-wide-figure_1"' in first.wide
