"""Pruned search against adding up all postings: the same documents, the same float32 scores, to the bit."""

from pathlib import Path

import bm25s
import numpy as np
import pytest
from small_collection import make

from command_line import in_two
from distillir.collections import Collection
from distillir.collections.run import Run
from distillir.retrieval import bm25_bounds, bm25_kernel, bm25_search
from distillir.retrieval.bm25 import BM25Index
from distillir.retrieval.bm25_settings import BM25Settings
from distillir.retrieval.bm25_words import token_ids
from distillir.retrieval.sources import load_retriever


def texts(seed: int, documents: int, words: int, longest: int) -> list[str]:
    """Texts of words by Zipf's law; short ones of few words tie often."""
    draw = np.random.default_rng(seed)
    chances = 1 / np.arange(1, words + 1)
    lengths = draw.integers(1, longest + 1, documents)
    drawn = draw.choice(words, lengths.sum(), p=chances / chances.sum())
    return [" ".join(f"w{word}" for word in part) for part in np.split(drawn, np.cumsum(lengths)[:-1])]


def zipf(folder: Path, seed: int, documents: int, words: int, longest: int) -> Collection:
    asked = texts(seed + 1, 40, words, 12)
    return make(
        folder,
        texts(seed, documents, words, longest),
        [*asked, "?!", "the of", "w0 w0 w0", "w1 w0 w1 w2 w1", "nowhere w3 absent", f"w{words - 1}"],
    )


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bm25_search, "SMALL", 0)


def both(index: BM25Index, depth: int) -> tuple[Run, Run]:
    """Runs of all queries by the index as it is, and by adding up all postings."""
    rows = np.arange(len(index.collection.queries))
    found = index.search(rows, depth)
    index._search, pruned = bm25_search.FullSearch(index._index), index._search
    every = index.search(rows, depth)
    index._search = pruned
    return found, every


def same(found: Run, every: Run) -> None:
    for name in ("queries", "offsets", "documents", "scores"):
        one, other = getattr(found, name), getattr(every, name)
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes(), name


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize(
    ("documents", "words", "longest", "options"),
    [
        (1, 5, 4, {}),
        (300, 8, 3, {}),  # ties everywhere
        (3000, 2000, 40, {"k1": 1.5, "b": 0.75}),
        (40_000, 500, 6, {"k1": 0.0}),  # more than a window; scores are those of words alone
        (40_000, 5000, 8, {}),
    ],
)
def test_pruned_search_is_the_full_one_to_the_bit(
    tmp_path: Path, documents: int, words: int, longest: int, options: dict[str, float]
) -> None:
    collection = zipf(tmp_path / "c", documents, documents, words, longest)
    index = BM25Index.build_or_load(collection, cache=tmp_path / "i", **options)  # type: ignore[arg-type]
    assert isinstance(index._search, bm25_search.PrunedSearch)
    for depth in (1, 7, 100, 1000, documents + 5):
        found, every = both(index, depth)
        same(found, every)
    text = collection.queries.text(3)
    (rows, scores), (rows_of_run, scores_of_run) = index.search_text(text, 7), index.search(np.array([3]), 7).of(0)
    assert rows.tobytes() == rows_of_run.tobytes()
    assert scores.tobytes() == scores_of_run.tobytes()


@pytest.mark.usefixtures("compiled")
def test_threads_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = BM25Index.build_or_load(zipf(tmp_path / "c", 5, 2000, 300, 20), cache=tmp_path / "i")
    runs = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(bm25_search, "allowed_threads", lambda threads=threads: threads)
        runs.append(index.search(np.arange(46), 20))
    same(runs[0], runs[1])
    same(runs[0], runs[2])


def test_the_machine_code_is_the_python_that_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: None
) -> None:
    index = BM25Index.build_or_load(zipf(tmp_path / "c", 9, 200, 30, 8), cache=tmp_path / "i")
    before = index.search(np.arange(46), 5)
    for name in (
        "posting_at_or_after",
        "_sort",
        "_below",
        "_sift_down",
        "_push",
        "_raise_bar",
        "_still",
        "_listed",
        "best_of",
        "bounds",
    ):
        monkeypatch.setattr(bm25_kernel, name, getattr(bm25_kernel, name).py_func)
    monkeypatch.setattr(bm25_kernel, "WINDOW", 64)
    monkeypatch.setattr(bm25_kernel, "LOOKED_UP", 1)
    (index_folder,) = (tmp_path / "i").iterdir()
    (index_folder / bm25_bounds.BOUNDS_FILE).unlink()
    again = BM25Index.build_or_load(index.collection, cache=tmp_path / "i")
    same(again.search(np.arange(46), 5), before)


