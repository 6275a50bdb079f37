"""Token vectors and weights of words in fewer bits: what is lost, what stays as it was, keys, kills, processes."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from command_line import Apart, in_two, kill_once
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.encoding import segments
from distillir.encoding.narrow import Stored, narrowed, widened
from distillir.encoding.narrow_segments import narrowed_arrays
from distillir.encoding.sparse_vectors import encode_sparse, encode_words
from distillir.encoding.token_vectors import encode_tokens
from distillir.retrieval.multi_vector import MultiVectorRetriever
from distillir.retrieval.sources import check_source
from distillir.retrieval.sparse import SparseRetriever

FORMS: list[Stored] = ["float16", "int8"]
PLAIN: dict[str, Any] = {"kind": "document", "precision": "float32"}


def size(folder: Path, *names: str) -> int:
    """Numbers in the named arrays of all segments, in bytes."""
    return sum(np.load(file).nbytes for name in names for file in folder.rglob(f"{name}.npy"))


@pytest.mark.parametrize("form", FORMS)
def test_token_vectors_are_the_models_narrowed_and_read_as_float32(
    form: Stored, tiny: Collection, late_model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "ROWS_PER_SEGMENT", 20)
    alone = encode_tokens(late_model, tiny.corpus, cache=tmp_path / "alone", stored=form, **PLAIN)
    whole = encode_tokens(late_model, tiny.corpus, cache=tmp_path / "both", **PLAIN)
    every, some = np.arange(len(tiny.corpus)), np.array([7, 0, 7, 61])
    expected = [widened(*narrowed(np.asarray(vectors), form)) for vectors in whole.of(every)]
    for found in (alone.of(every), [vectors for _, block in alone for vectors in block]):
        assert all(np.array_equal(a, b) and a.dtype == np.float32 for a, b in zip(found, expected, strict=True))
    assert all(np.array_equal(vectors, expected[row]) for vectors, row in zip(alone.of(some), some, strict=True))
    assert np.array_equal(alone.lengths, whole.lengths)
    each = {"float16": 256, "int8": 132}[form]
    assert size(tmp_path / "alone", "vectors", "scales") == each * alone.count
    assert size(tmp_path / "both", "vectors") == 512 * alone.count
    # Where float32 is there it is narrowed, under another key, and nothing is encoded.
    monkeypatch.setattr("distillir.encoding.token_vectors.load_multi_vector", lambda *_, **__: pytest.fail("loaded"))
    for _ in range(2):
        copied = encode_tokens(late_model, tiny.corpus, cache=tmp_path / "both", stored=form, **PLAIN)
        assert all(np.array_equal(a, b) for a, b in zip(copied.of(every), expected, strict=True))
    assert copied.folder.name == alone.folder.name != whole.folder.name
    # What a kill has left half made is made again.
    shutil.rmtree(next(path for path in copied.folder.iterdir() if path.is_dir()))
    (copied.folder / ".half.tmp").mkdir()
    again = encode_tokens(late_model, tiny.corpus, cache=tmp_path / "both", stored=form, **PLAIN)
    assert all(np.array_equal(a, b) for a, b in zip(again.of(every), expected, strict=True))


def test_maxsim_of_float16_moves_by_no_more_than_its_rounding(tiny: Collection, late_model: str) -> None:
    queries = np.arange(len(tiny.queries))
    runs = [
        MultiVectorRetriever(late_model, precision="float32", stored=form).search(tiny, queries, len(tiny.corpus))
        for form in ("float32", "float16", "int8")
    ]
    most = max(map(len, encode_tokens(late_model, tiny.queries, kind="query", precision="float32").of(queries)))
    found = [runs[0].of(place) for place in range(len(queries))]
    plain = [dict(zip(rows.tolist(), scores.tolist(), strict=True)) for rows, scores in found]
    # A number moves by 2^-11 of itself, so that the product of two vectors of length 1 does by 2^-11 at most; int8 by
    # half a scale a number, and a scale is 1 / 127 at most.
    for run, bound in zip(runs[1:], (2.0**-11, 128**0.5 / 254), strict=True):
        for place in range(len(queries)):
            rows, scores = run.of(place)
            moved = np.abs(scores - [plain[place][row] for row in rows.tolist()])
            assert 0 < moved.max() <= most * bound * 1.01


def test_weights_of_words_take_half_the_bytes(
    tiny: Collection, word_model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "ROWS_PER_SEGMENT", 20)
    whole = encode_sparse(word_model, tiny.corpus, cache=tmp_path / "a", **PLAIN)
    half = encode_sparse(word_model, tiny.corpus, cache=tmp_path / "b", stored="float16", **PLAIN)
    assert half.dtype == np.float32 and np.array_equal(half.indices, whole.indices)
    assert np.array_equal(half.data, whole.data.astype(np.float16).astype(np.float32))
    assert size(tmp_path / "a", "words", "values") == 8 * whole.nnz == 2 * size(tmp_path / "b", "words", "values")
    words = encode_words(word_model, tiny.corpus, cache=tmp_path / "b", stored="float16", **PLAIN)
    for row, (own, weights) in zip((3, 60), words.of(np.array([3, 60])), strict=True):
        assert own.dtype == np.int32 and weights.dtype == np.float32
        assert np.array_equal(own, half[row].indices) and np.array_equal(weights, half[row].data)
    queries = np.arange(len(tiny.queries))
    runs = [
        SparseRetriever(word_model, precision="float32", stored=form).search(tiny, queries, 10)
        for form in ("float32", "float16")
    ]
    same = [len(np.intersect1d(a, b)) / max(1, len(a)) for a, b in zip(runs[0].lists, runs[1].lists, strict=True)]
    assert np.mean(same) > 0.97


def test_a_large_vocabulary_keeps_wide_words_and_float16_its_bounds() -> None:
    arrays = {"ends": np.array([2]), "words": np.array([1, 70_000], np.int32), "values": np.ones(2, np.float32)}
    assert narrowed_arrays({**arrays, "width": np.array([70_001])}, "float16")["words"].tolist() == [1, 70_000]
    assert narrowed_arrays({**arrays, "width": np.array([65_536])}, "float16")["words"].dtype == np.uint16
    with pytest.raises(DistillirError, match="float16 ends at 65504"):
        narrowed_arrays({**arrays, "width": np.array([9]), "values": np.array([1, 7e4], np.float32)}, "float16")


def test_forms_that_cannot_be_are_refused() -> None:
    assert check_source({"multi-vector": {"model": "m", "stored": "int8"}})[1]["stored"] == "int8"
    with pytest.raises(DistillirError, match="stored"):
        check_source({"sparse": {"model": "m", "stored": "int8"}})


ENCODER = """
import sys
from pathlib import Path
from distillir.collections import Collection
from distillir.encoding import segments
from distillir.encoding.token_vectors import encode_tokens
segments.ROWS_PER_SEGMENT = 4
corpus = Collection(Path(sys.argv[2])).corpus
encode_tokens(sys.argv[1], corpus, kind="document", precision="float32", cache=Path(sys.argv[3]), stored="float16")
"""


def test_a_kill_loses_a_segment_and_two_processes_fill_one_store(
    tiny: Collection, late_model: str, tmp_path: Path
) -> None:
    whole = encode_tokens(late_model, tiny.corpus, cache=tmp_path / "plain", **PLAIN)
    killed = Apart(late_model, tiny.path, tmp_path / "killed", program=ENCODER)
    kill_once(killed, lambda: len(list((tmp_path / "killed").glob("*/[!.]*"))) >= 2)
    both = in_two(late_model, tiny.path, tmp_path / "two", program=ENCODER)
    assert both.returncode == 0, both.stderr
    every = np.arange(len(tiny.corpus))
    for name in ("killed", "two"):
        found = encode_tokens(late_model, tiny.corpus, cache=tmp_path / name, stored="float16", **PLAIN)
        for one, other in zip(found.of(every), whole.of(every), strict=True):
            np.testing.assert_allclose(one, other, atol=2e-3)
