"""TREC files: what is written reads back, whatever the ids; what is wrong is named by line."""

import gzip
import json
from itertools import pairwise
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distillir.base.errors import DistillirError
from distillir.collections import Collection, load_collection
from distillir.collections.joined import with_documents
from distillir.collections.run import Run, from_lists
from distillir.collections.trec_ids import decode_id, encode_id
from distillir.retrieval import trec, trec_blocks, trec_lines
from distillir.retrieval.trec import read_run, write_run

ODD = ["a b", "a%20b", "50%", "x/y\\z", "-dash", "東京", "tab\tnew\x85", "no\u00a0break"]


@pytest.fixture
def odd(tmp_path: Path) -> Collection:
    """A collection all of whose ids are odd."""
    (tmp_path / "beir" / "qrels").mkdir(parents=True)
    for kind in ("corpus", "queries"):
        rows = [json.dumps({"_id": f"{i}", "text": f"the text of {kind} number {n}"}) for n, i in enumerate(ODD)]
        (tmp_path / "beir" / f"{kind}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "beir" / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n-dash\t-dash\t1\n")
    return load_collection(tmp_path / "beir", cache=tmp_path / "cache")


def some_run(collection: Collection, seed: int = 0) -> Run:
    rng = np.random.default_rng(seed)
    size = len(collection.corpus)
    documents = [rng.permutation(size) for _ in range(len(collection.queries))]
    # Neighbouring float32 numbers: fewer digits would lose the order.
    start = np.float32(0.7)
    scores = [np.float32(start) - np.arange(size, dtype=np.float32) * np.spacing(start) for _ in documents]
    return from_lists(rng.permutation(len(collection.queries)), documents, scores, "odd name 100%")


def same(a: Run, b: Run) -> bool:
    fields = ("queries", "offsets", "documents", "scores")
    return a.name == b.name and all(np.array_equal(getattr(a, f), getattr(b, f)) for f in fields)


@pytest.mark.parametrize("file", ["run.trec", "run.trec.gz"])
def test_odd_ids_and_near_scores_round_trip(odd: Collection, tmp_path: Path, file: str) -> None:
    run = some_run(odd)
    write_run(run, odd, tmp_path / file)
    written = (tmp_path / file).read_bytes()
    assert (gzip.decompress(written) if file.endswith(".gz") else written) == line_by_line(run, odd)
    assert same(read_run(tmp_path / file, odd), run)


def line_by_line(run: Run, collection: Collection) -> bytes:
    """A run as its form is told, each line by itself."""
    lines = []
    for place, query in enumerate(run.queries):
        for rank, (document, score) in enumerate(zip(*run.of(place), strict=True), start=1):
            ids = encode_id(collection.queries.id(int(query))), encode_id(collection.corpus.id(int(document)))
            lines.append(f"{ids[0]} Q0 {ids[1]} {rank} {score!s} {encode_id(run.name)}\n")
    return "".join(lines).encode()


_FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
_NUMBERS = st.one_of(_FLOATS, st.integers(-(10**7), 10**7).map(float), st.sampled_from([1e-4, 2e-4, 1e6, -0.0, 1e-40]))


@settings(max_examples=40)
@given(scores=st.lists(st.lists(_NUMBERS, max_size=8), max_size=8), lines=st.integers(1, 9), joined=st.booleans())
def test_files_are_those_of_a_line_at_a_time(
    tiny: Collection, tmp_path_factory: pytest.TempPathFactory, scores: list[list[float]], lines: int, joined: bool
) -> None:
    collection = with_documents(tiny, tiny.queries) if joined else tiny
    rng = np.random.default_rng(len(scores))
    documents = [rng.permutation(len(collection.corpus))[: len(some)] for some in scores]
    run = from_lists(rng.permutation(8)[: len(scores)], documents, [np.array(some, np.float32) for some in scores])
    file = tmp_path_factory.mktemp("run") / "run.trec"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trec_lines, "LINES", lines)
        patch.setattr(trec, "_SORTED_AT_ONCE", lines)
        write_run(run, collection, file)
        assert file.read_bytes() == line_by_line(run, collection)
        if not joined:  # texts under ids that are queries' would be found by the same ids
            full = run.select(run.queries[np.diff(run.offsets) > 0].tolist())
            assert same(read_run(file, collection), full)


