"""What notebooks do: cells run twice, two collections, cells that fail, kernels that are killed."""

import hashlib
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import distillir
from command_line import Apart, kill_once
from distillir.collections import Collection
from distillir.front_door.one_line import one_line
from distillir.specs.allow_code import check_code_allowed


@pytest.fixture(scope="module")
def narrow(minilm_path: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of an encoder of MiniLM's words, so narrow that training and checkpoints take no time."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    folder = str(tmp_path_factory.mktemp("narrow") / "model")
    BertModel(BertConfig(vocab_size=30522, max_position_embeddings=64, **sizes)).save_pretrained(folder)
    AutoTokenizer.from_pretrained(minilm_path).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda c: distillir.load_collection("nowhere"), "nowhere: no such folder"),
        (lambda c: distillir.load_collection({"docs": "x"}), "collection: unknown key 'docs'"),
        (lambda c: distillir.mine(c, "bm52"), "mine.from: unknown source of candidates 'bm52'; did you mean 'bm25'"),
        (lambda c: distillir.mine(c, "bm25", depth=0), "depth is 0"),
        (lambda c: distillir.mine(c, "bm25", queries="trian"), "has no split 'trian'; choose one of: train, dev, test"),
        (lambda c: distillir.mine(c, "bm25", queries=["q0"]), "queries: unknown id 'q0'"),
        (lambda c: distillir.mine(c, "bm25", queries=[1000]), "neither ids .texts. nor rows"),
        (lambda c: distillir.mine(c, "dense"), "dense candidates without a model"),
        (lambda c: distillir.mine(c, "dense", student={"model": "x", "layer": 1}), "student.layer: unknown key"),
        (
            lambda c: distillir.score(c, [["q1"]], "bm25"),  # type: ignore[arg-type]
            "candidates: list is no run",
        ),
        (lambda c: distillir.score(c, distillir.mine(c, "bm25"), "bm52"), "teacher: unknown teacher 'bm52'"),
        (lambda c: distillir.score(c, distillir.mine(c, "bm25"), "bm25", guard={"shre": 1}), "'shre'"),
        (lambda c: distillir.train(c, "nowhere", "all-MiniLM-L6-v2"), "nowhere: no such teaching set"),
        (lambda c: distillir.train(c, "nowhere", "x", "ckll"), "method: no method 'ckll'; did you mean 'ckl'"),
        (lambda c: distillir.train(c, "nowhere", "x", "cl-drd", training={"epoch": 1}), "training.epoch: unknown key"),
        (
            lambda c: distillir.train(c, "nowhere", "x", {"name": "kl", "plan": [{}, {"mine": True}]}),
            "stage 2: mines anew, and the recipe has no teacher",
        ),
        (lambda c: distillir.evaluate(c, "x", split="tset"), "no split 'tset'"),
        (lambda c: distillir.evaluate(c, "x", measures="nDGC@10"), "unknown measure 'nDGC@10'"),
        (lambda c: distillir.evaluate(c, 3), "student: int is no student"),
        (lambda c: distillir.run({"colection": "x"}), "colection: unknown key; did you mean 'collection'"),
        (lambda c: distillir.run("nowhere.yaml"), "nowhere.yaml: no such file"),
    ],
)
def test_mistakes_are_one_line(call: Any, said: str, tiny: Collection) -> None:
    with pytest.raises(distillir.DistillirError, match=said) as raised:
        call(tiny)
    assert len(str(raised.value).splitlines()) == 1


def test_mapping_needs_an_output(tiny_beir: Path, minilm_path: str) -> None:
    recipe = {"collection": tiny_beir, "teacher": "bm25", "student": minilm_path}
    with pytest.raises(distillir.DistillirError, match=r'output: .* give output="runs/mine"'):
        distillir.run(recipe)


