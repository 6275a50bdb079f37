"""Stores of narrow vectors: what they lose, what the default keeps to the bit, kills, processes, keys."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import xxhash

from command_line import Apart, in_two, kill_once
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.encoding import vectors
from distillir.encoding.identity import model_identity
from distillir.encoding.narrow import NarrowVectors, Stored, narrowed, widened
from distillir.encoding.narrow_copies import ScanCopy, largest_errors
from distillir.encoding.store import VectorStore
from distillir.encoding.vectors import encode_into_store, encode_table, vectors_folder

Vectors = npt.NDArray[np.float32]
NARROW: list[Stored] = ["float16", "int8"]


def drawn(rows: int = 40, width: int = 24) -> Vectors:
    """Vectors of very different lengths, one of zeros, one next to nothing."""
    rng = np.random.default_rng(0)
    found = rng.standard_normal((rows, width)) * 10.0 ** rng.uniform(-6, 4, (rows, 1))
    found[3], found[4] = 0.0, 1e-44
    return found.astype(np.float32)


def test_float16_moves_a_number_by_half_a_step_and_int8_by_half_a_scale() -> None:
    exact = drawn().astype(np.float64)
    half = widened(*narrowed(drawn(), "float16"))
    assert (np.abs(half - exact) <= np.maximum(2.0**-11 * np.abs(exact), 2.0**-25)).all()
    values, scales = narrowed(drawn(), "int8")
    assert scales is not None and values.dtype == np.int8 and np.abs(values.astype(int)).max() == 127
    np.testing.assert_allclose(scales, np.abs(exact).max(axis=1) / 127, rtol=1e-6, atol=1e-44)
    assert (np.abs(widened(values, scales) - exact) <= scales[:, None] * 0.5001 + 1e-43).all()
    assert not widened(values, scales)[3].any(), "zeros stay zeros"


def test_a_number_beyond_float16_is_refused_and_nothing_is_marked(tmp_path: Path) -> None:
    store = VectorStore(tmp_path, 3, 2, "float16")
    with pytest.raises(DistillirError, match="70000, and float16 ends at 65504"):
        store.write(np.array([1]), np.array([[1.0, 7e4]], dtype=np.float32))
    assert store.missing(np.arange(3)).tolist() == [0, 1, 2]


def test_the_default_store_is_as_it_was_to_the_bit(tiny: Collection, minilm_path: str, tmp_path: Path) -> None:
    found = encode_table(minilm_path, tiny.corpus, kind="document", precision="float32", cache=tmp_path)
    identity = [
        model_identity(minilm_path, sides=("document",)),
        tiny.corpus.fingerprint,
        "document",
        "None",
        "float32",
    ]
    (folder,) = tmp_path.iterdir()
    assert folder.name == xxhash.xxh3_128_hexdigest("\0".join(identity).encode())
    assert sorted(file.name for file in folder.iterdir()) == ["done.u1", "info.json", "vectors.f32"]
    assert json.loads((folder / "info.json").read_text()) == {"rows": 62, "dim": 384, "dtype": "float32"}
    assert (folder / "vectors.f32").read_bytes() == found.tobytes()


@pytest.mark.parametrize("form", NARROW)
def test_a_narrow_store_holds_the_models_vectors_narrowed_under_a_key_of_its_own(
    form: Stored, tiny: Collection, minilm_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.arange(len(tiny.corpus))
    given: dict[str, Any] = {"kind": "document", "precision": "float32", "stored": form}
    store = encode_into_store(minilm_path, tiny.corpus, rows, cache=tmp_path / "alone", **given)
    kept = store.vectors
    assert isinstance(kept, NarrowVectors) and kept.shape == (62, 384)
    assert kept.nbytes == 62 * {"float16": 768, "int8": 388}[form]
    assert len(list((tmp_path / "alone").iterdir())) == 1, "no float32 beside it"

    whole = encode_table(minilm_path, tiny.corpus, kind="document", precision="float32", cache=tmp_path / "both")
    expected = widened(*narrowed(np.asarray(whole), form))
    some = np.array([5, 0, 5, 61])
    assert np.array_equal(kept[:], expected) and np.array_equal(kept[some], expected[some])
    assert np.array_equal(kept.tensor(10, 20, torch.device("cpu")).numpy(), expected[10:20])
    # Where float32 is there it is narrowed, and nothing is encoded; nor is anything the second time.
    monkeypatch.setattr(vectors, "load_sentence_transformer", lambda *_, **__: pytest.fail("the model was loaded"))
    for _ in range(2):
        copied = encode_into_store(minilm_path, tiny.corpus, rows, cache=tmp_path / "both", **given)
        assert np.array_equal(copied.vectors[:], expected)
    assert copied.folder.name == store.folder.name
    with pytest.raises(DistillirError, match=f"another form \\({form}\\)"):
        VectorStore(store.folder, 62, stored="float32")


def test_a_copy_to_scan_knows_how_far_products_are_off_and_goes_on_after_a_kill(tmp_path: Path) -> None:
    exact = drawn()[:, :16]
    store = VectorStore(tmp_path, len(exact), 16)
    store.write(np.arange(len(exact)), exact)
    copy = ScanCopy(store, "int8")
    # As a kill leaves it: some rows are not marked, and hold nothing.
    marks = np.memmap(tmp_path / "scan-int8" / "done.u1", dtype=np.uint8, mode="r+")
    marks[:25] = 0
    for name in ("vectors.i8", "scales.f32", "errors.f32"):
        found = np.memmap(tmp_path / "scan-int8" / name, dtype=np.uint8, mode="r+").reshape(len(exact), -1)
        found[:25] = 0
    again = ScanCopy(store, "int8")
    assert np.array_equal(again.vectors[:], widened(*narrowed(exact, "int8")))
    queries = np.random.default_rng(1).standard_normal((200, 16))
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    moved = again.vectors[:].astype(np.float64)
    assert np.abs(queries @ (moved - exact).T).max() <= again.error(cosine=False) == copy.error(cosine=False)
    lengths = np.linalg.norm(exact.astype(np.float64), axis=1)
    each = np.abs(queries @ (moved - exact).T) / np.maximum(lengths, 1e-12)
    assert (each <= largest_errors(exact, "int8")[:, 1] * 2).all() and again.error(cosine=True) > 0


ENCODER = """
import sys
from pathlib import Path
import numpy as np
from distillir.collections import Collection
from distillir.encoding import vectors
vectors.ROWS_PER_BLOCK = 4
corpus = Collection(Path(sys.argv[2])).corpus
more = {"kind": "document", "precision": "float32", "cache": Path(sys.argv[3]), "stored": "int8"}
vectors.encode_into_store(sys.argv[1], corpus, np.arange(len(corpus)), **more)
"""


def done(folder: Path) -> int:
    return sum(int(np.fromfile(file, dtype=np.uint8).sum()) for file in folder.rglob("done.u1"))


def test_a_killed_narrow_store_goes_on_and_two_processes_fill_one(
    tiny: Collection, minilm_path: str, tmp_path: Path
) -> None:
    process = Apart(minilm_path, tiny.path, tmp_path / "killed", program=ENCODER)
    kill_once(process, lambda: done(tmp_path / "killed") >= 8)
    assert 8 <= done(tmp_path / "killed") < len(tiny.corpus)
    both = in_two(minilm_path, tiny.path, tmp_path / "two", program=ENCODER)
    assert both.returncode == 0, both.stderr
    rows, options = np.arange(len(tiny.corpus)), {"precision": "float32", "stored": "int8"}
    whole = encode_table(minilm_path, tiny.corpus, kind="document", precision="float32", cache=tmp_path / "plain")
    for name in ("killed", "two"):
        given: dict[str, Any] = {"kind": "document", "cache": tmp_path / name, **options}
        found = encode_into_store(minilm_path, tiny.corpus, rows, **given)
        assert done(tmp_path / name) == len(tiny.corpus)
        np.testing.assert_allclose(found.vectors[:], whole, atol=1.2 * np.abs(whole).max() / 127)


def test_keys_are_apart(tiny: Collection, minilm_path: str) -> None:
    forms: list[Stored] = ["float32", "float16", "int8"]
    folders = {vectors_folder(minilm_path, tiny.corpus, "document", None, "float32", stored=form) for form in forms}
    assert len(folders) == 3
    assert vectors_folder(minilm_path, tiny.corpus, "document", None, "float32") in folders
