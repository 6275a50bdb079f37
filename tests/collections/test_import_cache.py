"""Imports are done once, by one process, in little memory, and leave nothing half-written."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from command_line import Apart
from distillir.base.errors import DistillirError
from distillir.collections import load_collection
from distillir.collections.hub_source import HubSource
from distillir.teaching import import_teaching

LOAD = """
import sys
from pathlib import Path
from distillir.collections import load_collection
collection = load_collection(sys.argv[1], cache=Path(sys.argv[2]))
print(collection.path, collection.fingerprint)
"""


def passages(folder: Path, count: int) -> Path:
    """An MS MARCO folder of numbered passages of 380 bytes."""
    folder.mkdir()
    sentence = "The river rises in the hills, passes three old mills and reaches the sea after forty days. " * 4
    with (folder / "collection.tsv").open("w") as stream:
        stream.writelines(f"{number}\tPassage {number}. {sentence}\n" for number in range(count))
    (folder / "queries.dev.tsv").write_text("q\twhere does the river end\n")
    (folder / "qrels.dev.tsv").write_text(f"q\t0\t{count - 1}\t1\n")
    return folder


def contents(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "collections").iterdir() if not path.name.endswith(".lock"))


def test_processes_that_import_the_same_agree(tmp_path: Path) -> None:
    folder, cache = passages(tmp_path / "river", 20_000), tmp_path / "cache"
    started = [Apart(folder, cache, program=LOAD) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert len({process.printed() for process in started}) == 1
    assert len(contents(cache)) == 1
    assert sum("imported river" in process.written() for process in started) == 1


def test_a_killed_import_is_cleared_away(tmp_path: Path) -> None:
    folder, cache = passages(tmp_path / "river", 200_000), tmp_path / "cache"
    process = Apart(folder, cache, program=LOAD)
    deadline = time.monotonic() + 30
    while not list(cache.glob("collections/.*.part/corpus/texts.arrow")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert [name for name in contents(cache) if name.endswith(".part")], "killed too late to show anything"
    collection = load_collection(folder, cache=cache)
    assert len(collection.corpus) == 200_000
    assert contents(cache) == [collection.path.name]


def test_import_streams(tmp_path: Path) -> None:
    # 152 MB of text: held in memory it would be seen. What any import needs is loaded by a small one before.
    small, large = passages(tmp_path / "brook", 10_000), passages(tmp_path / "river", 400_000)
    program = """
import resource, sys
from pathlib import Path
from distillir.collections import load_collection
peaks = []
for source in sys.argv[1:3]:
    load_collection(source, cache=Path(sys.argv[3]))
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
print(peaks[1] - peaks[0])
"""
    command = [sys.executable, "-c", program, str(small), str(large), str(tmp_path / "cache")]
    growth = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert growth < 60, f"{growth} MiB"


def test_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    folder, cache = passages(tmp_path / "river", 20_000), tmp_path / "cache"

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    process = subprocess.run(
        [sys.executable, "-c", LOAD, str(folder), str(cache)],
        preexec_fn=small_files,
        capture_output=True,
        text=True,
        check=False,
    )
    last = process.stderr.strip().splitlines()[-1]
    assert "DistillirError" in last
    assert "the import cannot be written (File too large); free space there, or set DISTILLIR_CACHE" in last
    assert contents(cache) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_cache_that_cannot_be_written(tiny_beir: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o500)
    with pytest.raises(DistillirError, match="set DISTILLIR_CACHE"):
        load_collection(tiny_beir, cache=cache)


def test_a_cache_that_is_a_file(tiny_beir: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(DistillirError, match=r"cannot be written \(Not a directory\).*set DISTILLIR_CACHE"):
        load_collection(tiny_beir, cache=tmp_path / "cache")


def test_an_import_survives_its_source(tiny_beir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "source"
    shutil.copytree(tiny_beir, folder)
    imported = load_collection(folder).path
    shutil.rmtree(folder)
    assert load_collection(imported).corpus.row("cactus") >= 0


def in_place_of(file: Path, content: str) -> None:
    """Put another file in the place of one, with its size and time, as ``cp -p`` and ``touch -r`` do."""
    other = file.with_name("other")
    other.write_text(content)
    assert other.stat().st_size == file.stat().st_size
    shutil.copystat(file, other)
    shutil.copy2(other, file)
    other.unlink()


def test_a_file_of_the_same_size_and_time_is_imported_anew(tmp_path: Path) -> None:
    folder, cache = passages(tmp_path / "river", 2), tmp_path / "cache"
    first = load_collection(folder, cache=cache)
    assert load_collection(folder, cache=cache).path == first.path
    in_place_of(folder / "queries.dev.tsv", "q\twhere did the rivers end\n")
    assert load_collection(folder, cache=cache).queries.text(0) == "where did the rivers end"


def test_so_are_repositories_and_training_files(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text('{"anchor": "kettle", "positive": "it boils"}\n')
    source = HubSource(str(tmp_path))
    lists = import_teaching("auto", file, None, tmp_path / "set")
    before = source.identity(), lists.open_collection().path
    in_place_of(file, '{"anchor": "kettle", "positive": "it moils"}\n')
    again = import_teaching("auto", file, None, tmp_path / "again").open_collection()
    assert again.corpus.texts([0]) == ["it moils"]
    assert source.identity() != before[0] and again.path != before[1]
