"""The Python code in the documentation runs, as a reader would run it: page by page, from the top.

A block whose first line is ``# Not run by the tests: REASON`` is passed over; the reader sees why.
"""

import json
import re
import shutil
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser

import distillir

ROOT = Path(__file__).parents[2]
NOT_RUN = "# Not run by the tests: "
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
#: Python that readers see, and no parser: indented blocks.
INDENTED = re.compile(r"^    (from|import) \w+", re.MULTILINE)
PAGES = sorted(
    str(page.relative_to(ROOT))
    for folder, pattern in ((ROOT, "README.md"), (ROOT / "docs", "**/*.md"), (ROOT / "recipes", "**/*.md"))
    for page in folder.glob(pattern)
    if "```python" in page.read_text(encoding="utf-8")
)
DOORS = sorted(
    str(file.relative_to(ROOT))
    for file in (ROOT / "src" / "distillir" / "front_door").glob("*.py")
    if "```python" in file.read_text(encoding="utf-8")
)
RUN = PythonEvaluator()


def _real_where_it_needs_a_server(page: str) -> object:
    """A page; one that asks PostgreSQL is run by `make test-real`."""
    asks = "import psycopg" in (ROOT / page).read_text(encoding="utf-8")
    return pytest.param(page, marks=pytest.mark.real if asks else ())


def _run_or_pass_over(example: Example) -> None:
    if not example.parsed.startswith(NOT_RUN):
        RUN(example)


@pytest.fixture(scope="session")
def models(minilm_path: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models that the pages name, small: one of the encoder's six layers, and a cross-encoder made of it."""
    from sentence_transformers import CrossEncoder, SentenceTransformer

    from distillir.students.slim import slim

    folder = tmp_path_factory.mktemp("models")
    model = SentenceTransformer(minilm_path, device="cpu")
    slim(model, 1)
    model.save_pretrained(str(folder / "all-MiniLM-L6-v2"))
    model = CrossEncoder(str(folder / "all-MiniLM-L6-v2"), num_labels=1, device="cpu")
    model.save_pretrained(str(folder / "my-teacher"))
    return folder


@pytest.fixture(scope="session")
def text(tiny_beir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny collection with more training queries than a step takes: the beginnings of documents."""
    folder = tmp_path_factory.mktemp("text") / "mytext"
    shutil.copytree(tiny_beir, folder)
    entries = [json.loads(line) for line in (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    with (folder / "queries.jsonl").open("a") as queries, (folder / "qrels" / "train.tsv").open("a") as judged:
        for number, entry in enumerate(entries[::2]):
            query = {"_id": f"begin {number}", "text": " ".join(entry["text"].split()[:6])}
            queries.write(json.dumps(query) + "\n")
            judged.write(f"begin {number}\t{entry['_id']}\t1\n")
    return folder


@pytest.fixture(scope="session")
def finished(models: Path, text: Path, tmp_path_factory: pytest.TempPathFactory, isolated_cache: Path) -> Path:
    """The run that pages find done."""
    recipe = {
        "collection": text,
        "teacher": "bm25",
        "student": {"model": models / "all-MiniLM-L6-v2", "max_length": 32},
        "candidates": {"from": "bm25", "depth": 5},
        "evaluation": {"depth": 20},
        "method": "kl",
        "training": {"epochs": 1},
    }
    folder = distillir.run(recipe, output=tmp_path_factory.mktemp("runs") / "mine").path
    (folder / "teacher").symlink_to("student")
    return folder


@pytest.fixture
def reader(models: Path, text: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that a reader works in, with all that the pages name."""
    shutil.copytree(text, tmp_path / "mytext")
    (tmp_path / "path" / "to").mkdir(parents=True)
    (tmp_path / "runs").mkdir()
    (tmp_path / "articles").mkdir()
    for name in ("folder", "beir"):
        (tmp_path / "path" / "to" / name).symlink_to(text)
    for model in models.iterdir():
        (tmp_path / model.name).symlink_to(model)
    for name in ("runs/mine", "RUN"):
        (tmp_path / name).symlink_to(finished)
    for number, line in enumerate((text / "corpus.jsonl").read_text(encoding="utf-8").splitlines()):
        (tmp_path / "articles" / f"{number}.txt").write_text(json.loads(line)["text"], encoding="utf-8")
    (tmp_path / "top1000.dev.tsv").write_text("q1\tbee-dance\t1\nq1\tbee-wax\t2\n")
    (tmp_path / "qidpidtriples.train.full.2.tsv").write_text("q1\tbee-dance\tbee-wax\n")
    (tmp_path / "examples.json").write_text('["q1", ["bee-dance", 7.5], ["bee-wax", -1.0]]\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _examples(file: Path) -> list[Example]:
    parser = CodeBlockParser(language="python", evaluator=_run_or_pass_over)
    return list(Sybil([parser], path=str(ROOT), pattern=file.name).parse(file).examples())


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("page", [_real_where_it_needs_a_server(page) for page in PAGES])
def test_code_of_a_page_runs(page: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "import psycopg" in (ROOT / page).read_text(encoding="utf-8"):
        for name, value in request.getfixturevalue("postgres").items():
            monkeypatch.setenv(name, value)
    for example in _examples(ROOT / page):
        example.evaluate()


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("file", DOORS)
def test_example_of_a_docstring_runs(file: str) -> None:
    for example in _examples(ROOT / file):
        example.evaluate()


def test_a_block_that_is_wrong_fails(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n\n```python\n" + NOT_RUN + "why\n1 / 0\n```\n"
    )
    first, second, third = _examples(page)
    first.evaluate()
    third.evaluate()
    with pytest.raises(AssertionError):
        second.evaluate()


def test_no_python_of_a_page_is_passed_over_for_want_of_a_fence() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        assert not INDENTED.search(FENCED.sub("", page.read_text(encoding="utf-8"))), page


def test_every_function_of_the_front_door_has_an_example() -> None:
    for name in distillir.__all__:
        if name not in ("DistillirError", "__version__"):
            assert "```python" in (getattr(distillir, name).__doc__ or ""), name
