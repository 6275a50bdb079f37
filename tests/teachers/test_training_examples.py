"""What ``train-teacher``'s losses want: lists and targets in closed form, the library's loss against its formula."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder
from teacher_examples import untrained_cross_encoder

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.base.progress import console
from distillir.collections import Collection
from distillir.teachers.bm25 import BM25Teacher
from distillir.teachers.counted import CountedTeacher
from distillir.teachers.cross_encoder_training.examples import check_loss, columns, examples, lengths, library_loss
from distillir.teachers.cross_encoder_training.lists import one_of_the_positives, softened, training_lists
from distillir.teachers.cross_encoder_training.pairs import TrainingPairs, training_triples
from distillir.teachers.cross_encoder_training.soft_labels import read_soft_labels, soft_labels


def pairs_of(rows: Sequence[tuple[int, int, int]]) -> TrainingPairs:
    """Pairs of (query, document, grade), grade 0 for a negative."""
    queries, documents, grades = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    return TrainingPairs(queries, documents, (grades > 0).astype(np.float32), grades.astype(np.int32))


PAIRS = pairs_of([(0, 5, 2), (0, 7, 0), (0, 8, 0), (0, 6, 1), (0, 8, 0), (0, 9, 0), (1, 4, 1), (1, 2, 0), (2, 3, 2)])


class Given(CountedTeacher):
    """Scores of documents by their row; NaN where there is none, as of a language model without an answer."""

    name = "given"

    def __init__(self, scores: dict[int, float]) -> None:
        self.scores = scores

    def fingerprint(self, collection: Collection) -> str:
        return repr(self.scores)

    def score(self, collection: Collection, queries: Rows, lists: Sequence[Rows]) -> list[Scores]:
        return [np.array([self.scores.get(int(d), np.nan) for d in rows], dtype=np.float32) for rows in lists]


def test_lists_hold_a_querys_positives_and_all_their_negatives_once() -> None:
    lists = training_lists(PAIRS)
    assert lists.queries.tolist() == [0, 1] and lists.lost == 1
    assert [rows.tolist() for rows in lists.documents] == [[5, 6, 7, 8, 9], [4, 2]]
    assert [labels.tolist() for labels in lists.labels] == [[1, 1, 0, 0, 0], [1, 0]]
    assert lists.of_pairs.tolist() == [0] * 6 + [1, 1, -1]
    many = training_lists(pairs_of([(0, i, 1 - i % 2) for i in range(40)]))
    assert [int(labels.sum()) for labels in many.labels] == [8, 8, 4]
    with pytest.raises(DistillirError, match="no list has a negative"):
        training_lists(pairs_of([(0, 1, 1), (0, 2, 1)]))


def test_targets_are_distributions() -> None:
    even = np.exp(one_of_the_positives(np.array([1, 1, 0], dtype=np.float32)))
    assert even.tolist() == [0.5, 0.5, 0.0]
    soft = softened(np.array([2.0, 0.0, -1.0], dtype=np.float32), 2.0)
    np.testing.assert_allclose(np.exp(soft), torch.tensor([1.0, 0.0, -0.5]).softmax(0).numpy(), rtol=1e-6)


@pytest.fixture(scope="module")
def model(minilm_path: str) -> CrossEncoder:
    return CrossEncoder(untrained_cross_encoder(minilm_path), max_length=48, device="cpu").eval()


def logits_of(model: CrossEncoder, collection: Collection, query: int, documents: Rows) -> torch.Tensor:
    texts = [(collection.queries.text(query), collection.corpus.text(int(d))) for d in documents]
    return torch.as_tensor(model.predict(texts, activation_fn=torch.nn.Identity()))


@pytest.mark.parametrize("soft", [False, True])
def test_the_librarys_loss_over_lists_is_cross_entropy_to_the_targets(
    tiny: Collection, model: CrossEncoder, soft: bool
) -> None:
    teacher = Given({2: 0.5, 4: 1.5, 5: 3.0, 6: 0.0, 7: 2.0, 8: float("nan"), 9: 0.1}) if soft else None
    found = examples(PAIRS, tiny, loss="graded" if soft else "listwise", soft=teacher)
    texts = columns(found, tiny, model, 48, "")
    with torch.no_grad():
        loss = library_loss(model, found)(
            [texts["query"], texts["document"]], [torch.tensor(label) for label in texts["label"]]
        )
    expected = []
    for query, documents, labels in zip(found.queries.tolist(), found.documents, found.labels, strict=True):
        log_p = logits_of(model, tiny, query, documents).log_softmax(0)
        if teacher is None:
            relevant = torch.isfinite(torch.tensor(labels))
            expected.append(-log_p[relevant].mean())
        else:
            assert 8 not in documents  # without an answer
            temperature = found.facts["soft_labels"]["temperature"]
            wanted = torch.tensor([teacher.scores[int(d)] for d in documents]).div(temperature).softmax(0)
            # KL divergence and the targets' own entropy, which no weight changes.
            kl = torch.nn.functional.kl_div(log_p, wanted, reduction="sum")
            expected.append(kl - (wanted * wanted.log()).sum())
    assert float(loss) == pytest.approx(float(torch.stack(expected).mean()), rel=1e-5)
    assert lengths(texts, 48).tolist() == [
        min(240, len(q) + max(map(len, d))) for q, d in zip(texts["query"], texts["document"], strict=True)
    ]


def test_grades_are_shares_of_the_highest_and_their_loss_binary_cross_entropy(
    tiny: Collection, model: CrossEncoder
) -> None:
    found = examples(PAIRS, tiny, loss="graded")
    assert found.labels == [1.0, 0, 0, 0.5, 0, 0, 0.5, 0, 1.0]
    texts = columns(found, tiny, model, 48, "")
    with torch.no_grad():
        loss = library_loss(model, found)([texts["query"], texts["document"]], torch.tensor(texts["label"]))
    logits = torch.cat([logits_of(model, tiny, q, d) for q, d in zip(PAIRS.queries, found.documents, strict=True)])
    p, wanted = logits.sigmoid(), torch.tensor(found.labels)
    assert float(loss) == pytest.approx(float(-(wanted * p.log() + (1 - wanted) * (1 - p).log()).mean()), rel=1e-4)
    one_grade = pairs_of([(0, 1, 1), (0, 2, 0), (1, 3, 1)])
    with pytest.raises(DistillirError, match=r"nothing graded to learn \(.*|nothing graded to learn"):
        examples(one_grade, tiny, loss="graded")


def test_preferences_of_two_documents(tiny: Collection) -> None:
    binary = training_triples(PAIRS, 3)
    graded = examples(PAIRS, tiny, loss="graded", pairwise=True, seed=3)
    assert [rows.tolist() for rows in graded.documents] == np.stack([binary.first, binary.second], 1).tolist()
    grade = {5: 1.0, 6: 0.5, 4: 0.5}  # of a positive
    for (first, second), label in zip(graded.documents, graded.labels, strict=True):
        assert label == pytest.approx(0.5 + (grade.get(int(first), 0) - grade.get(int(second), 0)) / 2)
    scores = {2: 0.5, 4: 1.5, 5: 3.0, 6: 0.0, 7: 2.0, 9: 0.1}
    soft = examples(PAIRS, tiny, loss="graded", soft=Given(scores), pairwise=True, seed=3)
    temperature = soft.facts["soft_labels"]["temperature"]
    assert 0 < len(soft) < len(binary)  # none with document 8, which has no answer
    for (first, second), label in zip(soft.documents, soft.labels, strict=True):
        odds = (scores[int(first)] - scores[int(second)]) / temperature
        assert label == pytest.approx(1 / (1 + np.exp(-odds)), rel=1e-5)


def test_soft_labels_have_half_of_the_entropy_and_tell_what_is_left_out(tiny: Collection) -> None:
    rows = [(q, d, int(d == 3 * q)) for q in range(12) for d in (3 * q, 3 * q + 1, 3 * q + 2, 3 * q + 4, 50)]
    lists = training_lists(pairs_of(rows))
    with console.capture() as captured:
        found = soft_labels(BM25Teacher(), tiny, lists)
    told = [values for values in found.scores if not np.isnan(values).any()]
    wanted = [np.exp(softened(values, found.temperature)) for values in told]
    entropies = [-(p * np.log(np.maximum(p, 1e-30))).sum() / np.log(len(p)) for p in wanted]
    assert np.mean(entropies) == pytest.approx(0.5, abs=5e-3)
    assert found.tied == len(lists) - len(told)
    assert (f"{found.tied} of {len(lists)} lists have one score" in captured.get()) == bool(found.tied)
    with pytest.raises(DistillirError, match="part no list"):
        soft_labels(Given(dict.fromkeys(range(62), 1.0)), tiny, lists)


def test_the_forms_of_a_teacher(tmp_path: Path, minilm_path: str) -> None:
    ensemble = {"ensemble": ["bm25", {"dense": "all-MiniLM-L6-v2"}]}
    file, recipe = tmp_path / "teacher.json", tmp_path / "recipe.yaml"
    file.write_text('{"dense": "all-MiniLM-L6-v2"}')
    recipe.write_text("collection: stdlib\nteacher: bm25\n")
    cross = untrained_cross_encoder(minilm_path)
    for text, expected in {
        "bm25": "bm25",
        "ensemble: [bm25, {dense: all-MiniLM-L6-v2}]": ensemble,
        "{ensemble: [bm25, {dense: all-MiniLM-L6-v2}]}": ensemble,
        '{"bm25": {"k1": 0.9}}': {"bm25": {"k1": 0.9}},
        "all-MiniLM-L6-v2": {"dense": "all-MiniLM-L6-v2"},
        cross: {"cross-encoder": cross},
        str(file): {"dense": "all-MiniLM-L6-v2"},
        str(recipe): "bm25",
    }.items():
        assert read_soft_labels(text) == expected
    for wrong, why in {
        " ": "names no teacher",
        "{bm26: {}}": "bm25",
        "dense": "needs more",
        "/nowhere/x": "no model",
    }.items():
        with pytest.raises(DistillirError, match=why):
            read_soft_labels(wrong)


@pytest.mark.parametrize(
    ("loss", "given", "why"),
    [
        ("hinge", {}, "unknown loss 'hinge'"),
        ("binary", {"soft": True}, "--loss binary does not learn"),
        ("listwise", {"soft": True}, "--loss listwise does not learn"),
        ("listwise", {"pairwise": True}, "--pairwise gives none"),
        ("binary", {"pairwise": True, "select": True}, "--select: "),
    ],
)
def test_what_does_not_go_together_is_refused(loss: str, given: dict[str, bool], why: str) -> None:
    with pytest.raises(DistillirError, match=why):
        check_loss(loss, **{"soft": False, "pairwise": False, "select": False, **given})
