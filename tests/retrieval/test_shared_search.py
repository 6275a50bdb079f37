"""Queries that the processes of a run share: the lists of one process to the bit, and nothing left in the cache."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from command_line import Apart, in_two
from distillir.base.meeting_folder import own_folder
from distillir.students.load import load_student

_PROGRAM = """
import os, signal, sys
from pathlib import Path
import numpy as np, yaml
from distillir.base.processes import rank
from distillir.collections import load_collection
from distillir.retrieval import dense, exact, maxsim, multi_vector, shared_search, sparse
from distillir.retrieval.shared_search import searching_together
from distillir.retrieval.sources import load_retriever
from distillir.students.pair_kind import Reranker

target, given = Path(sys.argv[1]), yaml.safe_load(sys.argv[2])
# Several blocks of a small collection.
exact.exact_search.__kwdefaults__["query_block"] = dense.QUERY_BLOCK = 4
maxsim.QUERIES = multi_vector.QUERIES = 4
if given.get("die"):
    shared_search.barrier = lambda: os.kill(os.getpid(), signal.SIGKILL)
asked = []
share = shared_search.share_places


def shared(search, rows, block=1):
    return share(lambda places: asked.append(len(places)) or search(places), rows, block)


for module in (shared_search, dense, multi_vector, sparse):
    module.share_places = shared
collection = load_collection(given["collection"])
rows = np.arange(len(collection.queries))[::-1].copy()


def scored(pairs):
    return np.array([len(query) * 7919 % (len(document) + 3) for query, document in pairs], dtype=np.float32)


for name, spec in given["sources"].items():
    if name == "reranker":
        found = load_retriever("bm25")
        source = Reranker("r", lambda: scored, lambda collection, rows: found.search(collection, rows, 9))
    else:
        source = load_retriever(spec)
    with searching_together():
        few = source.search(collection, rows[:3], 7)  # fewer than a block: a process has none
        run = source.search(collection, rows, 7)
    assert all(np.array_equal(few.of(place)[0], run.of(place)[0]) for place in range(3))
    np.savez(target / f"{name}-{os.environ.get('RANK', 'alone')}.npz", queries=run.queries, offsets=run.offsets,
        documents=run.documents, scores=run.scores, asked=np.array(asked))
    asked.clear()
"""


@pytest.fixture
def given(tiny_beir: Path, small_models: Path, late_model: str, mlm_path: str, tmp_path: Path) -> dict[str, Any]:
    load_student(mlm_path, kind="sparse", device="cpu").save_pretrained(str(tmp_path / "sparse"))
    late = {"model": late_model, "precision": "float32"}
    return {
        "collection": str(tiny_beir),
        "sources": {
            "bm25": "bm25",
            "dense": {"dense": {"model": str(small_models / "base"), "precision": "float32"}},
            "scan": {"dense": {"model": str(small_models / "base"), "precision": "float32", "scan": "int8"}},
            "late": {"multi-vector": late},
            "late-first": {"multi-vector": {**late, "first": "bm25", "first_depth": 20}},
            "sparse": {"sparse": {"model": str(tmp_path / "sparse"), "precision": "float32"}},
            "reranker": "",
        },
    }


def test_two_processes_find_what_one_finds_to_the_bit(given: dict[str, Any], tmp_path: Path) -> None:
    cache: dict[str, Any] = {"DISTILLIR_CACHE": str(tmp_path / "cache")}
    alone = Apart(tmp_path, yaml.safe_dump(given), program=_PROGRAM, **cache)
    assert alone.wait(200) == 0, alone.written()
    done = in_two(tmp_path, yaml.safe_dump(given), program=_PROGRAM, **cache)
    assert done.returncode == 0, done.stderr
    shares = dict.fromkeys(("dense", "scan", "late"), (16, 14))
    for name in given["sources"]:
        with np.load(tmp_path / f"{name}-alone.npz") as one:
            assert one["offsets"][-1] > 100
            for process in range(2):
                with np.load(tmp_path / f"{name}-{process}.npz") as two:
                    for key in ("queries", "offsets", "documents", "scores"):
                        np.testing.assert_array_equal(one[key], two[key], f"{name} {key}")
                    assert two["asked"][-1] == shares.get(name, (15, 15))[process]
    assert list((tmp_path / "cache/searches").iterdir()) == []


def test_what_a_kill_leaves_is_removed_and_no_other_folder(tiny_beir: Path, tmp_path: Path) -> None:
    given: dict[str, Any] = {"collection": str(tiny_beir), "sources": {"bm25": "bm25"}}
    cache: dict[str, Any] = {"DISTILLIR_CACHE": str(tmp_path / "cache")}
    searches = tmp_path / "cache/searches"
    with own_folder(searches) as held:
        (searches / held).mkdir()
        killed = in_two(tmp_path, yaml.safe_dump({**given, "die": True}), program=_PROGRAM, **cache)
        assert killed.returncode == -9
        left = {path.name for path in searches.iterdir()} - {held, f"{held}.lock"}
        assert len(left) == 2, "its folder and its lock"
        (searches / "of-a-version-without-locks").mkdir()
        done = in_two(tmp_path, yaml.safe_dump(given), program=_PROGRAM, **cache)
        assert done.returncode == 0, done.stderr
        assert {path.name for path in searches.iterdir()} == {held, f"{held}.lock"}, "whose process lives"
        assert "searches" not in done.stderr
    assert list(searches.iterdir()) == []
