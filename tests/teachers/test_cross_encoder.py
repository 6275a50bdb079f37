from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder
from teacher_examples import some_lists, untrained_cross_encoder

from command_line import Apart, kill_once
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.teachers.cross_encoders.cross_encoder import CrossEncoderTeacher
from distillir.teachers.cross_encoders.pair_scores import first_token_only, score_pairs


@pytest.fixture(scope="module")
def cross_encoder(minilm_path: str) -> str:
    return untrained_cross_encoder(minilm_path)


def texts_of(collection: Collection) -> list[tuple[str, str]]:
    queries, lists = some_lists(collection)
    return [
        (collection.queries.text(int(q)), collection.corpus.text(int(d)))
        for q, rows in zip(queries, lists, strict=True)
        for d in rows
    ]


def test_scores_are_the_raw_logits_of_crossencoder_predict(tiny: Collection, cross_encoder: str) -> None:
    pairs = texts_of(tiny)
    reference = CrossEncoder(cross_encoder, device="cpu").predict(pairs, activation_fn=torch.nn.Identity())
    queries, lists = some_lists(tiny)
    teacher = CrossEncoderTeacher(cross_encoder, precision="float32", batch_tokens=300)
    scores = teacher.score(tiny, queries, lists)
    assert [len(s) for s in scores] == [len(rows) for rows in lists]
    np.testing.assert_allclose(np.concatenate(scores), reference, rtol=0, atol=2e-5)
    assert np.ptp(reference) > 0.5
    # A second teacher asks nothing: the scores come from the cache, to the bit.
    again = CrossEncoderTeacher(cross_encoder, precision="float32")
    assert all(np.array_equal(a, b) for a, b in zip(again.score(tiny, queries, lists), scores, strict=True))
    assert again.calls() == {"asked": 0, "cached": len(pairs)}
    assert again._loaded is None


def test_equal_pairs_are_asked_once(tiny: Collection, cross_encoder: str, tmp_path: Path) -> None:
    teacher = CrossEncoderTeacher(cross_encoder, precision="float32", cache=tmp_path)
    rows = np.array([3, 4, 3], dtype=np.int64)
    scores = teacher.score(tiny, np.array([0, 0], dtype=np.int64), [rows, rows[:2]])
    assert teacher.calls() == {"asked": 2, "cached": 0}
    assert scores[0][0] == scores[0][2] == scores[1][0]


def test_no_queries_and_only_empty_lists(tiny: Collection, cross_encoder: str, tmp_path: Path) -> None:
    teacher = CrossEncoderTeacher(cross_encoder, cache=tmp_path)
    nothing = np.empty(0, dtype=np.int64)
    assert teacher.score(tiny, nothing, []) == []
    assert [len(s) for s in teacher.score(tiny, np.array([1]), [nothing])] == [0]


@pytest.mark.parametrize(("precision", "error", "correlation"), [("bf16", 0.05, 0.99), ("int8", 0.3, 0.9)])
def test_lower_precision_is_near(
    tiny: Collection, cross_encoder: str, precision: str, error: float, correlation: float, tmp_path: Path
) -> None:
    rows = [np.arange(30, dtype=np.int64)]
    exact = CrossEncoderTeacher(cross_encoder, precision="float32", cache=tmp_path)
    lower = CrossEncoderTeacher(cross_encoder, precision=precision, cache=tmp_path)
    assert exact.fingerprint(tiny) != lower.fingerprint(tiny)
    query = np.array([2], dtype=np.int64)
    (a,), (b,) = exact.score(tiny, query, rows), lower.score(tiny, query, rows)
    assert 0 < np.abs(a - b).max() < error * np.ptp(a)
    assert np.corrcoef(a, b)[0, 1] > correlation


def test_first_token_alone_gives_the_same_scores(tiny: Collection, cross_encoder: str) -> None:
    model = CrossEncoder(cross_encoder, device="cpu")
    model.eval()
    features = model.preprocess(texts_of(tiny)[:6])
    widths: list[int] = []
    hook = model.model.bert.encoder.layer[-1].output.register_forward_hook(lambda m, i, o: widths.append(o.shape[1]))
    with torch.inference_mode():
        whole = model(dict(features))["scores"]
        with first_token_only(model):
            cut = model(dict(features))["scores"]
        after = model(dict(features))["scores"]
    hook.remove()
    assert widths[0] > 1 and widths[1] == 1 and widths[2] == widths[0]
    torch.testing.assert_close(cut, whole, rtol=0, atol=1e-5)
    assert torch.equal(after, whole)


