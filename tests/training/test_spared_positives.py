"""No positive, and no copy of one, is a negative: in its own list, from other lists, in graded lists."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_fixtures import student  # noqa: F401

from distillir.base.arrays import Flags
from distillir.batches.tokens import tokenise
from distillir.collections import Collection
from distillir.collections.known_positives import KnownPositives
from distillir.collections.table import Rows
from distillir.objectives.ckl import ckl
from distillir.objectives.weighted_sum import parse_objective
from distillir.plans.graded_lists import HARD, REMAINING, GradedLists
from distillir.plans.lessons import Lessons
from distillir.plans.list_form import ListForm
from distillir.plans.plain_lists import PlainLists
from distillir.plans.settings import TrainingSettings
from distillir.plans.stage import GradedSpec, Stage
from distillir.retrieval.run import Scores
from distillir.teaching.known_lists import KnownLists
from distillir.training.collator import LessonCollator
from same_texts import make_collection

DOCUMENTS = {
    "good": "bees dance to show where flowers are",
    "copy": "Bees dance to show  where flowers are",
    "also good": "a dance of bees tells the way",
    "bad": "trains run on rails",
    "worse": "bread is baked from flour",
    "other": "violins have four strings",
    "copy of bad": "Trains run on rails",
    "asked": "how do bees find flowers",
}
GOOD, COPY, ALSO, BAD, WORSE, OTHER, BAD_COPY, ASKED = range(8)
QUERIES = {"q": "How do bees find flowers", "r": "what is a violin", "s": "how is bread made"}


class Lists:
    """Two lists: of bees with the judged ``relevant`` ones, and of violins with copies of the former's documents."""

    def __init__(self, first: Sequence[int], relevant: Sequence[int]) -> None:
        self.queries: Rows = np.array([0, 1])
        self._lists = [np.array(first), np.array([OTHER, COPY, BAD_COPY, ASKED, WORSE])]
        self._relevant: list[Flags] = [np.isin(self._lists[0], relevant), np.isin(self._lists[1], [OTHER])]

    def documents(self, index: int) -> Rows:
        return self._lists[index]

    def scores(self, index: int) -> Scores:
        return np.arange(len(self._lists[index]), 0, -1, dtype=np.float32)

    def relevant(self, index: int) -> Flags:
        return self._relevant[index]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    qrels = {
        "train": [("q", "good", 1), ("r", "other", 1)],
        "dev": [("q", "also good", 1)],
        "test": [("s", "worse", 1)],
    }
    return make_collection(tmp_path_factory.mktemp("spared") / "c", DOCUMENTS, QUERIES, qrels)


@pytest.fixture
def label(opened: Collection, tmp_path: Path, student: Any) -> Any:
    """``label(lists, known, forms, in_batch=..., pseudo_positives=...)``: what is made of both lists."""
    queries = tokenise(tmp_path / "q", student, opened.queries, np.arange(2), kind="query")
    documents = tokenise(tmp_path / "d", student, opened.corpus, np.arange(8), kind="document")

    def make(lists: Lists, known: bool, forms: Sequence[ListForm] = (PlainLists(None),), **options: Any) -> Any:
        texts = KnownPositives(opened) if known else None
        wrapped = lists if texts is None else KnownLists(lists, texts, opened.qrels("train"))
        lessons = Lessons(wrapped, epochs=1, queries_per_step=2, forms=forms)
        chosen = sorted((lessons[0], lessons[1]), key=lambda lesson: lesson.query)
        collator = LessonCollator(queries, documents, budget=512, known=texts, **options)
        batch = collator(chosen)
        rows = np.unique(np.concatenate([lesson.documents for lesson in chosen]))
        ordered = rows[np.argsort(documents.lengths(rows), kind="stable")]
        batch["label"]["documents"] = ordered[batch["label"]["index"].numpy()]
        return batch["label"]

    return make


def _joined(label: Any, row: int) -> set[int]:
    """The documents of other lists that a query is compared with."""
    places = label["mask"][row] & ~label["own"][row]
    return set(label["documents"][row][places.numpy()].tolist())


def _info_nce(label: Any, student: torch.Tensor, **options: Any) -> float:
    return float(parse_objective({"info_nce": options}).value(student, label, label["mask"]))


