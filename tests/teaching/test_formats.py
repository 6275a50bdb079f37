"""Import and export: what goes out comes back, real examples of each form are read, bad lines are named."""

import gzip
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.teaching import (
    FORMATS,
    TeachingSet,
    build_teaching_set,
    detect_format,
    export_teaching,
    import_teaching,
    judged_relevant,
    open_teaching_set,
)


@pytest.fixture(scope="module")
def teaching_set(tiny: Collection, tmp_path_factory: pytest.TempPathFactory) -> TeachingSet:
    """Every judged query with its relevant documents among ten others, in an order of its own."""
    generator = np.random.default_rng(3)
    qrels = tiny.qrels(tiny.splits[0])
    queries = qrels.query_rows
    lists = []
    for query in queries:
        others = generator.choice(len(tiny.corpus), 10, replace=False)
        lists.append(generator.permutation(np.union1d(others, qrels.relevant(int(query)))))
    scores = [(generator.standard_normal(len(rows)) * 7).astype(np.float32) for rows in lists]
    relevant = judged_relevant(qrels, queries, lists)
    return build_teaching_set(tiny, queries, lists, scores, relevant, {}, tmp_path_factory.mktemp("made") / "set")


Contents = dict[str, dict[str, tuple[float | None, bool]]]


def contents(teaching_set: TeachingSet) -> Contents:
    """Query id to document id to score and relevance."""
    found: Contents = {}
    for index, row in enumerate(teaching_set.table.to_pylist()):
        scores = row.get("scores") or [None] * len(row["documents"])
        assert row["query_id"] not in found, index
        found[row["query_id"]] = dict(zip(row["document_ids"], zip(scores, row["relevant"], strict=True), strict=True))
    return found


def without_relevance(found: Contents) -> Contents:
    return {query: {document: (score, False) for document, (score, _) in row.items()} for query, row in found.items()}


NAMES = {
    "colbert": "colbert",
    "flagembedding": "out.jsonl",
    "hard-negatives": "mined.jsonl",
    "margin-mse": "out.tsv",
    "parquet": "out.parquet",
}


def scores_beside(form: str, folder: Path) -> dict[str, Any]:
    return {"scores": folder / "mined-scores.pkl.gz"} if form == "hard-negatives" else {}


def test_every_format_is_tested() -> None:
    assert set(NAMES) == {name for name, form in FORMATS.items() if form.write is not None}


@pytest.mark.parametrize("form", NAMES)
def test_round_trip(form: str, teaching_set: TeachingSet, tiny: Collection, tmp_path: Path) -> None:
    """The same lists, scores to the bit, and relevance wherever the format can hold it."""
    export_teaching(form, teaching_set, tiny, tmp_path / NAMES[form])
    assert detect_format(tmp_path / NAMES[form]).name == form
    again = import_teaching("auto", tmp_path / NAMES[form], tiny, tmp_path / "again", **scores_beside(form, tmp_path))
    expected = contents(teaching_set)
    assert contents(again) == (without_relevance(expected) if form == "colbert" else expected)
    assert again.queries.tolist() == teaching_set.queries.tolist()
    assert again.info["imported"]["format"] == form
    by_qrels = import_teaching(
        form,
        tmp_path / NAMES[form],
        tiny,
        tmp_path / "judged",
        relevant=tiny.splits[0],
        **scores_beside(form, tmp_path),
    )
    assert contents(by_qrels) == expected


@pytest.mark.parametrize("form", ["colbert", "flagembedding"])
def test_round_trip_with_the_texts(form: str, teaching_set: TeachingSet, tiny: Collection, tmp_path: Path) -> None:
    """Without a collection one is made of the texts, inside the set's folder, and moves with it."""
    export_teaching(form, teaching_set, tiny, tmp_path / NAMES[form])
    import_teaching(form, tmp_path / NAMES[form], None, tmp_path / "again")
    (tmp_path / "again").rename(tmp_path / "moved")
    again = open_teaching_set(tmp_path / "moved")
    collection = again.open_collection()
    expected = contents(teaching_set)
    assert contents(again) == (without_relevance(expected) if form == "colbert" else expected)
    for query in again.queries:
        theirs = tiny.queries.row(collection.queries.id(int(query)))
        assert collection.queries.text(int(query)).split() == tiny.queries.text(theirs).split()
    for row in again.documents(0):
        theirs = tiny.corpus.row(collection.corpus.id(int(row)))
        assert collection.corpus.text(int(row)).split() == tiny.corpus.text(theirs).split()
    if form == "flagembedding":
        assert judged_relevant(collection.qrels("train"), again.queries, again.lists)[0].tolist() == (
            again.relevant(0).tolist()
        )


