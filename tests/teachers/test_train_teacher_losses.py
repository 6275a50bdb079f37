"""``train-teacher`` with losses over lists, graded targets, soft labels and a dev split: real trainings."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from teacher_examples import untrained_cross_encoder

from command_line import Apart, distillir, in_two, kill_once
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.collections.run import Run
from distillir.retrieval.bm25 import BM25Index
from distillir.teachers.bm25 import BM25Teacher
from distillir.teachers.cross_encoder_training.dev_lists import dev_lists
from distillir.teachers.cross_encoder_training.own_scores import dev_ndcg, own_figures
from distillir.teachers.cross_encoders.load import load_cross_encoder
from distillir.teachers.train import train_cross_encoder


@pytest.fixture
def minilm_path(small_models: Path) -> str:
    """Two layers of all-MiniLM-L6-v2: each test here trains them more than once."""
    return str(small_models / "base")


TRAINER = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from distillir.collections import Collection
from distillir.retrieval.bm25 import BM25Index
from distillir.teachers.bm25 import BM25Teacher
from distillir.teachers.cross_encoder_training.dev_lists import dev_lists
from distillir.teachers.train import train_cross_encoder
def train(model, folder, output, seconds):
    collection = Collection(Path(folder))
    index = BM25Index.build_or_load(collection)
    return train_cross_encoder(
        model, collection, Path(output), negatives_run=index.search(collection.qrels("train").query_rows, 20),
        loss="graded", soft=BM25Teacher(), dev=dev_lists(collection, "train", "dev", index.search),
        negatives_per_positive=3, batch_size=8, max_length=40, epochs=3.0, precision="float32", learning_rate=3e-4,
        checkpoint_seconds=seconds)
if __name__ == "__main__":
    train(*sys.argv[1:], 0.5)
"""


def test_the_best_of_soft_labels_is_kept_and_a_kill_changes_no_weight(
    tiny: Collection, minilm_path: str, tmp_path: Path
) -> None:
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    work = tmp_path / ".killed.training"
    process = Apart(minilm_path, tiny.path, killed, program=TRAINER)
    kill_once(
        process, lambda: list(work.glob("checkpoints/*/complete")) and (work / "selection.json").is_file(), within=120
    )
    assert (work / "selection.json").is_file() and not killed.exists()
    names: dict[str, object] = {"__name__": "trainer"}
    exec(TRAINER, names)
    threads, found = torch.get_num_threads(), {}
    try:
        for output in (killed, straight):
            found[output] = names["train"](minilm_path, tiny.path, output, 60.0)  # type: ignore[operator]
    finally:
        torch.set_num_threads(threads)
    a, b = (load_file(folder / "model.safetensors") for folder in (straight, killed))
    assert a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)
    assert found[straight]["select"] == found[killed]["select"]

    record = json.loads((straight / "train_teacher.json").read_text())
    measures = record["metrics"]["select"]["measures"]
    kept = [record["metrics"]["select"]["step"], record["metrics"]["select"]["ndcg_at_10"]]
    assert kept in measures and max(value for _, value in measures) - kept[1] < 0.1
    # What was written is what was measured.
    dev = dev_lists(tiny, "train", "dev", BM25Index.build_or_load(tiny).search)
    model = load_cross_encoder(straight, max_length=40)
    assert dev_ndcg(model, tiny, dev, "float32").mean() == pytest.approx(kept[1])
    assert record["metrics"]["soft_labels"]["teacher"] == "bm25" and record["metrics"]["lists"] > 0
    assert {"one_hot", "two_groups", "entropy"} <= record["metrics"]["diagnostics"]["after"].keys()
    assert "before" not in record["metrics"]["diagnostics"]