def test_info_nce_compares_a_positive_with_negatives_alone(label: Any) -> None:
    lists = Lists([GOOD, COPY, ALSO, BAD], [GOOD])
    scores = torch.tensor([[1.0, 2.0, 3.0, 4.0, 0.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
    masked = label(lists, True)
    assert masked["positive"].tolist() == [0, 0]
    # The copy of the judged document and the one that another split judges are no negatives; violins have no such.
    first = -torch.tensor([1.0, 4.0]).log_softmax(0)[0]
    second = -torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]).log_softmax(0)[0]
    assert _info_nce(masked, scores) == pytest.approx(float(first + second) / 2, abs=1e-6)
    # As the authors' code has it: all but the positive are negatives.
    first = -torch.tensor([1.0, 2.0, 3.0, 4.0]).log_softmax(0)[0]
    assert _info_nce(label(lists, False), scores) == pytest.approx(float(first + second) / 2, abs=1e-6)


def test_other_judged_positives_of_a_list_are_no_negatives(label: Any) -> None:
    masked = label(Lists([BAD, GOOD, ALSO], [GOOD, ALSO]), True)
    assert masked["positive"][0] == 1 and masked["spared"][0].tolist()[:3] == [False, False, True]


def test_a_pseudo_positives_copy_is_no_negative(label: Any) -> None:
    lists = Lists([BAD, WORSE, BAD_COPY], [])
    masked = label(lists, True, pseudo_positives=True)
    assert masked["positive"][0] == 0 and masked["spared"][0].tolist()[:3] == [False, False, True]
    # ``always`` takes the teacher's best whatever is judged, and still what is judged is no negative of it.
    masked = label(Lists([BAD, GOOD, WORSE], [GOOD]), True, pseudo_positives="always")
    assert masked["positive"][0] == 0 and masked["spared"][0].tolist()[:3] == [False, True, False]


def test_ckl_weighs_a_copy_as_the_positive_that_it_is(label: Any) -> None:
    masked = label(Lists([BAD, GOOD, COPY, WORSE], [GOOD]), True)
    assert masked["relevant"][0].tolist()[:4] == [False, True, True, False]
    student = torch.tensor([[0.3, 0.2, 0.2, 0.1]])
    teacher = torch.tensor([[4.0, 3.0, 2.0, 1.0]])
    value = parse_objective({"ckl": {"gamma": 0.5}}).value(
        student, {"teacher": teacher, "relevant": masked["relevant"][:1, :4]}
    )
    expected = ckl(student, teacher, torch.tensor([[False, True, True, False]]), gamma=0.5, beta=0.0)
    torch.testing.assert_close(value, expected)


@pytest.mark.parametrize("in_batch", [True, "all"])
def test_no_copy_of_a_positive_joins_from_other_lists(label: Any, in_batch: bool | str) -> None:
    lists = Lists([GOOD, BAD], [GOOD])
    masked = label(lists, True, in_batch=in_batch)
    # Not the copy of the positive, nor that of an own candidate, nor what has the query's own words.
    assert _joined(masked, 0) == {OTHER, WORSE}
    # All of the bees' documents are in the violin's list by their texts.
    assert _joined(masked, 1) == set()
    assert masked["spared"].shape == masked["mask"].shape and not (masked["spared"] & ~masked["own"]).any()
    plain = label(lists, False, in_batch=in_batch)
    assert _joined(plain, 0) == {OTHER, COPY, BAD_COPY, ASKED, WORSE} and _joined(plain, 1) == {GOOD, BAD}


def test_a_positive_of_another_list_does_not_join_where_mining_missed_it(label: Any) -> None:
    lists = Lists([BAD, WORSE], [])
    assert COPY not in _joined(label(lists, True, in_batch=True), 0)
    assert COPY in _joined(label(lists, False, in_batch=True), 0)


def test_graded_lists_put_no_positive_among_the_negatives(label: Any) -> None:
    form = GradedLists(1, 2, 2)
    lists = Lists([BAD, WORSE, ALSO, COPY, GOOD], [ALSO, GOOD])
    graded = label(lists, True, [form])
    by_document = dict(zip(graded["documents"][0].tolist(), graded["labels"][0].tolist(), strict=True))
    # Judged ones and the copy stand first, and none is below another; bad and worse are drawn from what is left.
    assert [by_document[row] for row in (ALSO, COPY, GOOD)] == [1.0, 1.0, 1.0]
    assert {by_document[BAD], by_document[WORSE]} == {REMAINING}
    authors = label(lists, False, [GradedLists(1, 2, 2, spare=False)])
    by_document = dict(zip(authors["documents"][0].tolist(), authors["labels"][0].tolist(), strict=True))
    assert by_document[ALSO] == 1.0 and by_document[GOOD] == HARD and by_document[COPY] == REMAINING


def test_one_text_has_one_label(opened: Collection) -> None:
    lists = KnownLists(Lists([GOOD, BAD, WORSE, BAD_COPY], [GOOD]), KnownPositives(opened))
    labels = np.array([1, 0.5, -0.25, -0.5], dtype=np.float32)
    assert lists.levelled(0, labels).tolist() == [1, 0.5, -0.25, 0.5]
    assert lists.relevant(0).tolist() == [True, False, False, False]
    assert lists.negative(0, 1).tolist() == [False, False, True, False]


def test_the_option_reaches_the_plan() -> None:
    stage = Stage(lists=GradedSpec(top=2, hard=2))
    for masked in (True, False):
        assert stage.forms(TrainingSettings(mask_positives=masked)) == (GradedLists(2, 2, 0, spare=masked),)