@pytest.mark.parametrize("form", ["colbert", "flagembedding", "hard-negatives", "parquet"])
def test_round_trip_of_candidates_without_scores(
    form: str, teaching_set: TeachingSet, tiny: Collection, tmp_path: Path
) -> None:
    relevant = [teaching_set.relevant(i) for i in range(len(teaching_set))]
    bare = build_teaching_set(tiny, teaching_set.queries, teaching_set.lists, None, relevant, {}, tmp_path / "bare")
    export_teaching(form, bare, tiny, tmp_path / NAMES[form])
    again = import_teaching(form, tmp_path / NAMES[form], tiny, tmp_path / "again", relevant=tiny.splits[0])
    assert contents(again) == contents(bare)
    assert not again.has_scores


def test_unjudged_lists_survive_flagembedding(tiny: Collection, tmp_path: Path) -> None:
    """FlagEmbedding needs a positive: the teacher's best takes the place, and is not taken for a judgement later."""
    one = build_teaching_set(
        tiny, np.array([4]), [np.array([3, 1, 2])], [np.array([0.5, 2.5, 1.0], np.float32)], None, {}, tmp_path / "one"
    )
    export_teaching("flagembedding", one, tiny, tmp_path / "one.jsonl")
    line = json.loads((tmp_path / "one.jsonl").read_text(encoding="utf-8"))
    assert line["pos"] == [tiny.corpus.text(1)]
    assert line["pos_scores"] == [2.5]
    assert contents(import_teaching("auto", tmp_path / "one.jsonl", tiny, tmp_path / "again")) == contents(one)


def write(path: Path, *lines: object) -> Path:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return path


def test_colbert_numbers_passages_by_line(teaching_set: TeachingSet, tiny: Collection, tmp_path: Path) -> None:
    """ColBERT looks passages up by position: pid n must stand on line n of collection.tsv."""
    export_teaching("colbert", teaching_set, tiny, tmp_path / "out")
    passages = (tmp_path / "out" / "collection.tsv").read_text(encoding="utf-8").splitlines()
    assert [line.split("\t")[0] for line in passages] == [str(i) for i in range(len(tiny.corpus))]
    first = json.loads((tmp_path / "out" / "examples.json").read_text(encoding="utf-8").splitlines()[0])
    queries = dict(line.split("\t") for line in (tmp_path / "out" / "queries.tsv").read_text("utf-8").splitlines())
    assert queries[str(first[0])] == tiny.queries.text(int(teaching_set.queries[0]))
    pid, score = first[1]
    assert passages[pid].split("\t")[1] == " ".join(tiny.corpus.text(pid).split())
    assert teaching_set.relevant(0)[teaching_set.documents(0).tolist().index(pid)]
    assert np.float32(score) in teaching_set.scores(0)


def test_colbert_as_published(tmp_path: Path) -> None:
    """The form of MS MARCO's files: whole numbers, no mapping of ids."""
    write(tmp_path / "collection.tsv", "0\tBees dance.", "1\tBread rises.", "2\tThe moon pulls.")
    write(tmp_path / "queries.tsv", "1048585\twhat do bees do", "2\twhat makes tides")
    write(tmp_path / "examples.json", [1048585, [0, 8.25], [2, -3.5], [0, 8.25]], [2, [2, 4]], [1048585, [1, 0.1]])
    read = import_teaching("auto", tmp_path / "examples.json", None, tmp_path / "set")
    assert read.table.column("query_id").to_pylist() == ["1048585", "2", "1048585"]
    assert read.table.column("document_ids").to_pylist() == [["0", "2"], ["2"], ["1"]]
    assert read.scores(0).tolist() == [8.25, -3.5]
    assert read.open_collection().corpus.text(2) == "The moon pulls."
    triples = write(tmp_path / "triples.json", [2, 2, 0], [1048585, 0, 1])
    unscored = import_teaching("colbert", triples, None, tmp_path / "unscored")
    assert unscored.relevant(0).tolist() == [True, False]