def test_scores_are_written_as_numpy_writes_them() -> None:
    rng = np.random.default_rng(5)
    bits = rng.integers(0, 1 << 32, 20_000, dtype=np.uint32).view(np.float32)
    powers = np.float32(2.0) ** np.arange(-30, 60, dtype=np.float32)
    near = [np.nextafter(powers, np.float32(0)), powers, -np.nextafter(powers, np.float32(np.inf))]
    scores = np.concatenate([bits[np.isfinite(bits)], *near, rng.random(20_000, np.float32) * np.float32(40)])
    assert trec_lines.score_column(scores).to_pylist() == [str(score) for score in scores]


def test_every_line_has_six_columns_for_any_reader(odd: Collection, tmp_path: Path) -> None:
    run = some_run(odd)
    write_run(run, odd, tmp_path / "run.trec")
    lines = (tmp_path / "run.trec").read_text(encoding="utf-8").split("\n")[:-1]
    assert len(lines) == len(odd.queries) * len(odd.corpus)
    assert all(len(line.split()) == 6 for line in lines)
    read = list(ir_measures.read_trec_run(str(tmp_path / "run.trec")))
    assert np.array_equal(np.array([r.score for r in read], dtype=np.float32), run.scores)
    assert all(a.score > b.score for a, b in pairwise(read) if a.query_id == b.query_id)
    assert [decode_id(r.doc_id) for r in read] == odd.corpus.ids(run.documents)


def test_only_whitespace_and_percent_are_encoded() -> None:
    assert [encode_id(i) for i in ODD] == [
        "a%20b",
        "a%2520b",
        "50%25",
        "x/y\\z",
        "-dash",
        "東京",
        "tab%09new%C2%85",
        "no%C2%A0break",
    ]
    assert [decode_id(encode_id(i)) for i in ODD] == ODD


def test_files_of_tools_that_do_not_encode_are_read(odd: Collection, tmp_path: Path) -> None:
    file = tmp_path / "foreign.trec"
    file.write_text("-dash Q0 50% 1 2.5 other\n\n-dash\tQ0\t東京\t2\t3.5\tother\r\n", encoding="utf-8")
    run = read_run(file, odd)
    assert run.name == "other"
    assert odd.corpus.ids(run.documents) == ["東京", "50%"], "order is by score, not by line or rank"


