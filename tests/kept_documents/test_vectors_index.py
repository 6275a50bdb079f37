"""Vectors made elsewhere as the index: what is read of them, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import yaml

from command_line import distillir
from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.students.kept_documents.vectors_index import VectorsIndex
from small_models import few_words

WIDTH = 6


@pytest.fixture
def made(tiny: Collection, tmp_path: Path) -> tuple[Path, Path, dict[str, Any]]:
    """A folder of two .npy files in another order than the corpus, the file of their ids, and vectors by id."""
    draw = np.random.default_rng(0)
    ids = [tiny.corpus.id(row) for row in draw.permutation(len(tiny.corpus)).tolist()]
    vectors = draw.standard_normal((len(ids), WIDTH)).astype(np.float16)
    folder = tmp_path / "vectors"
    folder.mkdir()
    np.save(folder / "part-1.npy", vectors[:20])
    np.save(folder / "part-2.npy", vectors[20:])
    (tmp_path / "ids.txt").write_text("".join(f"{one}\n" for one in ids), encoding="utf-8")
    return folder, tmp_path / "ids.txt", dict(zip(ids, vectors, strict=True))


def _wanted(tiny: Collection, by_id: dict[str, Any], rows: list[int]) -> Any:
    return np.stack([by_id[tiny.corpus.id(row)] for row in rows])


def test_vectors_are_read_by_row_whatever_their_order(
    tiny: Collection, made: tuple[Path, Path, dict[str, Any]]
) -> None:
    folder, ids, by_id = made
    index = VectorsIndex(folder, ids, "dot")
    kept = index.vectors(tiny.corpus)
    assert kept.shape == (62, WIDTH) and index.width == WIDTH
    rows = [5, 61, 0, 5]
    np.testing.assert_array_equal(kept[np.array(rows)], _wanted(tiny, by_id, rows))
    np.testing.assert_array_equal(kept[10:40], _wanted(tiny, by_id, list(range(10, 40))))
    assert all(isinstance(part, np.memmap) for part in kept.parts)


def test_parquet_with_ids_of_its_own(tiny: Collection, made: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    _, _, by_id = made
    table = pa.table({"_id": list(by_id), "embedding": [value.astype(np.float32).tolist() for value in by_id.values()]})
    parquet.write_table(table, tmp_path / "all.parquet", row_group_size=25)
    kept = VectorsIndex(tmp_path / "all.parquet", None, "cosine").vectors(tiny.corpus)
    np.testing.assert_allclose(kept[np.arange(62)], _wanted(tiny, by_id, list(range(62))))


def test_what_changes_changes_the_fingerprint(made: tuple[Path, Path, dict[str, Any]]) -> None:
    folder, ids, _ = made
    before = VectorsIndex(folder, ids, "cosine").fingerprint
    assert VectorsIndex(folder, ids, "dot").fingerprint != before
    np.save(folder / "part-2.npy", np.load(folder / "part-2.npy") * np.float16(2))
    assert VectorsIndex(folder, ids, "cosine").fingerprint != before


def _unknown(folder: Path, ids: Path) -> None:
    ids.write_text(ids.read_text().replace("bee-wax\n", "wasp-wax\n"))


def _short(folder: Path, ids: Path) -> None:
    ids.write_text("".join(ids.read_text().splitlines(keepends=True)[:-1]))


def _missing(folder: Path, ids: Path) -> None:
    _short(folder, ids)
    np.save(folder / "part-2.npy", np.load(folder / "part-2.npy")[:-1])


def _twice(folder: Path, ids: Path) -> None:
    ids.write_text(ids.read_text().replace("bee-wax\n", "bee-dance\n"))


def _nan(folder: Path, ids: Path) -> None:
    vectors = np.load(folder / "part-1.npy")
    vectors[3, 1] = np.nan
    np.save(folder / "part-1.npy", vectors)


def _wide(folder: Path, ids: Path) -> None:
    np.save(folder / "part-2.npy", np.zeros((42, WIDTH + 1), dtype=np.float16))


def _whole_numbers(folder: Path, ids: Path) -> None:
    np.save(folder / "part-2.npy", np.zeros((42, WIDTH), dtype=np.int64))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_unknown, "1 of 62 ids are not in the collection, for example 'wasp-wax'"),
        (_short, "61 ids for 62 vectors"),
        (_missing, "1 of 62 documents have no vector, for example"),
        (_twice, "the id 'bee-dance' stands twice"),
        (_nan, "is not finite"),
        (_wide, "part-2.npy: vectors have 7 numbers, and those of part-1.npy 6"),
        (_whole_numbers, "holds int64 of shape (42, 6)"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(
    spoil: Any, said: str, tiny: Collection, made: tuple[Path, Path, dict[str, Any]]
) -> None:
    folder, ids, _ = made
    spoil(folder, ids)
    with pytest.raises(DistillirError) as told:
        VectorsIndex(folder, ids, "cosine").vectors(tiny.corpus)
    assert said in str(told.value) and "\n" not in str(told.value)


def test_files_that_are_not_there(tmp_path: Path, made: tuple[Path, Path, dict[str, Any]]) -> None:
    folder, ids, _ = made
    for vectors, given, said in (
        (tmp_path / "nowhere", ids, "no such file of vectors"),
        (folder, None, "whose vectors these are is not said"),
        (folder, tmp_path / "none.txt", "no such file"),
    ):
        with pytest.raises(DistillirError, match=said):
            VectorsIndex(vectors, given, "cosine")


def test_a_dry_run_refuses_what_a_run_refuses(tiny_beir: Path, tmp_path: Path, made: tuple[Path, Path, Any]) -> None:
    folder, ids, _ = made
    _nan(folder, ids)
    documents = {"vectors": str(folder), "ids": str(ids)}
    value = {
        "collection": str(tiny_beir),
        "teacher": "bm25",
        "candidates": {"from": "bm25", "depth": 6},
        "student": {"model": few_words(), "documents": documents},
    }
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(value), encoding="utf-8")
    planned = distillir("run", recipe, "--dry-run", "-o", tmp_path / "run")
    assert planned.returncode == 2 and "is not finite" in planned.stderr, planned.stderr