def test_what_the_machine_refuses_is_one_line_too(tiny: Collection, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    candidates = distillir.mine(tiny, "bm25", depth=5)
    with pytest.raises(distillir.DistillirError, match="file"):
        distillir.score(tiny, candidates, "bm25", output=tmp_path / "file" / "set")


def test_code_of_a_recipe_runs_during_the_call_that_allows_it() -> None:
    @one_line
    def call(*, allow_code: bool = False) -> None:
        check_code_allowed("mine:TEACHER", "teacher")

    for allowed in (False, True, False):
        with nullcontext() if allowed else pytest.raises(distillir.DistillirError, match="mine:TEACHER"):
            call(allow_code=allowed)
    assert call.__name__ == "call"


def test_two_collections_after_an_exception(tiny: Collection, narrow: str, tmp_path: Path, minilm_path: str) -> None:
    """The second has documents and queries, and no judgement: all of its queries are learnt from."""
    other = tmp_path / "other"
    other.mkdir()
    for name in ("corpus.jsonl", "queries.jsonl"):
        lines = (Path(__file__).parents[1] / "data" / "tiny" / name).read_text(encoding="utf-8").splitlines()
        kept = [json.loads(line) for line in lines][:20]
        (other / name).write_text("".join(json.dumps({**one, "_id": f"x{n}"}) + "\n" for n, one in enumerate(kept)))
    unjudged = distillir.load_collection(other)
    with pytest.raises(distillir.DistillirError, match="give queries=None for all of its queries"):
        distillir.mine(unjudged, "bm25")
    student = {"model": narrow, "max_length": 16}
    weights = []
    for collection, queries in ((unjudged, None), (tiny, "train"), (unjudged, None)):
        candidates = distillir.mine(collection, {"dense": minilm_path}, depth=5, queries=queries)
        teaching = distillir.score(collection, candidates, teacher={"dense": minilm_path})
        settings = {"epochs": 1, "queries_per_step": 8, "precision": "float32"}
        with pytest.raises(distillir.DistillirError, match="fewer than one step takes"):
            distillir.train(collection, teaching, student, "kl", training={"queries_per_step": 1000})
        model = distillir.train(collection, teaching, student, "kl", training=settings)
        weights.append(next(iter(model.parameters())).detach().cpu().numpy())
    assert np.array_equal(weights[0], weights[2]) and not np.array_equal(weights[0], weights[1])
    with pytest.raises(distillir.DistillirError, match="candidates: are of the collection"):
        distillir.score(tiny, candidates, teacher="bm25")
    with pytest.raises(distillir.DistillirError, match="has no judgements"):
        distillir.evaluate(unjudged, minilm_path)


def test_a_teaching_set_of_the_test_queries_is_refused(tiny: Collection, tmp_path: Path, minilm_path: str) -> None:
    teaching = distillir.score(tiny, distillir.mine(tiny, "bm25", depth=5, queries="test"), "bm25")
    with pytest.raises(distillir.DistillirError, match="queries of the evaluation split"):
        distillir.train(
            tiny, teaching, minilm_path, "kl", training={"queries_per_step": 4}, output=tmp_path / "trained"
        )
    assert not (tmp_path / "trained").exists()


CELL = """
import sys
import distillir

output, settings = sys.argv[2], {"epochs": 4, "queries_per_step": 4, "checkpoint_seconds": 0, "precision": "float32"}
collection = distillir.load_collection(sys.argv[1])
teaching = distillir.score(collection, distillir.mine(collection, "bm25", depth=5), "bm25")
student = {"model": sys.argv[3], "max_length": 16}
distillir.train(collection, teaching, student, "kl", training=settings, output=output)
"""


def test_a_killed_training_goes_on_and_no_other_takes_its_checkpoints(
    tiny_beir: Path, narrow: str, tmp_path: Path
) -> None:
    """A new kernel after a kill: the same cell ends with the weights of a training left alone; another is refused."""
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = Apart(tiny_beir, killed, narrow, program=CELL)
    kill_once(process, lambda: list(killed.glob("work/checkpoints*/*/complete")), within=200)
    assert not (killed / "student").exists() and list(killed.glob("work/checkpoints*/*/complete"))

    collection = distillir.load_collection(tiny_beir)
    teaching = distillir.score(collection, distillir.mine(collection, "bm25", depth=5), "bm25")
    student = {"model": narrow, "max_length": 16}
    settings = {"epochs": 4, "queries_per_step": 4, "checkpoint_seconds": 0, "precision": "float32"}
    with pytest.raises(distillir.DistillirError, match=r"another recipe \(differs in training\.learning_rate"):
        distillir.train(
            collection, teaching, student, "kl", training={**settings, "learning_rate": 1e-3}, output=killed
        )
    digests = []
    for output in (killed, whole):
        distillir.train(collection, teaching, student, "kl", training=settings, output=output)
        digests.append(hashlib.sha256((output / "student" / "model.safetensors").read_bytes()).hexdigest())
    assert digests[0] == digests[1]