def test_flagembedding_as_published(tmp_path: Path) -> None:
    """No ids: equal texts become one document, and pos become judgements."""
    file = write(
        tmp_path / "toy.jsonl",
        {"query": "bees", "pos": ["Bees dance."], "neg": ["Bread rises.", "Bees dance."], "prompt": "", "type": "n"},
        {"query": "bread", "pos": ["Bread rises."], "neg": ["The moon pulls."]},
    )
    read = import_teaching("auto", file, None, tmp_path / "set")
    collection = read.open_collection()
    assert collection.corpus.texts() == ["Bees dance.", "Bread rises.", "The moon pulls."]
    assert collection.queries.texts() == ["bees", "bread"]
    assert [rows.tolist() for rows in read.lists] == [[0, 1], [1, 2]]
    assert collection.qrels("train").relevant(1).tolist() == [1]
    assert not read.has_scores


def test_hard_negatives_as_published(tiny: Collection, tmp_path: Path) -> None:
    ids = tiny.corpus.ids(range(6))
    line = {"qid": tiny.queries.id(0), "pos": ids[:1], "neg": {"bm25": ids[1:4], "tas-b": [ids[3], ids[4]]}}
    with gzip.open(tmp_path / "mined.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")

    def documents(**settings: Any) -> list[str]:
        read = import_teaching("auto", tmp_path / "mined.jsonl.gz", tiny, tmp_path / "set", **settings)
        found: list[str] = read.table.column("document_ids")[0].as_py()
        return found

    assert documents() == ids[:5]
    assert documents(systems=["tas-b"]) == [ids[0], ids[3], ids[4]]
    assert documents(per_system=1) == [ids[0], ids[1], ids[3]]
    with pytest.raises(DistillirError, match="no system 'bm52'; there are: bm25, tas-b"):
        documents(systems=["bm52"])
    (tmp_path / "ce.pkl").write_bytes(pickle.dumps({line["qid"]: {ids[0]: np.float32(9.5), ids[2]: 1}}))
    assert documents(scores=tmp_path / "ce.pkl") == [ids[0], ids[2]]
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps({line["qid"]: {ids[0]: None}}))
    with pytest.raises(DistillirError, match=rf"bad\.pkl \(query {line['qid']}\): None is no teacher score"):
        documents(scores=tmp_path / "bad.pkl")
    write(tmp_path / "ce.tsv", f"{line['qid']}\t{ids[3]}\t0.25")
    assert documents(scores=tmp_path / "ce.tsv") == [ids[3]]


def test_scores_are_pickled_as_sentence_transformers_reads_them(
    teaching_set: TeachingSet, tiny: Collection, tmp_path: Path
) -> None:
    export_teaching("hard-negatives", teaching_set, tiny, tmp_path / "mined.jsonl")
    with gzip.open(tmp_path / "mined-scores.pkl.gz", "rb") as stream:
        table = pickle.load(stream)
    plain = {q: {d: score for d, (score, _) in row.items()} for q, row in contents(teaching_set).items()}
    assert {str(q): {str(d): np.float32(s) for d, s in row.items()} for q, row in table.items()} == plain


class Harmful:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("harm"),))