def test_an_index_without_bounds_gets_them_and_stays_bm25s_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    collection = zipf(tmp_path / "c", 3, 500, 60, 12)
    BM25Index.build_or_load(collection, cache=tmp_path / "i")
    (folder,) = (tmp_path / "i").iterdir()
    path = folder / bm25_bounds.BOUNDS_FILE
    assert not path.exists()
    monkeypatch.setattr(bm25_search, "SMALL", 0)
    capsys.readouterr()
    same(*both(BM25Index.build_or_load(collection, cache=tmp_path / "i"), 10))
    whole = path.read_bytes()
    bm25s.BM25.load(folder, mmap=True)
    assert capsys.readouterr().err == ""
    # Damaged, cut, and of another index: made anew, with a line.
    other = make(tmp_path / "other", texts(4, 500, 60, 12), ["w1"])
    BM25Index.build_or_load(other, cache=tmp_path / "o")
    foreign = next((tmp_path / "o").iterdir()) / bm25_bounds.BOUNDS_FILE
    damaged = bytearray(whole)
    damaged[-len(whole) // 2] ^= 255
    for content, said in [
        (bytes(damaged), "cannot be read"),
        (whole[:100], "cannot be read"),
        (foreign.read_bytes(), "of another index"),
    ]:
        path.write_bytes(content)
        same(*both(BM25Index.build_or_load(collection, cache=tmp_path / "i"), 10))
        assert said in " ".join(capsys.readouterr().err.split())
        assert path.read_bytes() == whole


def test_without_numba_all_postings_are_added_up_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bm25_search, "SMALL", 0)
    monkeypatch.setattr(bm25_search, "find_spec", lambda _: None)
    index = BM25Index.build_or_load(zipf(tmp_path / "c", 3, 50, 60, 12), cache=tmp_path / "i")
    assert isinstance(index._search, bm25_search.FullSearch)
    assert "distillir[scale]" in capsys.readouterr().err


def test_bounds_are_what_sorting_gives() -> None:
    draw = np.random.default_rng(0)
    sizes = np.array([0, 1, 9, 10, 1000, 1500])
    data = draw.random(sizes.sum()).astype(np.float32)
    pointers = np.concatenate([[0], np.cumsum(sizes)])
    data.flags.writeable = pointers.flags.writeable = False  # as in an index; else it is compiled once more
    found = np.empty((len(bm25_bounds.LEVELS), len(sizes)), dtype=np.float32)
    bm25_kernel.bounds(data, pointers, bm25_bounds.LEVELS, found)
    for term, part in enumerate(np.split(data, pointers[1:-1])):
        ordered = np.sort(part)[::-1]
        assert found[:, term].tolist() == [ordered[n - 1] if n <= len(part) else 0 for n in bm25_bounds.LEVELS]


@pytest.mark.parametrize("settings", [{}, {"stemmer": "english"}, {"stopwords": "tr"}, {"identifiers": True}])
def test_tokens_of_a_batch_are_those_of_bm25s(settings: dict[str, str]) -> None:
    batches = [
        ["The quick_brown fox's 2nd a b", "", "  ", "x", "read_line HTTPServer2 running RUNS\tran\nsitting"],
        ["Straße daß ΣΊΣΥΦΟΣ I ISIR İzmir", "修理水壶 USB接口", "केतली की मरम्मत क", "a ſ K x-y é", "ซ่อมกาน้ำ", "the and"],
        [*texts(0, 200, 50, 9)[5:], "fox" * 400, "naïve café the", "_ __ 1 12"],
    ]
    one, other = (BM25Settings(**settings).tokenizer() for _ in range(2))  # type: ignore[arg-type]
    for batch in batches:
        sizes, tokens = token_ids(batch, one)
        expected = list(other.streaming_tokenize(batch, update_vocab=True, allow_empty=False))
        assert sizes.tolist() == [len(ids) for ids in expected]
        assert tokens.tolist() == [i for ids in expected for i in ids]
    assert list(one.get_vocab_dict().items()) == list(other.get_vocab_dict().items())


_TWO = """
import sys
from pathlib import Path
import numpy as np
from distillir.collections import Collection
from distillir.retrieval.sources import load_retriever
from distillir.retrieval.shared_search import searching_together
from distillir.base.processes import rank
from distillir.retrieval import bm25
from distillir.retrieval.bm25 import BM25Index

asked, built = [], []
build = bm25.build_index
bm25.build_index = lambda *given: built.append(1) or build(*given)
search = BM25Index.search
BM25Index.search = lambda self, rows, *rest: asked.append(len(rows)) or search(self, rows, *rest)
collection = Collection(Path(sys.argv[1]))
with searching_together():
    run = load_retriever("bm25").search(collection, np.arange(len(collection.queries))[::-1].copy(), 20)
assert asked == [23]
print("built" if built else "waited")
np.savez(Path(sys.argv[2]) / f"{rank()}.npz", queries=run.queries, offsets=run.offsets, documents=run.documents,
    scores=run.scores)
"""


def test_two_processes_share_the_queries_and_find_what_one_finds(tmp_path: Path) -> None:
    collection = zipf(tmp_path / "c", 6, 400, 60, 12)
    cache = tmp_path / "cache"
    done = in_two(collection.path, tmp_path, program=_TWO, DISTILLIR_CACHE=str(cache))
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == ["built", "waited"]
    assert [path.name for path in (cache / "bm25").iterdir() if path.suffix == ".lock"] == []
    alone = load_retriever("bm25").search(collection, np.arange(46)[::-1].copy(), 20)
    for process in range(2):
        with np.load(tmp_path / f"{process}.npz") as stored:
            same(Run(stored["queries"], stored["offsets"], stored["documents"], stored["scores"]), alone)
    assert list((cache / "searches").iterdir()) == []
