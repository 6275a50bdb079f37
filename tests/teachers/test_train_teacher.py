import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from command_line import Apart, kill_once
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.collections.run import Run, from_lists
from distillir.retrieval.bm25 import BM25Index
from distillir.teachers.cross_encoder_training.length_batches import LengthBatches
from distillir.teachers.cross_encoder_training.pairs import training_pairs
from distillir.teachers.cross_encoders.cross_encoder import CrossEncoderTeacher
from distillir.teachers.train import train_cross_encoder
from same_texts import arguana


def bm25_run(collection: Collection) -> Run:
    return BM25Index.build_or_load(collection).search(collection.qrels("train").query_rows, 20)


def test_pairs_are_positives_and_negatives_from_the_head_of_the_run(tiny: Collection) -> None:
    run, qrels = bm25_run(tiny), tiny.qrels("train")
    pairs = training_pairs(tiny, "train", run, negatives_per_positive=2, negative_depth=5, seed=1)
    lists = dict(zip(run.queries.tolist(), run.lists, strict=True))
    judged = {(int(q), int(d)) for q in qrels.query_rows for d in qrels.relevant(int(q))}
    positives = pairs.labels == 1
    assert set(zip(pairs.queries[positives].tolist(), pairs.documents[positives].tolist(), strict=True)) == judged
    for query, document in zip(pairs.queries[~positives].tolist(), pairs.documents[~positives].tolist(), strict=True):
        assert (query, document) not in judged
        pool = [d for d in lists[query].tolist() if (query, d) not in judged][:5]
        assert document in pool
    again = training_pairs(tiny, "train", run, negatives_per_positive=2, negative_depth=5, seed=1)
    other = training_pairs(tiny, "train", run, negatives_per_positive=2, negative_depth=5, seed=2)
    assert pairs.fingerprint == again.fingerprint != other.fingerprint
    # A query's draws are its own: a run of fewer queries changes nothing for those it has.
    kept = run.queries[: len(run) // 2]
    fewer = training_pairs(tiny, "train", run.select(kept), negatives_per_positive=2, negative_depth=5, seed=1)
    for query in kept.tolist():
        assert np.array_equal(fewer.documents[fewer.queries == query], pairs.documents[pairs.queries == query])


def test_max_pairs_keeps_positives_with_their_negatives(tiny: Collection) -> None:
    pairs = training_pairs(tiny, "train", bm25_run(tiny), negatives_per_positive=2, max_pairs=10)
    assert 4 <= len(pairs) <= 10 and pairs.labels.sum() * 3 >= len(pairs) > pairs.labels.sum()


def test_a_run_without_negatives_is_refused(tiny: Collection) -> None:
    nothing = from_lists(np.empty(0, dtype=np.int64), [], [])
    with pytest.raises(DistillirError, match="no negative"):
        training_pairs(tiny, "train", nothing)


def test_length_batches_cover_all_rows_pad_little_and_depend_on_the_epoch() -> None:
    lengths = np.random.default_rng(0).integers(5, 200, size=1003).astype(np.int64)
    sampler = LengthBatches(lengths, list(range(1003)), 16, seed=3)
    first = list(sampler)
    assert sorted(i for batch in first for i in batch) == list(range(1003))
    assert len(first) == len(sampler) == 63
    assert first == list(LengthBatches(lengths, list(range(1003)), 16, seed=3))
    sampler.set_epoch(1)
    assert list(sampler) != first
    spread = np.mean([np.ptp(lengths[batch]) for batch in first])
    assert spread < 0.2 * np.ptp(lengths)
    # Long and short batches are mixed over the epoch.
    means = [lengths[batch].mean() for batch in first]
    assert abs(np.corrcoef(np.arange(len(means)), means)[0, 1]) < 0.4
    assert len(list(LengthBatches(lengths, list(range(1003)), 16, drop_last=True))) == 62


OPTIONS: dict[str, Any] = {
    "batch_size": 6,
    "max_length": 40,
    "epochs": 2.0,
    "precision": "float32",
    "learning_rate": 3e-4,
}


@pytest.fixture
def minilm_path(small_models: Path) -> str:
    """Two layers of all-MiniLM-L6-v2: each test here trains them more than once."""
    return str(small_models / "base")


TRAINER = """
import sys, torch
torch.set_num_threads(1)
from pathlib import Path
from distillir.collections import Collection
from distillir.retrieval.bm25 import BM25Index
from distillir.teachers.train import train_cross_encoder
collection = Collection(Path(sys.argv[2]))
run = BM25Index.build_or_load(collection).search(collection.qrels("train").query_rows, 20)
train_cross_encoder(sys.argv[1], collection, Path(sys.argv[3]), negatives_run=run, batch_size=6, max_length=40,
                    epochs=2.0, precision="float32", learning_rate=3e-4, checkpoint_seconds=1.0)
"""


def test_training_separates_its_pairs_and_a_kill_changes_no_weight(
    tiny: Collection, minilm_path: str, tmp_path: Path
) -> None:
    run = bm25_run(tiny)
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    process = Apart(minilm_path, tiny.path, killed, program=TRAINER)
    work = tmp_path / ".killed.training"
    kill_once(process, lambda: list(work.glob("checkpoints/*/complete")), within=120)
    assert list(work.glob("checkpoints/*/complete")) and not killed.exists()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for output in (killed, straight):
            train_cross_encoder(minilm_path, tiny, output, negatives_run=run, **OPTIONS)
    finally:
        torch.set_num_threads(threads)
    assert not work.exists()
    a, b = (load_file(folder / "model.safetensors") for folder in (straight, killed))
    assert a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)

    # The rerun of what is finished changes nothing, other settings are refused.
    before = (straight / "model.safetensors").stat().st_mtime_ns
    metrics = train_cross_encoder(minilm_path, tiny, straight, negatives_run=run, **OPTIONS)
    assert (straight / "model.safetensors").stat().st_mtime_ns == before
    assert metrics["loss"] < metrics["first_loss"]
    with pytest.raises(DistillirError, match=r"other settings \(learning_rate\)"):
        train_cross_encoder(minilm_path, tiny, straight, negatives_run=run, **{**OPTIONS, "learning_rate": 1e-5})

    pairs = training_pairs(tiny, "train", run)
    teacher = CrossEncoderTeacher(straight, precision="float32", cache=tmp_path / "scores")
    queries = np.unique(pairs.queries)
    lists = [pairs.documents[pairs.queries == query] for query in queries]
    scores = np.concatenate(teacher.score(tiny, queries, lists))
    labels = np.concatenate([pairs.labels[pairs.queries == query] for query in queries])
    assert scores[labels == 1].mean() > scores[labels == 0].mean() + 0.5