def test_interleaved_queries_and_ties_keep_the_order_of_the_file(tiny: Collection, tmp_path: Path) -> None:
    file = tmp_path / "mixed.trec"
    file.write_text("q2 Q0 insulin 1 1 r\nq1 Q0 fog 1 5 r\nq2 Q0 aspirin 2 1 r\nq1 Q0 chili 2 7 r\n")
    run = read_run(file, tiny)
    assert tiny.queries.ids(run.queries) == ["q2", "q1"]
    assert tiny.corpus.ids(run.documents) == ["insulin", "aspirin", "chili", "fog"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("q1 Q0 fog 1 0.5", "5 columns where 6 are expected"),
        ("q1 Q0 bread sourdough 1 0.5 r", "7 columns"),
        ("nobody Q0 fog 1 0.5 r", "unknown query id 'nobody'"),
        ("q1 Q0 nothing 1 0.5 r", "unknown document id 'nothing'"),
        ("q1 Q0 fog 1 nan r", "score 'nan' is no finite number"),
        ("q1 Q0 fog 1 -inf r", "no finite number"),
        ("q1 Q0 fog 1 1e39 r", "score '1e39' is no finite number"),
        ("q1 Q0 fog 1 high r", "score 'high'"),
        ("q1 Q0 insulin 9 0.1 r", "document 'insulin' stands twice for query 'q1' (first on line 1)"),
    ],
)
def test_bad_lines_are_named(tiny: Collection, tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "bad.trec"
    file.write_text(f"q1 Q0 insulin 1 0.9 r\nq2 Q0 insulin 1 0.9 r\n{line}\n", encoding="utf-8")
    with pytest.raises(DistillirError) as caught:
        read_run(file, tiny)
    assert str(caught.value).startswith(f"{file}:3: ")
    assert message in str(caught.value)


def test_empty_file_and_truncated_gzip(tiny: Collection, tmp_path: Path) -> None:
    (tmp_path / "empty.trec").touch()
    assert len(read_run(tmp_path / "empty.trec", tiny)) == 0
    whole = gzip.compress(b"q1 Q0 insulin 1 0.9 r\n" * 1000)
    (tmp_path / "cut.trec.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DistillirError, match="cannot be read"):
        read_run(tmp_path / "cut.trec.gz", tiny)


def test_a_run_that_cannot_be_written_leaves_the_old_file(tiny: Collection, tmp_path: Path) -> None:
    file = tmp_path / "run.trec"
    good = from_lists([0], [np.array([1])], [np.array([1.0], dtype=np.float32)])
    write_run(good, tiny, file)
    before = file.read_bytes()
    bad = from_lists([0, 1], [np.array([1])] * 2, [np.array([s], dtype=np.float32) for s in (1.0, np.nan)])
    with pytest.raises(DistillirError, match="not finite"):
        write_run(bad, tiny, file)
    assert file.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["run.trec"]


PLAIN = [f"q{1 + n % 3} Q0 {d} {n} {1 / (n + 1)!r} r" for n, d in enumerate(["fog", "insulin", "chili", "aspirin"] * 3)]


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("q9 Q0 fog 1 0.5 r", True),
        ("q9 Q0 f%6Fg 1 -1e-30 r", True),
        ("q9 Q0 fog 1 1_0 r", False),
        ("q9 Q0 fog 1 +1.5 r", True),
        ("q9 Q0 fog 1 0.5 r\r", False),
        ("q9\tQ0 fog 1 0.5 r", False),
        (" q9 Q0 fog  1 0.5 r ", False),
        ("  ", False),
        ("", True),
        ('q9 "Q0 fog 1" 0.5 r', True),
        ("q9 Q0\u00a0 fog 1 0.5", False),
        ("q9 Q0 fog 1 0.5 ", False),
        ("q9 Q0 fog 1 nan r", False),
        ("q9 Q0 fog 1  r", False),
        ("q9 Q0 nothing 1 1 r", False),
        ("q1 Q0 fog 1 0.5 r", True),
        ("q9 Q0 \ufffd\x0c 1 0.5 r", False),
    ],
)
def test_a_file_in_columns_reads_as_line_by_line(
    tiny: Collection, tmp_path: Path, line: str, plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a file is of the plain form or not, runs and refusals are those of reading line by line."""
    file = tmp_path / "run.trec"
    ids = tiny.queries.ids()
    lines = [text.replace("q9", ids[-1]) for text in [*PLAIN[:6], line, *PLAIN[6:]]]
    file.write_bytes("\n".join(dict.fromkeys(lines)).encode())
    monkeypatch.setattr(trec_blocks, "_BLOCK", 100)
    assert (trec_blocks.read_plain(file, tiny.queries, tiny.corpus) is not None) == plain

    def read() -> Run | str:
        try:
            return read_run(file, tiny)
        except DistillirError as error:
            return str(error)

    quick = read()
    monkeypatch.setattr(trec, "read_plain", lambda *_: None)
    slow = read()
    if isinstance(quick, Run) and isinstance(slow, Run):
        assert same(quick, slow)
    else:
        assert quick == slow
