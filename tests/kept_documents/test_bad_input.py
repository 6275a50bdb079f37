"""Kept documents that do not fit: a line at the dry run, and the same at the run, before anything is made."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from kept_recipes import KINDS, kept_models, kept_recipe  # noqa: F401 - a fixture
from safetensors.numpy import load_file, save_file

from command_line import Done, run_recipe
from distillir.collections import Collection

WIDTH = 16


def _line(done: Done) -> str:
    """The one line of a refusal."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("distillir: ")]
    assert done.returncode == 2 and len(lines) == 1, done.stderr
    return lines[0]


def _refused_twice(recipe: dict[str, Any], folder: Path, said: str) -> None:
    planned, done = run_recipe(recipe, folder, "--dry-run"), run_recipe(recipe, folder)
    assert said in _line(planned) and _line(planned) == _line(done)
    assert not (folder / "run").exists()


class Files:
    """Vectors made elsewhere, as files that a test may spoil: two .npy files and their ids."""

    def __init__(self, folder: Path, corpus: Any, vectors: npt.NDArray[Any]) -> None:
        self.vectors, self.ids, self.values = folder / "vectors", folder / "ids.txt", vectors
        self.named = corpus.ids()
        self.vectors.mkdir()
        self.write(vectors)
        self.write_ids(self.named)

    def write(self, values: npt.NDArray[Any]) -> None:
        np.save(self.vectors / "part-1.npy", values[:20])
        np.save(self.vectors / "part-2.npy", values[20:])

    def write_ids(self, ids: list[str]) -> None:
        self.ids.write_text("".join(f"{one}\n" for one in ids), encoding="utf-8")

    def write_all(self, ids: list[str], values: npt.NDArray[Any]) -> None:
        self.write_ids(ids)
        self.write(values)

    def as_table(self, vectors: Any, **columns: Any) -> None:
        """One parquet file in the place of the two."""
        for file in self.vectors.iterdir():
            file.unlink()
        parquet.write_table(pa.table({"id": self.named, "vector": vectors, **columns}), self.vectors / "all.parquet")

    def replace(self, name: str) -> Path:
        """The folder with one file, of some name, in it."""
        shutil.rmtree(self.vectors)
        self.vectors.mkdir()
        return self.vectors / name


def _with(change: Callable[[npt.NDArray[Any]], Any]) -> Callable[[Files], None]:
    def spoil(files: Files) -> None:
        values = files.values.copy()
        found = change(values)
        files.write(values if found is None else found)

    return spoil


def _set(place: tuple[int, int], value: float) -> Callable[[npt.NDArray[Any]], None]:
    def change(values: npt.NDArray[Any]) -> None:
        values[place] = value

    return change


def _table(change: Callable[[list[Any]], None]) -> Callable[[Files], None]:
    def spoil(files: Files) -> None:
        rows = files.values.tolist()
        change(rows)
        files.as_table(pa.array(rows, type=pa.list_(pa.float32())))

    return spoil


def _uneven(rows: list[Any]) -> None:
    rows[3], rows[4] = rows[3][:-1], [*rows[4], 1.0]  # as many numbers in all as there should be


def _null(rows: list[Any]) -> None:
    rows[3] = None


def _not_a_number(rows: list[Any]) -> None:
    rows[3][2] = float("nan")


def _nameless(files: Files) -> None:
    rows = pa.array(files.values.tolist(), type=pa.list_(pa.float32()))
    file = files.replace("all.parquet")
    parquet.write_table(pa.table({"vector": rows, "place": list(range(62))}), file)


def _other_width(files: Files) -> None:
    np.save(files.vectors / "part-2.npy", np.zeros((42, WIDTH + 1), dtype=np.float32))


