"""Dark examples on disk: they come back as they were made, whole or not at all."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from dark_examples import make_dark_set
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.signals.dark_examples.dark_example_set import (
    MADE,
    SCORED,
    TEXTS,
    check_fingerprint,
    is_complete,
    open_dark_set,
    read_unscored,
    write_texts,
)
from distillir.signals.dark_examples.make import Made, make_dark
from distillir.signals.dark_examples.spec import MakingSpec
from example_lists import ExampleLists


def test_what_was_made_comes_back(tiny: Collection, tmp_path: Path) -> None:
    lists = ExampleLists(tiny)
    dark = make_dark_set(tiny, lists, tmp_path)
    made = {one.index: one for one in make_dark(tiny, lists, MakingSpec(reinforced=4, noisy=4))}
    assert set(dark.lists) == {0, 2, 4, 6, 8, 10} == set(made)
    rows = np.concatenate([found.rows for found in dark.lists.values()])
    assert np.array_equal(rows, np.arange(len(dark.texts)))
    for index, found in dark.lists.items():
        assert tuple(dark.text(int(row)) for row in found.rows) == made[index].texts
        assert found.kinds == tuple(text.kind for text in made[index].texts)
        assert found.positive == made[index].positive
        assert len(found.scores) == len(found.rows)
        np.testing.assert_array_equal(found.candidates, lists.scores(index))
    again = pickle.loads(pickle.dumps(dark))
    assert all(np.array_equal(again.lists[i].scores, dark.lists[i].scores) for i in dark.lists)


def test_no_id_is_one_of_the_collections(tiny: Collection, tmp_path: Path) -> None:
    dark = make_dark_set(tiny, ExampleLists(tiny), tmp_path)
    assert not set(dark.texts.ids()) & set(tiny.corpus.ids())


def test_unfinished_damaged_and_foreign_sets_are_refused(tiny: Collection, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    make_dark_set(tiny, ExampleLists(tiny), whole)
    unfinished, damaged = tmp_path / "unfinished", tmp_path / "damaged"
    for folder in (unfinished, damaged):
        shutil.copytree(whole, folder)
    (unfinished / SCORED).unlink()
    assert is_complete(whole) and not is_complete(unfinished)
    (damaged / SCORED).write_bytes(b"no parquet")
    for folder, said in ((unfinished, "is missing"), (damaged, "damaged")):
        with pytest.raises(DistillirError, match=said):
            open_dark_set(folder)
    check_fingerprint(whole, "lists")
    with pytest.raises(DistillirError, match="another teaching set"):
        check_fingerprint(whole, "others")
    (unfinished / TEXTS / MADE).write_bytes(b"PAR1")
    with pytest.raises(DistillirError, match="damaged"):
        read_unscored(unfinished)


def test_where_nothing_can_be_made_nothing_is_written(tmp_path: Path) -> None:
    for made, said in (([], "no list has a positive"), ([Made(0, 0, ())], "too short")):
        with pytest.raises(DistillirError, match=said):
            write_texts(made, ["q"], tmp_path / "dark", "lists")
        assert not (tmp_path / "dark" / TEXTS).exists()
