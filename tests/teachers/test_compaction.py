"""Segments merged into mapped sorted files: same scores, whoever reads, writes or is killed meanwhile."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from distillir.base.errors import DistillirError
from distillir.teachers.answers import cache as cache_module
from distillir.teachers.answers import compaction
from distillir.teachers.answers.cache import ScoreCache
from distillir.teachers.answers.keys import Keys
from distillir.teachers.answers.records import pack
from distillir.teachers.answers.sorted_scores import SortedScores

SIZE = 3000


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Merging from 1,000 scores on, in batches of 700, of segments however fresh."""
    monkeypatch.setattr(compaction, "COMPACT_FROM", 1000)
    monkeypatch.setattr(cache_module, "COMPACT_FROM", 1000)
    monkeypatch.setattr(compaction, "_BATCH", 700)
    monkeypatch.setattr(compaction, "QUIET", 0.0)


def keys_of(count: int, seed: int = 0) -> Keys:
    keys = np.random.default_rng(seed).integers(0, 2**64, size=(count, 2), dtype=np.uint64)
    keys[1::50, 0] = keys[::50, 0]  # some share their first half
    return keys


def fill(folder: Path, keys: Keys, parts: int = 5) -> np.ndarray:
    """Segments as earlier versions have left them."""
    scores = np.arange(len(keys), dtype=np.float32)
    folder.mkdir(exist_ok=True)
    for number, places in enumerate(np.array_split(np.arange(len(keys)), parts)):
        (folder / f"{number}.scores").write_bytes(pack(keys[places], scores[places]))
    return scores


def test_old_segments_become_one_sorted_file_with_the_same_scores(tmp_path: Path) -> None:
    keys = keys_of(SIZE)
    scores = fill(tmp_path, keys)
    before = ScoreCache(tmp_path, compacts=False)
    assert len(list(tmp_path.glob("*.scores"))) == 5
    after = ScoreCache(tmp_path)
    assert not list(tmp_path.glob("*.scores"))
    assert len(list(tmp_path.glob("*.sorted"))) == 1
    order = np.random.default_rng(1).permutation(SIZE)
    asked = np.concatenate([keys[order], keys_of(100, seed=9)])
    np.testing.assert_array_equal(before.get(asked), after.get(asked))
    assert np.array_equal(after.get(keys), scores)
    assert len(before) == len(after) == SIZE
    before.refresh()  # whose segments are gone
    assert np.array_equal(before.get(keys), scores)
    assert len(before) == SIZE


def test_new_scores_are_merged_with_the_sorted_ones(tmp_path: Path) -> None:
    keys = keys_of(10_000)
    scores = np.arange(10_000, dtype=np.float32)
    writer, reader = ScoreCache(tmp_path), ScoreCache(tmp_path)
    for start in range(0, len(keys), 400):
        part = slice(start, start + 400)
        writer.put(keys[part], scores[part])
        if start % 2000 == 0:
            writer.close()
            reader.refresh()
            assert np.array_equal(reader.get(keys[: start + 400]), scores[: start + 400])
            assert np.isnan(reader.get(keys[start + 400 :])).all()
    writer.refresh()
    assert np.array_equal(writer.get(keys), scores)
    assert 1 <= len(list(tmp_path.glob("*.sorted"))) <= 3
    assert len(writer) == len(keys)


def test_a_segment_that_is_written_is_left_alone(tmp_path: Path) -> None:
    keys = keys_of(SIZE + 100)
    scores = fill(tmp_path, keys[:SIZE])
    writer = ScoreCache(tmp_path, compacts=False)
    writer.put(keys[SIZE : SIZE + 50], np.ones(50, dtype=np.float32))
    ScoreCache(tmp_path)
    assert len(list(tmp_path.glob("*.scores"))) == 1
    writer.put(keys[SIZE + 50 :], np.ones(50, dtype=np.float32))
    found = ScoreCache(tmp_path).get(keys)
    assert np.array_equal(found[:SIZE], scores)
    assert (found[SIZE:] == 1).all()


def test_a_writer_whose_segment_was_removed_opens_another(tmp_path: Path) -> None:
    keys = keys_of(20)
    writer = ScoreCache(tmp_path)
    writer.put(keys[:10], np.zeros(10, dtype=np.float32))
    next(tmp_path.glob("*.scores")).unlink()
    writer.put(keys[10:], np.ones(10, dtype=np.float32))
    assert (ScoreCache(tmp_path).get(keys[10:]) == 1).all()