#: What is done to the files, and the line; whether ids stand in a file.
FILES: dict[str, tuple[Callable[[Files], object], str, bool]] = {
    "width of a file": (_other_width, "part-2.npy: vectors have 17 numbers, and those of part-1.npy 16", True),
    "no numbers": (_with(lambda values: values[:, :0]), "holds vectors without a number", True),
    "not in the collection": (lambda f: f.write_ids(["x", *f.named[1:]]), "1 of 62 ids are not in the", True),
    "twice": (lambda f: f.write_ids([f.named[1], *f.named[1:]]), "stands twice; keep one vector of it", True),
    "missing": (lambda f: f.write_all(f.named[1:], f.values[1:]), "1 of 62 documents have no vector", True),
    "fewer ids": (lambda f: f.write_ids(f.named[1:]), "61 ids for 62 vectors", True),
    "no ids": (lambda f: None, "whose vectors these are is not said; name a file of ids", False),
    "ids of another encoding": (lambda f: f.ids.write_bytes("bée\n".encode("latin-1")), "is no text in UTF-8", True),
    "nan": (_with(_set((3, 1), np.nan)), "is not finite; make it anew", True),
    "inf": (_with(_set((61, 0), -np.inf)), "is not finite; make it anew", True),
    "float64": (_with(lambda values: values.astype(np.float64)), "holds float64 of shape (20, 16)", True),
    "whole numbers": (_with(lambda values: values.astype(np.int8)), "holds int8 of shape (20, 16)", True),
    "damaged": (lambda f: (f.vectors / "part-1.npy").write_bytes(b"\x93NUMPY\x01"), "part-1.npy: cannot be read", True),
    "empty folder": (lambda f: f.replace("x"), "has no .npy or .parquet file; check the path", True),
    "no vector": (lambda f: f.write_all([], f.values[:0]), "62 of 62 documents have no vector", True),
    "LanceDB": (lambda f: f.replace("table.lance").mkdir(), "is of LanceDB, and has no .npy or .parquet file", True),
    "uneven lists": (_table(_uneven), "vectors of vector have no one width", False),
    "a list that is null": (_table(_null), "vectors of vector have no one width", False),
    "nan in a list": (_table(_not_a_number), "is not finite; make it anew", False),
    "no column of ids": (_nameless, "has no column of ids", False),
    "damaged table": (lambda f: f.replace("a.parquet").write_bytes(b"PAR1"), "a.parquet: cannot be read", False),
}  # fmt: skip


@pytest.fixture
def files(tiny: Collection, tmp_path: Path) -> Files:
    drawn = np.random.default_rng(0).standard_normal((62, WIDTH)).astype(np.float32)
    return Files(tmp_path, tiny.corpus, drawn)


def _elsewhere(collection: Path, model: str, files: Files, *, ids: bool = True, **documents: Any) -> dict[str, Any]:
    """A recipe with vectors made elsewhere."""
    recipe = kept_recipe(collection, "dense", model)
    named = {"vectors": str(files.vectors), **({"ids": str(files.ids)} if ids else {})}
    recipe["student"] |= {"documents": named | documents}
    return recipe | {"teacher": "bm25", "candidates": {"from": "bm25", "depth": 8}}


@pytest.mark.parametrize("row", FILES)
def test_files_that_do_not_fit(
    row: str, files: Files, tiny_beir: Path, kept_models: dict[str, str], tmp_path: Path
) -> None:
    spoil, said, ids = FILES[row]
    spoil(files)
    _refused_twice(_elsewhere(tiny_beir, kept_models["dense"], files, ids=ids), tmp_path, said)


def test_a_folder_that_changes_between_dry_run_and_run(
    files: Files, tiny_beir: Path, narrow_model: str, tmp_path: Path
) -> None:
    recipe = _elsewhere(tiny_beir, narrow_model, files, projection="none")
    recipe["student"] |= {"layers": None}
    assert run_recipe(recipe, tmp_path, "--dry-run").returncode == 0
    files.write(files.values[:-1])
    assert "62 ids for 61 vectors" in _line(run_recipe(recipe, tmp_path))
    files.write(files.values.astype(np.float16))  # another form, and whole: what is there now is taken
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 0, done.stderr
    files.write(-files.values)
    for flags in (["--dry-run"], []):
        assert "other kept vectors of vectors than when it was made" in _line(run_recipe(recipe, tmp_path, *flags))


def test_half_the_numbers_and_a_vector_of_zeros(
    files: Files, tiny_beir: Path, narrow_model: str, tiny: Collection, tmp_path: Path
) -> None:
    """float16 files are searched as they are; a vector of zeros has the cosine 0 with everything."""
    from sentence_transformers import SentenceTransformer

    from distillir.retrieval.trec import read_run

    values = files.values.astype(np.float16)
    values[5] = 0
    files.write(values)
    recipe = _elsewhere(tiny_beir, narrow_model, files, projection="none")
    recipe["student"] |= {"layers": None}
    recipe["evaluation"] |= {"depth": 62}
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 0, done.stderr
    after = read_run(tmp_path / "run" / "runs" / "after.trec", tiny)
    rows, scores = after.of(0)
    model = SentenceTransformer(str(tmp_path / "run" / "student"), device="cpu")
    asked = model.encode_query(tiny.queries.text(int(after.queries[0])))
    kept = values.astype(np.float32)
    lengths = np.linalg.norm(kept, axis=1) * np.linalg.norm(asked)
    wanted = kept @ asked / np.maximum(lengths, 1e-12)
    np.testing.assert_allclose(scores, wanted[rows], atol=1e-5)
    assert scores[rows.tolist().index(5)] == 0