def test_a_pickle_that_runs_code_is_refused(tiny: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = write(tmp_path / "mined.jsonl", {"qid": tiny.queries.id(0), "pos": [tiny.corpus.id(0)], "neg": {}})
    (tmp_path / "scores.pkl").write_bytes(pickle.dumps({"q": Harmful()}))
    with pytest.raises(DistillirError, match=r"scores\.pkl: is no pickled table"):
        import_teaching("auto", file, tiny, tmp_path / "set", scores=tmp_path / "scores.pkl")
    assert not (tmp_path / "harm").exists()


def test_margin_mse_pairs_become_lists(tiny: Collection, tmp_path: Path) -> None:
    """Lines of a query are scattered and repeat its positive."""
    d, q = tiny.corpus.ids(range(5)), tiny.queries.ids(range(2))
    file = write(
        tmp_path / "scores.tsv",
        f"9.5\t1.25\t{q[1]}\t{d[0]}\t{d[1]}",
        f"3.0\t-2.0\t{q[0]}\t{d[2]}\t{d[3]}",
        f"9.5\t0.5\t{q[1]}\t{d[0]}\t{d[4]}",
        f"9.5\t1.25\t{q[1]}\t{d[0]}\t{d[1]}",
    )
    read = import_teaching("auto", file, tiny, tmp_path / "set")
    assert read.queries.tolist() == [1, 0]
    assert [rows.tolist() for rows in read.lists] == [[0, 1, 4], [2, 3]]
    assert read.scores(0).tolist() == [9.5, 1.25, 0.5]
    assert read.relevant(0).tolist() == [True, False, False]


BAD = [
    ("colbert", '[1, [2, "high"]]', "'high' is no teacher score"),
    ("colbert", "[1, [2, NaN]]", "nan is no teacher score"),
    ("colbert", "[1, [2, 3, 4]]", "is no pair; write"),
    ("colbert", "[1, [2, 3], 4]", "some candidates have scores and some not"),
    ("colbert", "[1]", "no list of a query and its candidates"),
    ("colbert", "[1, [2", "not JSON"),
    ("colbert", '["nobody", ["bee-dance", 1]]', "query 'nobody' is not in the collection"),
    ("colbert", '["q1", ["nothing", 1]]', "document 'nothing' is not in the collection"),
    ("hard-negatives", '{"qid": "q1", "pos": "bee-dance", "neg": {}}', "'pos' is no list of ids"),
    ("hard-negatives", '{"qid": null, "pos": ["bee-dance"], "neg": {}}', "None is no query id"),
    ("hard-negatives", '{"qid": "q1", "pos": [1.5], "neg": {}}', "1.5 is no document id"),
    ("margin-mse", "1.0\t2.0\tq1\tbee-dance", "4 tab-separated columns; expected"),
    ("margin-mse", "1.0\thigh\tq1\tbee-dance\tbee-wax", "'high' is no number"),
    ("margin-mse", "1.0\tnan\tq1\tbee-dance\tbee-wax", "nan is no teacher score"),
    ("margin-mse", "1.0\t2.0\tq1\tbee-dance\tnothing", "document 'nothing' is not in the collection"),
    ("margin-mse", "", "columns; expected"),
]
GOOD = {
    "colbert": '["q1", ["bee-dance", 3.5]]',
    "hard-negatives": '{"qid": "q1", "pos": ["bee-dance"], "neg": {"bm25": ["bee-wax"]}}',
    "margin-mse": "3.5\t1.0\tq1\tbee-dance\tbee-wax",
}


@pytest.mark.parametrize(("form", "line", "message"), BAD)
def test_bad_lines_are_named(form: str, line: str, message: str, tiny: Collection, tmp_path: Path) -> None:
    file = write(tmp_path / "in.txt", GOOD[form], GOOD[form], line)
    with pytest.raises(DistillirError, match=rf"in\.txt:3: .*{message}"):
        import_teaching(form, file, tiny, tmp_path / "set")
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.txt"]


BAD_TEXTS = [
    ({"query": "bees", "pos": ["Bees dance."], "pos_scores": [1, 2], "neg": []}, "pos_scores does not fit the 1 texts"),
    ({"query": "bees", "pos": ["Bees dance."], "pos_scores": [1], "neg": ["Wax."]}, "scores for pos or neg only"),
    ({"query": "bees", "pos": [" "], "neg": []}, "an empty text under 'pos'"),
    ({"query": "bees", "pos": {"a": "Bees dance."}, "neg": []}, "'pos' is no list of texts"),
    ({"query": "", "pos": ["Bees dance."], "neg": []}, "no text under 'query'"),
    ({"query": "bees", "pos": [], "neg": []}, "neither pos nor neg has a text"),
    ({"query": "bees", "pos": ["Bees."], "pos_id": ["a", "b"], "neg": []}, "2 ids under 'pos_id' for 1 texts"),
    ({"query": "bees", "query_id": "q", "pos": ["Honey."], "pos_id": ["d"], "neg": []}, "id 'd' has two different"),
    ({"query": "bees", "pos": ["Bees."], "neg": []}, "no scores here, unlike the first list"),
]


@pytest.mark.parametrize(("line", "message"), BAD_TEXTS)
def test_bad_flagembedding_lines_are_named(line: object, message: str, tmp_path: Path) -> None:
    good = {"query": "wax", "pos": ["Wax is sweat."], "pos_id": ["d"], "neg": [], "pos_scores": [1.0], "neg_scores": []}
    file = write(tmp_path / "in.jsonl", good, line)
    with pytest.raises(DistillirError, match=rf"in\.jsonl:2: .*{message}"):
        import_teaching("flagembedding", file, None, tmp_path / "set")
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.jsonl"]


def test_unknown_ids_can_be_left_out(tiny: Collection, tmp_path: Path) -> None:
    d = tiny.corpus.ids(range(2))
    q = tiny.queries.id(0)
    lines = [[q, [d[0], 3], ["gone", 2], [d[1], 1]], ["nobody", [d[0], 1]], [q, ["gone", 1]]]
    read = import_teaching("auto", write(tmp_path / "in.jsonl", *lines), tiny, tmp_path / "set", unknown="skip")
    assert [rows.tolist() for rows in read.lists] == [[0, 1]]
    assert read.scores(0).tolist() == [3.0, 1.0]
    pairs = write(tmp_path / "in.tsv", f"1\t2\t{q}\t{d[0]}\tgone", f"4\t2\t{q}\t{d[0]}\t{d[1]}")
    assert import_teaching("auto", pairs, tiny, tmp_path / "pairs", unknown="skip").lists[0].tolist() == [0, 1]


def test_which_candidates_count_as_relevant(tiny: Collection, tmp_path: Path) -> None:
    file = write(tmp_path / "in.jsonl", [tiny.queries.id(0), *([i, 1.0] for i in tiny.corpus.ids(range(3)))])

    def relevant(choice: str | None) -> list[bool]:
        flags: list[bool] = import_teaching("auto", file, tiny, tmp_path / "set", relevant=choice).relevant(0).tolist()
        return flags

    assert relevant(None) == [False, False, False]
    assert relevant("first") == [True, False, False]
    assert relevant("none") == [False, False, False]
    with pytest.raises(DistillirError, match="no split 'tset'"):
        relevant("tset")


def test_what_cannot_be_imported(tiny: Collection, tmp_path: Path) -> None:
    lines = write(tmp_path / "ids.jsonl", '["q1", ["bee-dance", 3.5]]')
    prose = write(tmp_path / "prose.txt", "Bees dance.")
    run = write(tmp_path / "run.trec", "q1 Q0 bee-dance 1 12.5 bm25")
    judged = write(tmp_path / "qrels.txt", "q1 0 bee-dance 1")
    empty = write(tmp_path / "empty.jsonl")
    table = tmp_path / "wrong.parquet"
    pq.write_table(pa.table({"query": [1]}), str(table))
    inline = write(tmp_path / "inline.jsonl", {"query": "bees", "pos": ["Bees dance."], "neg": []})
    attempts: list[tuple[str, Path, Collection | None, dict[str, Any], str]] = [
        ("auto", tmp_path / "nowhere", tiny, {}, "no such file"),
        (
            "auto",
            prose,
            tiny,
            {},
            "cannot tell the format of this file; or say with --format which form it has: colbert, flagembedding",
        ),
        ("auto", run, tiny, {}, "looks like a TREC run, which ranks documents: candidates: {from: {trec: FILE}}"),
        ("auto", judged, tiny, {}, "looks like judgements or a run, which is no teaching set"),
        ("colber", lines, tiny, {}, "no format 'colber'; did you mean 'colbert'"),
        ("auto", lines, None, {}, "holds ids and no texts; give the collection"),
        ("colbert", empty, tiny, {}, "holds no list of candidates"),
        ("margin-mse", empty, tiny, {}, "empty"),
        ("auto", lines, tiny, {"systems": ["bm25"]}, "the format colbert takes no 'systems'"),
        ("auto", inline, tiny, {}, "query 'with the text bees' is not in the collection"),
        ("auto", table, tiny, {}, "no column 'query_id'"),
        ("parquet", prose, tiny, {}, "is no Parquet file"),
    ]
    for form, source, collection, settings, message in attempts:
        with pytest.raises(DistillirError, match=message):
            import_teaching(form, source, collection, tmp_path / "set", **settings)
        assert not (tmp_path / "set").exists()


def test_a_set_of_another_collection_is_not_exported(
    teaching_set: TeachingSet, tiny: Collection, tmp_path: Path
) -> None:
    export_teaching("flagembedding", teaching_set, tiny, tmp_path / "out.jsonl")
    other = import_teaching("auto", tmp_path / "out.jsonl", None, tmp_path / "other").open_collection()
    with pytest.raises(DistillirError, match="made for collection 'tiny', not for 'out'"):
        export_teaching("colbert", teaching_set, other, tmp_path / "colbert")
    assert not (tmp_path / "colbert").exists()
