"""What a run with documents kept leaves, by kind: figures, the saved model, exports, a search page."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from kept_recipes import KINDS, READ, kept_models, kept_recipe  # noqa: F401 - a fixture
from sentence_transformers import MultiVectorEncoder, SentenceTransformer, SparseEncoder

from command_line import distillir, run_recipe, without_distillir
from distillir.collections import Collection
from distillir.retrieval.trec import read_run
from distillir.serving.served import open_all

LOADERS: dict[str, Any] = {"dense": SentenceTransformer, "multi-vector": MultiVectorEncoder, "sparse": SparseEncoder}


@pytest.fixture(scope="module", params=KINDS)
def run(
    request: pytest.FixtureRequest,
    tiny_beir: Path,
    kept_models: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, Path, str]:
    """The kind, the folder of a finished run, and the documents' model."""
    kind, folder = request.param, tmp_path_factory.mktemp("kept")
    recipe = kept_recipe(tiny_beir, kind, kept_models[kind])
    recipe["student"]["max_length"] = 12  # shorter than documents
    done = run_recipe(recipe, folder)
    assert done.returncode == 0, done.stderr
    return kind, folder / "run", kept_models[kind]


def _arrays(kind: str, encoded: Any) -> list[npt.NDArray[np.float32]]:
    """Encodings of texts as arrays, a row a token of late interaction."""
    if kind == "sparse":
        return list(encoded.to_dense().numpy()[:, None, :])
    return [np.atleast_2d(np.asarray(one)) for one in encoded]


def _scores(queries: list[Any], documents: list[Any]) -> npt.NDArray[np.float64]:
    """The sum over a query's vectors of the best product with one of the document's; of one vector the product."""
    return np.array([[float((q @ d.T).max(axis=1).sum()) for d in documents] for q in queries])


def test_a_search_by_hand_gives_the_ranking_and_the_measure(
    run: tuple[str, Path, str], tiny: Collection, tiny_beir: Path
) -> None:
    kind, folder, model = run
    student = LOADERS[kind](str(folder / "student" / "query-encoder"), device="cpu")
    documents = LOADERS[kind](model, device="cpu")
    documents.max_seq_length = READ
    after = read_run(folder / "runs" / "after.trec", tiny)
    asked = _arrays(kind, student.encode_query(tiny.queries.texts(after.queries.tolist())))
    scores = _scores(asked, _arrays(kind, documents.encode_document(tiny.corpus.texts())))
    measured, judged = [], dict[str, dict[str, float]]()
    for line in (tiny_beir / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, document, gain = line.split("\t")
        judged.setdefault(query, {})[document] = float(gain)
    for place, own in enumerate(scores):
        rows, given = after.of(place)
        assert len(rows) == 20 or kind == "sparse"  # documents without a word of the query are not found
        np.testing.assert_allclose(given, own[rows], rtol=1e-4, atol=1e-4)
        assert np.delete(own, rows).max() <= given[-1] + 1e-4
        gains = judged[tiny.queries.id(int(after.queries[place]))]
        found = [gains.get(tiny.corpus.id(row), 0.0) for row in rows[:10].tolist()]
        ideal = sorted(gains.values(), reverse=True)[:10]
        dcg, best = (sum(g / np.log2(rank + 2) for rank, g in enumerate(each)) for each in (found, ideal))
        measured.append(dcg / best)
    told = json.loads((folder / "metrics.json").read_text())
    assert told["after"]["nDCG@10"] == pytest.approx(np.mean(measured), abs=1e-4)


def test_one_model_by_routes_where_the_package_is_not(run: tuple[str, Path, str], tiny: Collection) -> None:
    """A fresh process: queries as the small encoder gives them, each side cut where it was, documents as kept."""
    kind, folder, model = run
    long = " ".join(tiny.corpus.texts(list(range(4))))
    code = f"""
import json, numpy as np, sentence_transformers as library
def plain(found):
    found = found.to_dense() if hasattr(found, "is_sparse") and found.is_sparse else found
    return [np.asarray(one).tolist() for one in found]
load = library.{LOADERS[kind].__name__}
whole, alone = load({str(folder / "student")!r}), load({str(folder / "student" / "query-encoder")!r})
own = load({model!r}); own.max_seq_length = {READ}
text = [{long!r}]
told = [plain(one) for one in (whole.encode_query(text), alone.encode_query(text), whole.encode_document(text),
        own.encode_document(text))]
print(json.dumps([told, whole.max_seq_length, alone.max_seq_length]))
"""
    (asked, alone, read, own), both, short = json.loads(without_distillir(code).splitlines()[-1])
    np.testing.assert_allclose(asked, alone, atol=1e-6)
    np.testing.assert_allclose(read, own, atol=1e-6)
    assert (both, short) == (READ, 12)  # the larger of the two, though queries are cut at the smaller


def test_what_other_programs_take(run: tuple[str, Path, str], tmp_path: Path) -> None:
    kind, folder, _ = run
    form = {"dense": "servers", "multi-vector": "pylate", "sparse": "servers"}[kind]
    refused = distillir("export", folder, "--format", form, "-o", tmp_path / "no")
    lines = [line for line in refused.stderr.splitlines() if line.startswith("distillir: ")]
    assert refused.returncode == 2 and len(lines) == 1, refused.stderr
    if kind == "sparse":
        assert "is a sparse model, and this form is of dense ones" in lines[0]
        return
    assert "query-encoder" in lines[0]
    done = distillir("export", folder / "student" / "query-encoder", "--format", form, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    given, wanted = (
        _arrays(kind, LOADERS[kind](str(path), device="cpu").encode_query(["Do bees see colours?"]))[0]
        for path in (tmp_path / "out", folder / "student" / "query-encoder")
    )
    np.testing.assert_allclose(given, wanted, atol=1e-5)


def test_the_page_finds_what_was_measured(run: tuple[str, Path, str], tiny: Collection) -> None:
    _, folder, _ = run
    after = read_run(folder / "runs" / "after.trec", tiny)
    answer = open_all(folder).search(tiny.queries.text(int(after.queries[0])), 5, ["after"], None)
    (found,) = answer.systems
    assert [one.id for one in found.documents] == [tiny.corpus.id(row) for row in after.of(0)[0][:5].tolist()]
