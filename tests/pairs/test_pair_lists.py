"""Pairs on disk, in lists and in training examples."""

from pathlib import Path

import numpy as np
import pytest
import torch

from distillir.base.errors import DistillirError
from distillir.batches.tokens import tokenise
from distillir.collections import Collection
from distillir.plans.example_stream import ExampleStream
from distillir.plans.plain_lists import PlainLists
from distillir.signals.preferences.diagnostics import diagnose_pairs
from distillir.signals.preferences.pair_lists import PairLists
from distillir.signals.preferences.pair_set import Pairs, open_pairs, write_pairs
from distillir.signals.preferences.training import PairTraining
from distillir.students.load import load_student
from distillir.training.collator import ExampleCollator
from example_lists import ExampleLists

NONE = np.full(4, np.nan, dtype=np.float32)


def _pairs(swapped: np.ndarray = NONE) -> Pairs:
    return Pairs(
        np.array([2, 2, 6, 6]),
        np.array([1, 0, 3, 2]),
        np.array([4, 1, 0, 1]),
        np.array([0.0, 3.0, -2.0, 40.0], dtype=np.float32),
        swapped,
    )


def test_preferences_of_one_order_and_of_both() -> None:
    assert _pairs().preferences == pytest.approx([0.5, 0.9526, 0.1192, 1.0], abs=1e-4)
    both = _pairs(np.array([0.0, 3.0, 2.0, -200.0], dtype=np.float32)).preferences
    # A teacher that prefers whatever stands first is left with no preference.
    assert both == pytest.approx([0.5, 0.5, 0.1192, 1.0], abs=1e-4)


def test_written_and_read(tmp_path: Path) -> None:
    write_pairs(_pairs(), tmp_path / "pairs", "made of this")
    found = open_pairs(tmp_path / "pairs", "made of this")
    assert found.first.tolist() == [1, 0, 3, 2] and np.isnan(found.swapped).all()
    with pytest.raises(DistillirError, match="another teaching set"):
        open_pairs(tmp_path / "pairs", "made of that")
    (tmp_path / "pairs" / "pairs.parquet").write_bytes(b"torn")
    with pytest.raises(DistillirError, match="cannot be read"):
        open_pairs(tmp_path / "pairs")


def test_documents_of_whole_pairs_come_first() -> None:
    lists = PairLists(_pairs())
    for seed in range(10):
        chosen = lists.put_first(2, np.array([5, 6, 7, 1]), np.random.default_rng(seed))
        assert len(chosen) == 4 and set(chosen[:3].tolist()) == {0, 1, 4} and chosen[3] == 5
        # Where there is room for one pair, it is one that is whole.
        assert set(lists.put_first(2, np.array([5, 6]), np.random.default_rng(seed)).tolist()) in ({0, 1}, {1, 4})
    assert lists.put_first(1, np.array([5, 6]), np.random.default_rng(0)).tolist() == [5, 6]
    pairs, preferences = lists.within(2, np.array([9, 4, 1]))
    assert pairs.tolist() == [[2, 1]] and preferences.tolist() == [0.5]
    assert lists.within(1, np.array([9, 4, 1]))[0].shape == (0, 2)


def test_examples_and_batches_hold_them(tiny: Collection, tmp_path: Path, minilm_path: str) -> None:
    lists = ExampleLists(tiny)
    examples = ExampleStream(
        lists, epochs=1, queries_per_step=4, samplers=[PlainLists(4, "random")], signals=[PairLists(_pairs())]
    )
    batch = [examples[i] for i in range(8)]
    rows = np.concatenate([lists.documents(i) for i in range(len(lists.queries))])
    expected = {}
    for example in batch:
        index = lists.queries.tolist().index(example.query)
        documents = lists.documents(index)
        own = [p for p in zip(*(_pairs().first, _pairs().second, _pairs().lists), strict=True) if p[2] == index]
        shown = {(int(example.documents[a]), int(example.documents[b])) for a, b in example.signals["pairs"].places}
        assert shown <= {(int(documents[a]), int(documents[b])) for a, b, _ in own}
        assert len(shown) >= min(1, len(own))
        expected[example.query] = shown
    assert any(expected.values())
    student = load_student(minilm_path, layers=1, max_length=24, device="cpu")
    queries = tokenise(tmp_path / "q", student, tiny.queries, lists.queries, kind="query")
    documents_tokens = tokenise(tmp_path / "d", student, tiny.corpus, rows, kind="document")
    collator = ExampleCollator(
        queries,
        documents_tokens,
        budget=512,
        in_batch=True,
        pseudo_positives="always",
        signals=[PairTraining(PairLists(_pairs()))],
    )
    label = collator(batch)["label"]
    for row, example in enumerate(batch):
        real = label["pairs"][row, :, 0] >= 0
        assert real.sum() == len(expected[example.query])
        assert torch.equal(label["pairs"][row][real], torch.from_numpy(example.signals["pairs"].places))
        # The teacher's best stands for the positive, whatever is judged; own candidates are told from others'.
        assert label["positive"][row] == int(example.teacher.argmax())
        assert label["own_list_mask"][row].sum() == len(example.documents) < label["mask"][row].sum()


def test_figures_by_hand(tiny: Collection) -> None:
    lists = ExampleLists(tiny)
    relevant = [lists.relevant(i) for i in range(7)]
    found = diagnose_pairs(_pairs(), lists)
    assert found.pairs == 4 and found.lists == 2 and found.position_bias is None
    assert found.disagree == 0.25
    judged = [
        relevant[q][a] != relevant[q][b]
        for q, a, b in zip(_pairs().lists, _pairs().first, _pairs().second, strict=True)
    ]
    assert found.judged == sum(judged)
    biased = diagnose_pairs(_pairs(np.array([0.0, 3.0, -2.0, 40.0], dtype=np.float32)), lists)
    assert biased.position_bias == pytest.approx(np.mean([0, 2 * 0.9526 - 1, 2 * 0.1192 - 1, 1]), abs=1e-3)
    # A tie in both orders is no winner in either.
    assert biased.consistent == 0.0  # the first wins in either order, or the second does


def test_lists_as_chosen_keep_their_form_and_hold_what_pairs_they_hold(tiny: Collection) -> None:
    lists = ExampleLists(tiny)
    samplers = [PlainLists(3)]
    plain = ExampleStream(lists, epochs=1, queries_per_step=4, samplers=samplers)
    beside = ExampleStream(
        lists, epochs=1, queries_per_step=4, samplers=samplers, signals=[PairLists(_pairs(), first=False)]
    )
    for one, other in zip((plain[i] for i in range(8)), (beside[i] for i in range(8)), strict=True):
        np.testing.assert_array_equal(one.documents, other.documents)
        index = lists.queries.tolist().index(other.query)
        pairs, _ = PairLists(_pairs()).of(index)
        held = np.isin(lists.documents(index)[pairs], other.documents).all(axis=1).sum()
        assert len(other.signals["pairs"].places) == held