def test_other_losses_and_lists_are_other_settings(tiny: Collection, minilm_path: str, tmp_path: Path) -> None:
    index = BM25Index.build_or_load(tiny)
    run: Run = index.search(tiny.qrels("train").query_rows, 20)

    def train(**changes: object) -> dict[str, object]:
        given = {"loss": "listwise", "max_pairs": 40, "max_length": 32, "precision": "float32", **changes}
        return train_cross_encoder(minilm_path, tiny, tmp_path / "t", negatives_run=run, **given)  # type: ignore[arg-type]

    # BM25 finds few documents here: lists of 4.4, of which 4 are about 16 pairs.
    first = train()
    assert (first["pairs"], first["lists"], first["steps"]) == (40, 9, 3)
    assert train() == first
    dev = dev_lists(tiny, "train", "dev", index.search)
    for changes, named in (({"loss": "graded", "soft": BM25Teacher()}, "loss, soft_labels"), ({"dev": dev}, "select")):
        with pytest.raises(DistillirError, match=rf"other settings \({named}\)"):
            train(**changes)


def test_a_cross_encoder_retrained_on_soft_labels_tells_its_shares_before_and_after(
    tiny_beir: Path, tiny: Collection, minilm_path: str, tmp_path: Path
) -> None:
    base, output = untrained_cross_encoder(minilm_path), tmp_path / "retrained"
    flags = ("--max-length", 40, "--negatives-per-positive", 3, "--loss", "graded", "--select", "dev")
    done = distillir(
        *("train-teacher", tiny_beir, "-o", output, "--base", base, *flags, "--negatives-from", "bm25"),
        *("--soft-labels", f"ensemble: [bm25, {{dense: {minilm_path}}}]"),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((output / "train_teacher.json").read_text())["metrics"]
    dev = dev_lists(tiny, "train", "dev", BM25Index.build_or_load(tiny).search)
    assert found["diagnostics"]["of"] == "queries of dev"
    before, after = found["diagnostics"]["before"], found["diagnostics"]["after"]
    for figures, folder in ((before, base), (after, output)):
        right = own_figures(load_cross_encoder(folder, max_length=40), tiny, dev, "auto").to_dict()
        for name in ("one_hot", "two_groups", "entropy", "ndcg_at_10"):
            assert figures[name] == pytest.approx(right[name], rel=1e-3), name
    said = " ".join(done.stderr.split())
    assert f"Nearly one-hot lists: {before['one_hot']:.1%} before, {after['one_hot']:.1%} after" in said
    assert f"{before['two_groups']:.1%} before, {after['two_groups']:.1%} after" in said
    assert said.index("before the training, queries of dev") < said.index("after the training, queries of dev")
    assert found["soft_labels"]["teacher"] == "bm25+all-MiniLM-L6-v2" and found["soft_labels"]["temperature"] > 0


def test_combinations_are_refused_before_anything_is_mined(tiny_beir: Path, tmp_path: Path) -> None:
    for flags, why in (
        (("--soft-labels", "bm25"), "add --loss graded"),
        (("--loss", "listwise", "--pairwise"), "--loss listwise"),
        (("--select", "dev", "--pairwise"), "--select"),
        (("--loss", "graded", "--soft-labels", "{bm52: {}}"), "bm25"),
        (("--loss", "hinge"), "choose: binary, listwise, graded"),
    ):
        done = distillir("train-teacher", tiny_beir, "-o", tmp_path / "t", *flags)
        assert done.returncode == 2 and why in " ".join(done.stderr.split()), (flags, done.stderr)
    assert not (tmp_path / "t").exists()


def test_two_processes_share_lists_and_agree_on_the_best(tiny_beir: Path, minilm_path: str, tmp_path: Path) -> None:
    output = tmp_path / "two"
    # Without --loss, which is listwise then.
    flags = ("--select", "dev", "--negatives-from", "bm25", "--max-length", 32, "--max-pairs", 64)
    command = ("train-teacher", tiny_beir, "-o", output, "--base", minilm_path, *flags)
    done = in_two(*command, ACCELERATE_USE_CPU="true")
    assert done.returncode == 0, done.stderr[-3000:]
    record = json.loads((output / "train_teacher.json").read_text())
    metrics = record["metrics"]
    assert record["settings"]["loss"] == "listwise"
    # Lists of 4 or so, 2 a process.
    assert metrics["steps"] == -(-metrics["lists"] // 4)
    assert metrics["select"]["ndcg_at_10"] in [value for _, value in metrics["select"]["measures"]]