def test_a_teacher_whose_files_were_changed_is_not_taken_for_finished(
    tiny: Collection, minilm_path: str, tmp_path: Path
) -> None:
    output, run = tmp_path / "teacher", bm25_run(tiny)
    options: dict[str, Any] = {"negatives_run": run, "max_pairs": 12, "max_length": 32, "pairwise": True}
    metrics = train_cross_encoder(minilm_path, tiny, output, **options)
    assert train_cross_encoder(minilm_path, tiny, output, **options) == metrics
    record = json.loads((output / "train_teacher.json").read_text())
    assert {"model.safetensors", "tokenizer.json", "config.json", "pairwise.json"} <= record["files"].keys()
    weights, words = (output / name for name in ("model.safetensors", "tokenizer.json"))
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-4] + b"\0\0\0\1")
    kept = words.read_bytes()
    words.unlink()
    with pytest.raises(
        DistillirError, match=r"changed after its training \(model.safetensors, tokenizer.json\)"
    ) as told:
        train_cross_encoder(minilm_path, tiny, output, **options)
    assert "\n" not in str(told.value) and "choose another --output" in str(told.value)
    words.write_bytes(kept)
    del record["files"]  # as earlier versions wrote it
    (output / "train_teacher.json").write_text(json.dumps(record))
    assert train_cross_encoder(minilm_path, tiny, output, **options) == metrics


def test_a_folder_of_something_else_is_left_alone(tiny: Collection, minilm_path: str, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DistillirError, match="was not made by train-teacher"):
        train_cross_encoder(minilm_path, tiny, tmp_path, negatives_run=bm25_run(tiny))
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_no_copy_of_a_positive_and_no_own_document_is_a_negative(tmp_path: Path) -> None:
    opened = arguana(tmp_path / "c", copy="SPENDING on bees  helps nobody, whatever towns say of bees")
    rows = opened.qrels("train").query_rows
    everything = np.arange(len(opened.corpus), dtype=np.int64)
    scores = np.arange(len(everything), 0, -1, dtype=np.float32)
    run = from_lists(rows, [everything] * len(rows), [scores] * len(rows))

    def negatives(own_document: str = "leave_out") -> set[str]:
        """Of the query on bees."""
        pairs = training_pairs(opened, "train", run, negatives_per_positive=20, own_document=own_document)
        chosen = (pairs.queries == opened.queries.row("bees-pro")) & (pairs.labels == 0)
        return set(opened.corpus.ids(pairs.documents[chosen].tolist()))

    everyone = set(opened.corpus.ids())
    assert negatives() == everyone - {"bees-pro", "bees-con", "copy"}
    assert negatives(own_document="keep") == everyone - {"bees-con", "copy"}
