"""Shards that cannot be: each is one line that says what, where, and how to mend it."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from command_line import Done, distillir
from distillir.base.errors import DistillirError
from distillir.pipeline.shards import open_shard
from distillir.pipeline.shards.marks import at_work, recipe_key
from distillir.pipeline.shards.mine import mine_shard
from distillir.pipeline.shards.share import Share
from distillir.recipe.read import read_recipe
from small_models import few_words


@pytest.fixture
def recipe(tiny_beir: Path, tmp_path: Path) -> Path:
    """A recipe that mines with BM25 and asks a cross-encoder that nobody loads."""
    value = {
        "collection": str(tiny_beir),
        "teacher": "bm25",
        "student": {"model": few_words(), "layers": 1, "max_length": 16},
        "queries": {"split": "train", "limit": 6},
        "candidates": {"from": "bm25", "depth": 6},
        "evaluation": {"measures": ["nDCG@10"], "depth": 10},
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(value), encoding="utf-8")
    return path


def call(recipe: Path, verb: str, *more: str, **environment: str) -> Done:
    """A verb of the recipe, into ``run`` beside it."""
    return distillir(verb, recipe, "--output", recipe.with_name("run"), *more, **environment)


def refused(done: Done, *said: str) -> None:
    """Check that a call ended with one line that says so."""
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 2 and last.startswith("distillir: "), done.stderr
    assert all(part in last for part in said), last


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5/4", "--shard: is 5/4, and shards are numbered 1 to 4; choose 1/4 to 4/4"),
        ("0/4", "--shard: is 0/4, and shards are numbered 1 to 4; choose 1/4 to 4/4"),
        ("1/0", "--shard: is 1/0, and there is at least one shard; choose 1/1 to 1/1"),
        ("a/b", "--shard: is 'a/b', no share of so many; write 3/64 for the third of 64 shards"),
        ("3", "--shard: is '3', no share of so many; write 3/64 for the third of 64 shards"),
        ("-1/4", "--shard: is '-1/4', no share of so many; write 3/64 for the third of 64 shards"),
    ],
)
@pytest.mark.parametrize("verb", ["mine", "score"])
def test_no_share(recipe: Path, verb: str, text: str, said: str) -> None:
    refused(call(recipe, verb, f"--shard={text}"), said)
    assert not recipe.with_name("run").exists()


def test_a_launcher_of_processes_that_work_together(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    said = "--shard: 1/2 is a process of its own, and 2 were started to work together; start it without torchrun"
    with pytest.raises(DistillirError, match=said):
        mine_shard(recipe.with_name("run"), read_recipe(recipe), Share(1, 2))
    assert not recipe.with_name("run").exists()


def test_nothing_to_share(recipe: Path, tmp_path: Path) -> None:
    refused(call(recipe, "score", "--shard", "1/2"), "nothing to score in shards: BM25 keeps no scores")
    teach = ("--set", f"teaching={tmp_path}", "--set", "teacher=null")
    for verb in ("mine", "score"):
        refused(
            call(recipe, verb, "--shard", "1/2", *teach), "in shards: the recipe brings a teaching set", "leave it out"
        )


def test_shards_of_another_recipe_in_the_folder(recipe: Path) -> None:
    assert call(recipe, "mine", "--shard", "1/2").returncode == 0
    done = call(recipe, "mine", "--shard", "2/2", "--set", "candidates.depth=5")
    refused(done, "holds the run of another recipe (differs in candidates.depth: 6 there, 5 now)")


def test_the_same_shard_twice_at_once(recipe: Path) -> None:
    run = recipe.with_name("run")
    assert call(recipe, "mine", "--shard", "1/2").returncode == 0
    with at_work(run, "mine", Share(2, 2), read_recipe(recipe)):
        done = call(recipe, "mine", "--shard", "2/2")
        refused(done, "shard 2/2 of `distillir mine` is at work already (process", "a number of its own")
        told = call(recipe, "status").stdout
        assert f"shards of 2: 1 done, 2 running (2: process {os.getpid()} on" in told
        assert f"at work  mine 2/2 (process {os.getpid()} on" in told and "next     wait for the shards" in told
        assert call(recipe, "mine", "--shard", "1/2").returncode == 0, "others go on"
    assert call(recipe, "mine", "--shard", "2/2").returncode == 0


def test_a_cache_that_may_not_be_written(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(f"{open_shard.__name__}.tempfile.TemporaryFile", read_only)
    done = call(recipe, "mine", "--shard", "1/2")
    refused(done, "the cache may not be written (Read-only file system), and shards meet there", "DISTILLIR_CACHE")


def test_candidates_that_are_not_mined(recipe: Path, small_models: Path) -> None:
    teacher = f"teacher={{cross-encoder: {small_models / 'cross-encoder'}}}"
    refused(call(recipe, "score", "--shard", "1/2", "--set", teacher), "is missing; run `distillir mine`")


@pytest.mark.parametrize("verb", ["mine", "score", "encode"])
def test_a_share_is_not_divided_once_more(recipe: Path, verb: str) -> None:
    refused(call(recipe, verb, "--shard", "1/2", "--on", "ray"), "--shard", "give one of the two")


def test_what_changes_nothing_that_is_learnt_is_the_same_recipe(recipe: Path) -> None:
    plain = read_recipe(recipe)
    told = read_recipe(recipe, ["training.report_to=tensorboard", "training.loader_workers=3"])
    other = read_recipe(recipe, ["candidates.depth=5"])
    assert recipe_key(plain) == recipe_key(told) != recipe_key(other)