def _documents(kind: str, model: str, **more: Any) -> dict[str, Any]:
    return {kind: {"model": model}, **more}


@pytest.mark.parametrize("kind", KINDS)
def test_models_that_do_not_fit(
    kind: str,
    tiny_beir: Path,
    kept_models: dict[str, str],
    narrow_model: str,
    mlm_path: str,
    tmp_path: Path,
) -> None:
    recipe = kept_recipe(tiny_beir, kind, kept_models[kind]) | {"teacher": "bm25"}
    recipe["candidates"] = {"from": "bm25", "depth": 8}
    (tmp_path / "empty").mkdir()
    named = {"model": kept_models[kind], "prompts": {"document": {"name": "passage"}}}
    others = {
        "dense": (kept_models["multi-vector"], "late: is a multi-vector model"),
        "multi-vector": (kept_models["dense"], "base: is a dense model"),
        "sparse": (kept_models["dense"], "base: has no masked-LM head"),
    }
    rows: list[tuple[dict[str, Any], str]] = [
        (_documents(kind, str(tmp_path / "empty")), "empty: is a folder without a model"),
        (_documents(kind, others[kind][0]), others[kind][1]),
        ({kind: named}, "passage"),
    ]
    if kind == "dense":
        rows.append((_documents(kind, narrow_model, projection="none"), "have 384 numbers, and those of model 16"))
    if kind == "sparse":
        rows.append((_documents(kind, mlm_path), "has other words than model"))
    for number, (documents, said) in enumerate(rows):
        recipe["student"]["documents"] = documents
        _refused_twice(recipe, tmp_path / str(number), said)


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_of_other_weights_are_refused_by_their_fingerprint(
    kind: str, tiny_beir: Path, kept_models: dict[str, str], tmp_path: Path
) -> None:
    model = tmp_path / "documents"
    shutil.copytree(kept_models[kind], model)
    recipe = kept_recipe(tiny_beir, kind, kept_models[kind])
    recipe["student"]["documents"] = _documents(kind, str(model))
    done = run_recipe(recipe, tmp_path)
    assert done.returncode == 0, done.stderr
    file = next(file for file in sorted(model.glob("**/*.safetensors")) if "Dense" not in str(file))
    save_file({name: own * 1.01 for name, own in load_file(file).items()}, file, {"format": "pt"})
    for flags in (["--dry-run"], []):
        assert "other kept vectors of documents than when it was made" in _line(run_recipe(recipe, tmp_path, *flags))


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_gives_no_numbers(kind: str, tiny_beir: Path, kept_models: dict[str, str], tmp_path: Path) -> None:
    """What only encoding shows is told by the run."""
    model = tmp_path / "documents"
    shutil.copytree(kept_models[kind], model)
    file = next(file for file in sorted(model.glob("**/*.safetensors")) if "Dense" not in str(file))
    save_file({name: own * np.float32(np.nan) for name, own in load_file(file).items()}, file, {"format": "pt"})
    recipe = kept_recipe(tiny_beir, kind, kept_models[kind]) | {"teacher": "bm25"}
    recipe |= {"candidates": {"from": "bm25", "depth": 8}}
    recipe["student"]["documents"] = _documents(kind, str(model))
    said = _line(run_recipe(recipe, tmp_path))
    assert "not finite" in said, said


def test_a_documents_model_without_the_prompts_of_its_family_is_told(
    tiny_beir: Path, kept_models: dict[str, str], tmp_path: Path
) -> None:
    model = tmp_path / "e5-tiny"
    shutil.copytree(kept_models["dense"], model)
    recipe = kept_recipe(tiny_beir, "dense", kept_models["dense"]) | {"teacher": "bm25"}
    recipe |= {"candidates": {"from": "bm25", "depth": 8}}
    recipe["student"]["documents"] = _documents("dense", str(model))
    said = "student.documents.dense: models like"
    planned, done = run_recipe(recipe, tmp_path, "--dry-run"), run_recipe(recipe, tmp_path)
    assert planned.returncode == done.returncode == 0, done.stderr
    assert said in planned.stderr and said in done.stderr and 'document: "passage: "' in done.stderr
    recipe["student"]["documents"]["dense"]["prompts"] = {"query": "query: ", "document": "passage: "}
    given = run_recipe(recipe, tmp_path / "given", "--dry-run")
    assert said not in given.stderr and "encodes queries with 'query: ' and documents with 'passage: '" in given.stderr
