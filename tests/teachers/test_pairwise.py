"""Pairwise cross-encoders: texts that reach them, training, answers that are paid for once."""

from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.retrieval.bm25 import BM25Index
from distillir.teachers.cross_encoder_training.pairs import training_pairs, training_triples
from distillir.teachers.cross_encoders.load import load_cross_encoder
from distillir.teachers.cross_encoders.pair_text import PairText
from distillir.teachers.cross_encoders.pairwise import PairwiseCrossEncoder
from distillir.teachers.load import load_teacher
from distillir.teachers.load_pairwise import load_pairwise, validate_pairwise_spec
from distillir.teachers.train import train_cross_encoder


@pytest.fixture(scope="module")
def folder(tiny: Collection, tmp_path_factory: pytest.TempPathFactory, whole_minilm: str) -> Path:
    """Two steps of training: enough to be one."""
    output = tmp_path_factory.mktemp("pairwise") / "teacher"
    run = BM25Index.build_or_load(tiny).search(tiny.qrels("train").query_rows, 20)
    train_cross_encoder(whole_minilm, tiny, output, negatives_run=run, pairwise=True, max_length=96, max_pairs=60)
    return output


def test_both_documents_reach_the_model(whole_minilm: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(whole_minilm)
    text = PairText(tokenizer, 96)
    (query,) = text.queries(["what " * 300])
    (joined,) = text.joined(["first " * 300], ["second " * 300])
    read = tokenizer(query, joined, truncation=True, max_length=96)["input_ids"]
    assert len(read) <= 96
    words = tokenizer.decode(read).split()
    assert words.count("first") == words.count("second") == text.document_tokens
    assert text.joined(["short"], [""]) == ["short [SEP] "]
    assert text.queries([]) == []


def test_triples_are_positives_against_negatives_in_either_order_and_ties(tiny: Collection) -> None:
    run = BM25Index.build_or_load(tiny).search(tiny.qrels("train").query_rows, 20)
    pairs = training_pairs(tiny, "train", run, negatives_per_positive=2)
    triples = training_triples(pairs, seed=3)
    assert (triples.labels != 0.5).sum() == (pairs.labels == 0).sum()
    assert (triples.labels == 0.5).sum() > 0.7 * pairs.labels.sum()  # some positives have one negative
    assert abs(triples.labels.mean() - 0.5) < 0.1
    for query, first, second, label in zip(triples.queries, triples.first, triples.second, triples.labels, strict=True):
        relevant = tiny.qrels("train").relevant(int(query))
        if label == 0.5:
            assert first not in relevant and second not in relevant
            continue
        better, worse = (first, second) if label else (second, first)
        assert better in relevant and worse not in relevant


def test_answers_are_asked_once_in_each_order(folder: Path, tiny: Collection, tmp_path: Path) -> None:
    teacher = PairwiseCrossEncoder(folder, precision="float32", cache=tmp_path)
    queries, first, second = np.array([0, 0, 1, 0]), np.array([3, 5, 3, 3]), np.array([5, 3, 7, 5])
    found = teacher.prefer(tiny, queries, first, second)
    assert teacher.calls() == {"asked": 3, "cached": 0}  # the last is the first again
    assert found[0] == found[3] and found[0] != found[1]
    again = PairwiseCrossEncoder(folder, precision="float32", cache=tmp_path)
    np.testing.assert_array_equal(again.prefer(tiny, queries, first, second), found)
    assert again.calls() == {"asked": 0, "cached": 4}
    # The answer is the model's own logit of the joined text.
    model = load_cross_encoder(folder, pairwise=True, device="cpu")
    text = PairText(model.tokenizer, model.max_seq_length)
    assert model.max_seq_length == 96
    pair = (*text.queries([tiny.queries.text(1)]), *text.joined([tiny.corpus.text(3)], [tiny.corpus.text(7)]))
    logit = model.predict([pair], activation_fn=lambda scores: scores, show_progress_bar=False)
    assert found[2] == pytest.approx(float(np.asarray(logit).ravel()[0]), abs=1e-4)
    assert teacher.prefer(tiny, queries[:0], first[:0], second[:0]).shape == (0,)


def test_pairwise_and_pointwise_are_told_apart(folder: Path, whole_minilm: str) -> None:
    with pytest.raises(DistillirError, match="compares two documents"):
        load_cross_encoder(folder)
    with pytest.raises(DistillirError, match="is no pairwise cross-encoder"):
        PairwiseCrossEncoder(whole_minilm)
    assert load_pairwise({"cross-encoder": {"model": str(folder), "precision": "float32"}}).name == "teacher"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("cross-encoder", "names no pairwise teacher"),
        ({"duot6": "x"}, "unknown pairwise teacher 'duot6'; did you mean 'duot5'"),
        ({"cross-encoder": {"precision": "bf16"}}, "no model is named"),
        ({"cross-encoder": {"model": "x", "prcision": "bf16"}}, "unknown key 'prcision'.*precision"),
        ({"cross-encoder": {"model": 3}}, "model is 3"),
    ],
)
def test_bad_forms(spec: object, said: str) -> None:
    with pytest.raises(DistillirError, match=said):
        validate_pairwise_spec(spec, "method.pairs.teacher")


def test_the_difference_of_a_pointwise_teachers_scores(tiny: Collection, whole_minilm: str) -> None:
    spec = {"difference": {"teacher": {"dense": whole_minilm}, "temperature": 0.05}}
    teacher, dense = load_pairwise(spec), load_teacher({"dense": whole_minilm})
    queries, first, second = np.array([0, 3, 3]), np.array([4, 5, 6]), np.array([9, 1, 6])
    scores = [dense.score(tiny, queries, [np.array([row]) for row in rows]) for rows in (first, second)]
    expected = [(one[0] - other[0]) / 0.05 for one, other in zip(*scores, strict=True)]
    np.testing.assert_allclose(teacher.prefer(tiny, queries, first, second), expected, atol=1e-4)
    np.testing.assert_allclose(teacher.prefer(tiny, queries, second, first), -np.array(expected), atol=1e-4)
    assert teacher.fingerprint() != load_pairwise({"difference": {"teacher": "bm25"}}).fingerprint()
    for wrong, said in (
        ({"teacher": {"ensemble": ["bm25"]}}, "depend on the whole list"),
        ({"teacher": "bm25", "temperature": 0}, "temperature is 0"),
        ({"teacher": "bm26"}, "did you mean 'bm25'"),
        ("bm25", r"is no mapping; give a mapping of its options \(teacher, temperature\)"),
    ):
        with pytest.raises(DistillirError, match=said):
            load_pairwise({"difference": wrong})
