"""The manifest of segments: what it says is what the segments say, whoever writes them, killed or not."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command_line import Apart
from distillir.collections import Collection
from distillir.encoding import segments
from distillir.encoding.segment_manifest import MANIFEST
from distillir.encoding.segments import Segments
from distillir.encoding.token_vectors import encode_tokens

ROWS = 60


def add(folder: Path, name: str, rows: list[int]) -> None:
    """A segment, as `segments.encode_segments` writes it."""
    (folder / name).mkdir(parents=True)
    np.save(folder / name / "rows.npy", np.array(rows, dtype=np.int64))


def agree(folder: Path) -> Segments:
    """Open a folder, and compare with what each of its segments says by itself, the last one counting."""
    opened = Segments(folder, ROWS)
    segment, place, sizes = np.full(ROWS, -1), np.zeros(ROWS), []
    for number, path in enumerate(sorted(path for path in folder.iterdir() if not path.name.startswith("."))):
        own = np.load(path / "rows.npy")
        segment[own], place[own] = number, np.arange(len(own))
        assert opened.paths[number] == path
        sizes.append(len(own))
    np.testing.assert_array_equal(opened.segment, segment)
    np.testing.assert_array_equal(opened.place, place)
    np.testing.assert_array_equal(opened.sizes, sizes)
    some = np.array([7, 3, 3, ROWS - 1, 0, 40])
    np.testing.assert_array_equal(opened.missing(some), np.unique(some)[segment[np.unique(some)] < 0])
    np.testing.assert_array_equal(opened.missing(np.arange(ROWS)), np.flatnonzero(segment < 0))
    return opened


_SEGMENT = st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=12, unique=True).map(sorted)


@settings(max_examples=60)
@given(
    parts=st.dictionaries(st.text("abcdef", min_size=1, max_size=4), _SEGMENT, max_size=8),
    noted=st.sets(st.integers(0, 7)),
    gone=st.sets(st.integers(0, 7)),
    at_once=st.integers(1, 3),
)
def test_a_folder_is_opened_alike_whatever_the_manifest_knows(
    tmp_path_factory: pytest.TempPathFactory,
    parts: dict[str, list[int]],
    noted: set[int],
    gone: set[int],
    at_once: int,
) -> None:
    folder = tmp_path_factory.mktemp("segments")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("distillir.encoding.segment_manifest._AT_ONCE", at_once)
        for number, (name, rows) in enumerate(parts.items()):
            if number in noted:
                add(folder, name, rows)
        agree(folder).note()
        for number, (name, rows) in enumerate(parts.items()):
            if number not in noted:
                add(folder, name, rows)
            elif number in gone:
                shutil.rmtree(folder / name)
        agree(folder).note()
        agree(folder)


def test_no_segment_is_opened_that_the_manifest_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        add(tmp_path, f"{number}", list(range(10 * number, 10 * number + 10)))
    agree(tmp_path).note()  # of a folder from before there were manifests
    opened: list[str] = []
    load = segments.load_array

    def counted(file: Path) -> Any:
        opened.append(file.parent.name)
        return load(file)

    monkeypatch.setattr(segments, "load_array", counted)
    agree(tmp_path)
    assert opened == []
    add(tmp_path, "5", [50, 51])
    agree(tmp_path).note(at_least=0.5)
    assert opened == ["5"]
    agree(tmp_path).note(at_least=0.1)
    assert opened == ["5", "5"], "one of six was not worth a manifest"
    agree(tmp_path)
    assert opened == ["5", "5"]
    manifest = (tmp_path / MANIFEST).read_bytes()
    for damaged in (b"", manifest[: len(manifest) // 2], manifest.replace(b"012345", b"01234x")):
        (tmp_path / MANIFEST).write_bytes(damaged)
        opened.clear()
        agree(tmp_path)
        assert len(opened) == 6
    agree(tmp_path).note()
    assert (tmp_path / MANIFEST).read_bytes() == manifest, "the same segments, the same bytes"


_PROGRAM = """
import os, signal, sys
from pathlib import Path
import numpy as np
from distillir.collections import load_collection
from distillir.encoding import segments

segments.ROWS_PER_SEGMENT = 8
if sys.argv[4] == "die":
    segments.keep_manifest = lambda *given: os.kill(os.getpid(), signal.SIGKILL)
table = load_collection(sys.argv[1]).corpus
segments.encode_segments(
    sys.argv[2], table, np.arange(*map(int, sys.argv[5:])), kind="document", load=lambda *given, **more: None,
    encode=lambda model, texts, kind, precision: {"ends": np.cumsum([len(text) for text in texts])},
    store="token-vectors", cache=Path(sys.argv[3]), precision="float32",
)
"""


def test_a_kill_before_the_manifest_and_several_at_once(
    tiny_beir: Path, tiny: Collection, small_models: Path, tmp_path: Path
) -> None:
    given = (tiny_beir, small_models / "base", tmp_path / "store")
    dead = Apart(*given, "die", 0, 30, program=_PROGRAM)
    assert dead.wait(60) == -9, dead.written()
    (folder,) = (tmp_path / "store").iterdir()
    assert len([path for path in folder.iterdir() if not path.name.startswith(".")]) == 4
    assert not (folder / MANIFEST).exists()
    at_once = [Apart(*given, "live", start, end, program=_PROGRAM) for start, end in ((0, 40), (20, 62))]
    said = [one.said(60) for one in at_once]
    assert [one.returncode for one in at_once] == [0] * 2, said
    encode_tokens(str(given[1]), tiny.corpus, kind="document", precision="float32", cache=given[2])  # loads no model
    shutil.move(folder / MANIFEST, tmp_path / "manifest")
    without = Segments(folder, len(tiny.corpus))
    shutil.move(tmp_path / "manifest", folder / MANIFEST)
    noted = Segments(folder, len(tiny.corpus))
    np.testing.assert_array_equal(noted.segment, without.segment)
    np.testing.assert_array_equal(noted.place, without.place)
    assert (without._unnoted, noted._unnoted) == (len(without.paths), 0), "who opens to read notes all"
