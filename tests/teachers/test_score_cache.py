import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.teachers.answers.cache import ScoreCache
from distillir.teachers.answers.keys import Keys, combine, pair_keys, text_hashes
from distillir.teachers.answers.records import RECORD, crc32_rows, pack, unpack


def keys_of(count: int, seed: int = 0) -> Keys:
    return np.random.default_rng(seed).integers(0, 2**64, size=(count, 2), dtype=np.uint64)


def test_round_trip_in_any_order_and_over_processes_own_segments(tmp_path: Path) -> None:
    keys, scores = keys_of(1000), np.random.default_rng(1).normal(size=1000).astype(np.float32)
    first, second = ScoreCache(tmp_path), ScoreCache(tmp_path)
    first.put(keys[:400], scores[:400])
    second.put(keys[400:], scores[400:])
    assert np.isnan(first.get(keys[400:])).all()
    first.refresh()
    order = np.random.default_rng(2).permutation(1000)
    assert np.array_equal(first.get(keys[order]), scores[order])
    second.close()
    third = ScoreCache(tmp_path)
    assert np.array_equal(third.get(keys), scores)
    assert (third.asked, third.hit, len(third)) == (0, 1000, 1000)
    assert (first.asked, second.asked) == (400, 600)


def test_unknown_keys_are_nan_and_keys_that_share_a_half_are_told_apart(tmp_path: Path) -> None:
    cache = ScoreCache(tmp_path)
    keys = np.array([[7, 1], [7, 2], [7, 3], [9, 1]], dtype=np.uint64)
    cache.put(keys, np.arange(4, dtype=np.float32))
    asked = np.array([[7, 3], [7, 9], [9, 1], [8, 1], [7, 1], [2**64 - 1, 0]], dtype=np.uint64)
    np.testing.assert_array_equal(cache.get(asked), [2, np.nan, 3, np.nan, 0, np.nan])
    assert cache.get(np.empty((0, 2), dtype=np.uint64)).shape == (0,)


def test_checksum_is_crc32_and_spoilt_or_torn_records_count_as_missing(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).integers(0, 256, size=(50, 20), dtype=np.uint8)
    assert crc32_rows(rows).tolist() == [zlib.crc32(row.tobytes()) for row in rows]
    keys, scores = keys_of(10), np.arange(10, dtype=np.float32)
    data = bytearray(pack(keys, scores))
    assert len(data) == 10 * RECORD.itemsize == 240
    data[3 * RECORD.itemsize + 17] ^= 1  # in the score of the fourth
    segment = tmp_path / "1.scores"
    segment.write_bytes(data[:-5])
    cache = ScoreCache(tmp_path)
    assert np.isnan(cache.get(keys)).nonzero()[0].tolist() == [3, 9]
    assert np.array_equal(unpack(np.frombuffer(bytes(data), dtype=np.uint8))[1], np.delete(scores, 3))


def test_what_is_not_finite_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    cache = ScoreCache(tmp_path)
    with pytest.raises(DistillirError, match="not finite"):
        cache.put(keys_of(2), np.array([1.0, np.nan], dtype=np.float32))
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_line_and_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ScoreCache(tmp_path)
    keys, scores = keys_of(100), np.arange(100, dtype=np.float32)
    cache.put(keys[:50], scores[:50])
    real = os.write

    def full(handle: int, data: bytes) -> int:
        if len(data) <= 500:
            raise OSError(28, "No space left on device")
        return real(handle, data[:700])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(DistillirError, match=r"No space left on device.*DISTILLIR_CACHE"):
        cache.put(keys[50:], scores[50:])
    monkeypatch.undo()
    cache.put(keys[90:], scores[90:])
    found = ScoreCache(tmp_path).get(keys)
    assert np.array_equal(found[:50], scores[:50])
    assert np.array_equal(found[90:], scores[90:])
    assert np.isnan(found[50:90]).all()


WRITER = """
import sys, numpy as np
from pathlib import Path
from distillir.teachers.answers.cache import ScoreCache
keys = np.random.default_rng(0).integers(0, 2**64, size=(10_000_000, 2), dtype=np.uint64)
cache = ScoreCache(Path(sys.argv[1]))
for start in range(0, len(keys), 500):
    cache.put(keys[start:start + 500], np.arange(start, start + 500, dtype=np.float32))
    print(start + 500, flush=True)
"""


def test_sigkill_loses_at_most_the_batch_in_flight(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(20)]
    time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    said += process.stdout.readlines()
    process.wait()
    whole = [int(line) for line in said if line.endswith(b"\n")]
    keys = np.random.default_rng(0).integers(0, 2**64, size=(10_000_000, 2), dtype=np.uint64)[: whole[-1] + 1000]
    found = ScoreCache(tmp_path).get(keys)
    known = int(np.count_nonzero(~np.isnan(found)))
    assert whole[-1] <= known <= whole[-1] + 500
    assert np.array_equal(found[:known], np.arange(known, dtype=np.float32))


def test_a_million_records_open_in_arrays(tmp_path: Path) -> None:
    keys, scores = keys_of(1_000_000), np.random.default_rng(1).normal(size=1_000_000).astype(np.float32)
    cache = ScoreCache(tmp_path)
    for start in range(0, len(keys), 100_000):
        cache.put(keys[start : start + 100_000], scores[start : start + 100_000])
    opened = ScoreCache(tmp_path)
    assert np.array_equal(opened.get(keys[::7]), scores[::7])
    assert len(opened) == 1_000_000


def test_keys_depend_on_content_and_direction_only(tiny: Collection) -> None:
    rows = np.array([0, 1, 0], dtype=np.int64)
    documents = np.array([2, 2, 2], dtype=np.int64)
    keys = pair_keys(tiny.queries, rows, tiny.corpus, documents)
    assert np.array_equal(keys[0], keys[2])
    assert not np.array_equal(keys[0], keys[1])
    by_text = combine(text_hashes(tiny.queries.texts(rows)), text_hashes(tiny.corpus.texts(documents)))
    assert np.array_equal(keys, by_text)
    a, b = text_hashes(["a"]), text_hashes(["b"])
    assert not np.array_equal(combine(a, b), combine(b, a))
    # A boundary that moves between query and document is another pair.
    assert not np.array_equal(combine(text_hashes(["ab"]), text_hashes(["c"])), combine(a, text_hashes(["bc"])))


def test_pair_keys_of_a_grid_do_not_collide() -> None:
    texts = text_hashes([f"text {i}" for i in range(600)])
    grid = combine(np.repeat(texts, 600, axis=0), np.tile(texts, (600, 1)))
    assert len(np.unique(grid[:, 0])) == len(np.unique(grid[:, 1])) == 360_000