def test_max_length_changes_scores_and_fingerprint(tiny: Collection, cross_encoder: str, tmp_path: Path) -> None:
    short = CrossEncoderTeacher(cross_encoder, max_length=12, precision="float32", cache=tmp_path)
    long = CrossEncoderTeacher(cross_encoder, precision="float32", cache=tmp_path)
    query, rows = np.array([0]), [np.arange(3, dtype=np.int64)]
    assert short.fingerprint(tiny) != long.fingerprint(tiny)
    assert not np.allclose(short.score(tiny, query, rows)[0], long.score(tiny, query, rows)[0])


def test_every_pair_once_within_the_budget(tiny: Collection, cross_encoder: str) -> None:
    model = CrossEncoder(cross_encoder, device="cpu")
    pairs = texts_of(tiny)
    seen = [places for places, _ in score_pairs(model, pairs, batch_tokens=200, precision="float32")]
    assert sorted(np.concatenate(seen).tolist()) == list(range(len(pairs)))
    lengths = np.array([len(ids) for ids in model.tokenizer(pairs, truncation=True)["input_ids"]])
    assert all(len(places) == 1 or len(places) * lengths[places].max() <= 200 for places in seen)
    assert len(seen) > 3


def test_a_plain_encoder_is_refused(tiny: Collection, minilm_path: str, tmp_path: Path) -> None:
    with pytest.raises(DistillirError, match=r"no cross-encoder.*random.*train-teacher"):
        CrossEncoderTeacher(minilm_path, cache=tmp_path).score(tiny, np.array([0]), [np.array([0])])


def test_several_labels_are_refused(tiny: Collection, minilm_path: str, tmp_path: Path) -> None:
    CrossEncoder(minilm_path, num_labels=3, device="cpu").save_pretrained(str(tmp_path / "three"))
    with pytest.raises(DistillirError, match="gives 3 labels"):
        CrossEncoderTeacher(tmp_path / "three", cache=tmp_path / "c").score(tiny, np.array([0]), [np.array([0])])


def test_a_score_that_is_no_number_names_query_and_document(
    tiny: Collection, cross_encoder: str, tmp_path: Path
) -> None:
    broken = CrossEncoder(cross_encoder, device="cpu")
    with torch.no_grad():
        broken.model.classifier.bias.fill_(float("nan"))
    broken.save_pretrained(str(tmp_path / "broken"))
    teacher = CrossEncoderTeacher(tmp_path / "broken", precision="float32", cache=tmp_path / "scores")
    with pytest.raises(DistillirError) as caught:
        teacher.score(tiny, np.array([4]), [np.array([9])])
    assert repr(tiny.queries.id(4)) in str(caught.value) and repr(tiny.corpus.id(9)) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*.scores"))


SCORER = """
import sys, numpy as np
from pathlib import Path
from distillir.collections import Collection
from distillir.teachers.cross_encoders.cross_encoder import CrossEncoderTeacher
teacher = CrossEncoderTeacher(sys.argv[1], precision="float32", batch_tokens=256, cache=Path(sys.argv[2]))
collection = Collection(Path(sys.argv[3]))
lists = [np.arange(len(collection.corpus))] * 4
teacher.score(collection, np.arange(4), lists)
"""


def test_kill_and_rerun_asks_only_what_is_missing(tiny: Collection, cross_encoder: str, tmp_path: Path) -> None:
    process = Apart(cross_encoder, tmp_path / "scores", tiny.path, program=SCORER)
    kill_once(process, lambda: sum(f.stat().st_size for f in tmp_path.rglob("*.scores")) >= 24 * 10)
    kept = sum(f.stat().st_size for f in tmp_path.rglob("*.scores")) // 24
    total = 4 * len(tiny.corpus)
    assert 10 <= kept < total
    lists = [np.arange(len(tiny.corpus))] * 4
    rerun = CrossEncoderTeacher(cross_encoder, precision="float32", cache=tmp_path / "scores")
    scores = rerun.score(tiny, np.arange(4), lists)
    assert rerun.calls() == {"asked": total - kept, "cached": kept}
    fresh = CrossEncoderTeacher(cross_encoder, precision="float32", cache=tmp_path / "fresh")
    expected = fresh.score(tiny, np.arange(1), lists[:1])[0]
    np.testing.assert_allclose(scores[0], expected, rtol=0, atol=2e-5)
