"""Lists that teach nothing: which are left out for which objective."""

import numpy as np
import pytest

from distillir.base.errors import DistillirError
from distillir.base.progress import console
from distillir.plans.example_stream import ExampleStream
from distillir.plans.plain_lists import PlainLists
from distillir.plans.usable_lists import usable_lists
from distillir.retrieval.ties import all_tied


class Given:
    """Lists of three, one, three and two candidates; scores of the first and last are all the same."""

    queries = np.arange(4)

    def documents(self, index: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        return np.arange([3, 1, 3, 2][index])

    def scores(self, index: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        values = [[0.7, 0.7, 0.7], [2], [3, 2, 2], [12.5, 12.500003]]
        return np.array(values[index], dtype=np.float32)

    def relevant(self, index: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        flags = np.zeros(len(self.documents(index)), dtype=bool)
        flags[:1] = index < 3
        return flags


@pytest.mark.parametrize(
    ("needs", "settings", "usable"),
    [
        ({"teacher"}, {}, [2]),
        ({"labels"}, {}, [2]),
        ({"teacher", "positive"}, {"in_batch": True}, [2]),
        ({"positive"}, {}, [0, 2, 3]),
        ({"positive"}, {"in_batch": True}, [0, 1, 2, 3]),
        ({"positive"}, {"pseudo_positives": True}, [0, 2]),
        ({"positive"}, {"pseudo_positives": "always"}, [2]),
        ({"pairs", "preferences"}, {}, [0, 2, 3]),
    ],
)
def test_what_an_objective_can_learn_from(needs: set[str], settings: dict[str, bool | str], usable: list[int]) -> None:
    found = usable_lists(Given(), needs, **settings)
    assert np.flatnonzero(found.usable).tolist() == usable
    assert found.alone + found.tied == 4 - len(usable)


def test_only_usable_lists_are_seen_and_the_others_are_told() -> None:
    found = usable_lists(Given(), {"teacher"})
    examples = ExampleStream(Given(), epochs=3, queries_per_step=1, samplers=[PlainLists(None)], usable=found.usable)
    assert [examples[i].query for i in range(len(examples))] == [2, 2, 2]
    with console.capture() as captured:
        found.say()
    assert captured.get().splitlines() == [
        "2 of 4 lists have one teacher score throughout: left out, since they order nothing",
        "1 of 4 lists have fewer than two candidates: left out, there is nothing to compare",
    ]
    with pytest.raises(DistillirError, match="every list has one teacher score throughout"):
        ExampleStream(Given(), epochs=1, queries_per_step=1, usable=np.zeros(4, dtype=bool))


def test_a_positive_alone_is_compared_with_other_queries() -> None:
    found = usable_lists(Given(), {"positive"}, in_batch=True)
    examples = ExampleStream(Given(), epochs=1, queries_per_step=1, samplers=[PlainLists(2)], usable=found.usable)
    [alone] = [examples[i] for i in range(4) if examples[i].query == 1]
    assert (alone.documents.tolist(), alone.relevant.tolist()) == ([0], [True])


def test_ties_but_for_rounding() -> None:
    assert all_tied(np.array([1.0, 1.0 - 2.0**-23], dtype=np.float32))
    assert all_tied(np.array([0.0, 0.0])) and all_tied(np.array([3.0])) and all_tied(np.empty(0))
    assert not all_tied(np.array([0.999, 0.9989], dtype=np.float32))
    assert not all_tied(np.array([0.0, 1e-30]))
