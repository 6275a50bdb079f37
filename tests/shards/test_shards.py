"""Shards that know nothing of each other make what one process makes, to the byte, killed in the middle or not."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from shard_program import BATCH_TOKENS

from command_line import Apart, Done, distillir
from distillir.teachers.answers.records import unpack
from distillir.teachers.cross_encoders import pair_scores
from small_models import few_words

PROGRAM = Path(__file__).parent / "shard_program.py"
#: What later stages read.
RUNS = ("candidates.trec", "evaluation-candidates.trec", "teacher.trec")


@pytest.fixture(scope="module")
def world(tiny_beir: Path, small_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with ``recipe.yaml``, a cache of its own, and in ``one`` what one process makes."""
    folder = tmp_path_factory.mktemp("shards")
    recipe = {
        "collection": str(tiny_beir),
        "teacher": {"cross-encoder": str(small_models / "cross-encoder")},
        "student": {"model": few_words(), "layers": 1, "max_length": 16},
        "candidates": {"from": ["bm25", "dense"], "depth": 12, "exclude_judged": True},
        "evaluation": {"measures": ["nDCG@10"], "depth": 10},
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_scores, "default_batch_tokens", lambda device: BATCH_TOKENS)
        for verb in ("mine", "score"):
            done = here(folder, verb, output="one")
            assert not done.returncode, done.stderr
        for store in ("scores", "vectors", "bm25", "text-keys"):
            shutil.rmtree(folder / "cache" / store, ignore_errors=True)
        yield folder


def here(folder: Path, verb: str, *more: str, output: str = "run", **environment: str) -> Done:
    """Call a verb in this process."""
    there = {"DISTILLIR_CACHE": str(folder / "cache"), **environment}
    return distillir(verb, folder / "recipe.yaml", "--output", folder / output, *more, **there)


def start(folder: Path, verb: str, share: str, **environment: str) -> Apart:
    """Start a shard in a process of its own."""
    there = {"DISTILLIR_CACHE": str(folder / "cache"), **environment}
    given = (verb, folder / "recipe.yaml", "--output", folder / "run", "--shard", share)
    return Apart(*given, program=PROGRAM, **there)


def status(folder: Path) -> dict[str, object]:
    """What ``status --json`` says."""
    done = here(folder, "status", "--json")
    assert not done.returncode, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return {**found, **{stage["stage"]: stage for stage in found["stages"]}}  # type: ignore[attr-defined]


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a teaching set, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_shards_make_what_one_process_makes(world: Path) -> None:
    before = status(world)
    assert not (world / "run").exists(), "status writes nothing"
    assert str(before["next"]).startswith("distillir mine ") and "--shard" not in str(before["next"])

    dead = start(world, "mine", "2/4", MINE_AFTER="1")
    assert dead.wait(120) == -9, dead.written()
    (shards_then,) = status(world)["mine"]["shards"]  # type: ignore[index]
    assert (shards_then["died"], shards_then["running"]) == ([2], []), "its lock went with it"
    assert [part["known"] for part in status(world)["mine"]["parts"]] == [2, 0]  # type: ignore[index]
    kept = {path: path.stat().st_mtime_ns for path in (world / "cache/mined").glob("*/*.npz")}
    shards = [start(world, "mine", f"{number}/4") for number in range(1, 5)]
    said = [shard.said(120) for shard in shards]
    assert [shard.returncode for shard in shards] == [0] * 4, said
    assert "Shard 2/4: candidates of 4 of 16 training queries, 2 of them before" in said[1]
    assert kept == {path: path.stat().st_mtime_ns for path in kept}, "what was kept before the kill stays"
    found = status(world)
    assert [part["known"] == part["of"] and not part["merged"] for part in found["mine"]["parts"]] == [True] * 2  # type: ignore[index]
    assert found["mine"]["shards"][0]["done"] == [1, 2, 3, 4]  # type: ignore[index]
    assert all(texts["known"] == texts["of"] > 0 for texts in found["encode"]["texts"])  # type: ignore[index]
    merged = here(world, "mine")
    assert not merged.returncode and "come from shards" in merged.stderr and "mined now" not in merged.stderr

    dead = start(world, "score", "2/4", DIE_AFTER="2")
    assert dead.wait(120) == -9, dead.written()
    found = status(world)
    assert found["score"]["shards"][0]["died"] == [2], "its lock went with it"  # type: ignore[index]
    assert 0 < found["score"]["answers"][0]["known"] < found["score"]["answers"][0]["of"]  # type: ignore[index]
    assert str(found["next"]).endswith("--shard 1/4")
    shards = [start(world, "score", f"{number}/4") for number in range(1, 5)]
    said = [shard.said(120) for shard in shards]
    assert [shard.returncode for shard in shards] == [0] * 4, said
    assert all(f"Shard {number}/4: 0 of" not in text for number, text in enumerate(said, 1)), said
    found = status(world)
    assert found["score"]["answers"][0]["known"] == found["score"]["answers"][0]["of"]  # type: ignore[index]
    assert str(found["next"]).startswith("distillir score ") and "--shard" not in str(found["next"])
    merged = here(world, "score")
    assert not merged.returncode and ": 0 pairs asked" in merged.stderr, merged.stderr

    for name in RUNS:
        assert (world / "run/runs" / name).read_bytes() == (world / "one/runs" / name).read_bytes(), name
    assert files(world / "run/teaching") == files(world / "one/teaching")
    segments = list((world / "cache/scores").glob("*/*.scores"))
    asked = np.concatenate([unpack(np.fromfile(path, dtype=np.uint8))[0] for path in segments])
    assert len(asked) == len(np.unique(asked, axis=0)) > 0, "nothing is asked twice"
    assert status(world)["next"] == f"distillir train {world}/recipe.yaml --output {world}/run"


def test_the_verb_alone_makes_what_shards_have_left_out(world: Path) -> None:
    """Parts of another number of shards meet: 1/3 and 3/4, half of one query between them."""
    for share in ("1/3", "3/4"):
        done = here(world, "mine", "--shard", share, "--set", "candidates.depth=11", output="gaps")
        assert not done.returncode, done.stderr
    merged = here(world, "mine", "--set", "candidates.depth=11", output="gaps")
    assert not merged.returncode and "are mined now" in merged.stderr
    again = here(world, "mine", "--set", "candidates.depth=11", output="whole", DISTILLIR_CACHE=str(world / "other"))
    assert not again.returncode
    for name in RUNS[:2]:
        assert (world / "gaps/runs" / name).read_bytes() == (world / "whole/runs" / name).read_bytes(), name
    done = here(world, "score", "--shard", "2/3", "--set", "candidates.depth=11", output="gaps")
    assert not done.returncode, done.stderr
    merged = here(world, "score", "--set", "candidates.depth=11", output="gaps")
    assert not merged.returncode, merged.stderr