def test_a_score_that_stands_twice_is_kept_once_and_the_first_counts(tmp_path: Path) -> None:
    keys = keys_of(1500)
    (tmp_path / "1.scores").write_bytes(pack(keys, np.zeros(1500, dtype=np.float32)))
    (tmp_path / "2.scores").write_bytes(pack(keys[:700], np.ones(700, dtype=np.float32)))
    opened = ScoreCache(tmp_path)
    assert len(opened) == 1500
    assert (opened.get(keys) == 0).all()


def test_spoilt_scores_count_as_missing_and_a_cut_file_is_named(tmp_path: Path) -> None:
    keys = keys_of(SIZE)
    scores = fill(tmp_path, keys)
    ScoreCache(tmp_path)
    (file,) = tmp_path.glob("*.sorted")
    data = bytearray(file.read_bytes())
    data[4096 + 16 * SIZE] ^= 1  # the lowest bit of a score
    file.write_bytes(data)
    found = ScoreCache(tmp_path).get(keys)
    assert np.isnan(found).sum() == 1
    assert np.array_equal(found[~np.isnan(found)], scores[~np.isnan(found)])
    file.write_bytes(data[:-1])
    with pytest.raises(DistillirError, match=r"sorted: is no file of sorted scores"):
        ScoreCache(tmp_path)


KILLED = """
import os, sys
from pathlib import Path
from distillir.teachers.answers import compaction, sorted_scores
from distillir.teachers.answers.cache import ScoreCache
compaction.COMPACT_FROM, compaction._BATCH, compaction.QUIET = 1000, 700, 0.0
folder, after = Path(sys.argv[1]), int(sys.argv[2])
real, count = os.unlink, 0
def stop(*args, **more):
    global count
    count += 1
    if count > after:
        os.kill(os.getpid(), 9)
    real(*args, **more)
if after >= 0:
    os.unlink = stop
    Path.unlink = lambda self, missing_ok=False: stop(self)
else:
    compaction._sync_folder = sorted_scores._sync_folder = lambda folder: os.kill(os.getpid(), 9)
ScoreCache(folder)
"""


@pytest.mark.parametrize("after", [-1, 0, 5, 7])
def test_a_kill_in_the_middle_of_merging_loses_nothing(tmp_path: Path, after: int) -> None:
    """Killed before the first batch is there, before one is removed, and between the segments that are removed."""
    keys = keys_of(SIZE)
    scores = fill(tmp_path / "c", keys)
    process = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "c"), str(after)], check=False)
    assert process.returncode == -signal.SIGKILL
    for compacts in (False, True):
        opened = ScoreCache(tmp_path / "c", compacts=compacts)
        assert np.array_equal(opened.get(keys), scores)
    left = {file.suffix for file in (tmp_path / "c").iterdir() if not file.name.endswith(".part")}
    assert left <= {".sorted", ".scores", ".lock"}


WORKER = """
import sys, numpy as np
from pathlib import Path
from distillir.teachers.answers import cache, compaction
cache.COMPACT_FROM = compaction.COMPACT_FROM = 1000
compaction.QUIET = 0.0
keys = np.random.default_rng(int(sys.argv[2])).integers(0, 2**64, size=(20_000, 2), dtype=np.uint64)
own = cache.ScoreCache(Path(sys.argv[1]))
for start in range(0, len(keys), 300):
    own.put(keys[start:start + 300], np.arange(start, min(start + 300, 20_000), dtype=np.float32))
    own.refresh()
    known = own.get(keys[: start + 300])
    assert np.array_equal(known, np.arange(len(known), dtype=np.float32)), start
own.close()
"""


def test_two_processes_append_and_merge_at_once(tmp_path: Path) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path), str(seed)]) for seed in (1, 2)]
    assert [process.wait() for process in processes] == [0, 0]
    opened = ScoreCache(tmp_path)
    for seed in (1, 2):
        keys = np.random.default_rng(seed).integers(0, 2**64, size=(20_000, 2), dtype=np.uint64)
        assert np.array_equal(opened.get(keys), np.arange(20_000, dtype=np.float32))
    assert list(tmp_path.glob("*.sorted"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_read_as_it_is(tmp_path: Path) -> None:
    keys = keys_of(SIZE)
    scores = fill(tmp_path / "c", keys)
    (tmp_path / "c").chmod(0o500)
    assert np.array_equal(ScoreCache(tmp_path / "c").get(keys), scores)


def test_files_of_many_merged_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from distillir.teachers.answers import sorted_scores

    monkeypatch.setattr(sorted_scores, "_MERGED", 64)
    keys = keys_of(SIZE)
    scores = fill(tmp_path, keys)
    assert np.array_equal(ScoreCache(tmp_path).get(keys), scores)
    (file,) = tmp_path.glob("*.sorted")
    first = SortedScores(file).columns.first
    assert (np.diff(first.astype(np.float64)) >= 0).all()
