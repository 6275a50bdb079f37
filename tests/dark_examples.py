"""Dark examples of the example lists, with made-up scores between negatives and positive."""

from pathlib import Path

import numpy as np

from distillir.collections import Collection
from distillir.signals.dark_examples.dark_example_set import (
    DarkExampleSet,
    open_dark_set,
    read_unscored,
    write_dark_scores,
    write_texts,
)
from distillir.signals.dark_examples.make import make_dark
from distillir.signals.dark_examples.spec import MakingSpec
from example_lists import ExampleLists


def raise_positives(lists: ExampleLists) -> None:
    """Let the teacher prefer what is judged relevant."""
    for index in range(len(lists.queries)):
        lists.scores(index)[lists.relevant(index)] = 6.0


def make_dark_set(collection: Collection, lists: ExampleLists, path: Path) -> DarkExampleSet:
    """Make and "score" them: a list's dark examples lie from below its worst candidate to above its positive (6.0)."""
    raise_positives(lists)
    path.mkdir(exist_ok=True)
    made = make_dark(collection, lists, MakingSpec(reinforced=4, noisy=4))
    write_texts(made, collection.queries.ids(lists.queries.tolist()), path, "lists")
    unscored = read_unscored(path)
    candidates = [lists.scores(one.index) for one in unscored]
    dark = [
        np.linspace(scores.min() - 1, 7.0, len(one.rows)).astype(np.float32)
        for one, scores in zip(unscored, candidates, strict=True)
    ]
    write_dark_scores(unscored, candidates, dark, path)
    return open_dark_set(path)
