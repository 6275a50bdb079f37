"""Rows of ``benchmarks/reproduce``: what they name is there, the page is theirs, and one is run and compared."""

import importlib.util
import json
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
import yaml

import reproduce
from distillir.cli.app import app
from distillir.comparison.file import read_comparison
from distillir.composition.compose import compose
from distillir.recipe.read import read_recipe
from reproduction.found import SAID, compare
from reproduction.page import page as written_page
from reproduction.rows import NOT_RUN, PLACE, Row, RowsError, read_rows
from reproduction.run import filled

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks" / "reproduce"
ROWS = read_rows(FOLDER)
NAMED = re.compile(r"\b(?:benchmarks|recipes|tools|docs)/[\w./-]+\.(?:py|yaml|md)\b")


def calls(commands: list[str]) -> Iterator[list[str]]:
    """Arguments of each call of distillir, places filled in."""
    for command in commands:
        words = shlex.split(PLACE.sub("somewhere", command))
        if "distillir" in words and words[0] in ("distillir", "accelerate"):
            yield words[words.index("distillir") + 1 :]


def option(words: list[str], name: str) -> list[str]:
    return [value for key, value in pairwise(words) if key == name]


@pytest.mark.parametrize(("name", "row"), list(ROWS.all()))
def test_what_a_row_names_is_there(name: str, row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    texts = [*ROWS.commands(row), row.source.page or "", row.remarks or ""]
    assert [file for text in texts for file in NAMED.findall(text) if not Path(file).is_file()] == []
    assert (row.status == NOT_RUN) == bool(row.source.paper)
    assert row.source.page and row.source.machine if row.status != NOT_RUN else row.missing
    command_line = typer.main.get_command(app)
    for words in calls(ROWS.commands(row)):
        # Refused where an option or verb is not one.
        verb = command_line.commands[words[0]]  # type: ignore[attr-defined]  # a group
        verb.make_context(words[0], words[1:])
        if words[0] == "run":
            compose(read_recipe(Path(words[1]), option(words, "--set")))
        elif words[0] == "compare":
            read_comparison(Path(words[1]), option(words, "--set"))


@pytest.mark.parametrize(("name", "row"), [one for one in ROWS.all() if one[1].result])
def test_expected_figures_are_ones_that_the_last_command_leaves(
    name: str, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    (*_, words) = calls(row.commands)
    settings = option(words, "--set")
    assert row.result is not None and row.result.startswith("{output}/") and "{output}" in row.commands[-1]
    if words[0] == "run":
        recipe = read_recipe(Path(words[1]), settings)
        systems = {"before", "after", "teacher", "documents"}
        assert row.result.endswith("/metrics.json")
    else:
        comparison = read_comparison(Path(words[1]), settings)
        recipe = comparison.cells[0].recipe
        systems = {"before", "teacher", "first_stage", *(cell.name for cell in comparison.cells)}
        assert row.result.endswith("/leaderboard.json")
    elsewhere = {None, *(one.name for one in recipe.evaluation.also)}
    for figure in row.expected:
        assert {figure.system, figure.over or figure.system} <= systems, figure.called
        assert figure.measure in recipe.evaluation.measures and figure.elsewhere in elsewhere, figure.called


@pytest.mark.parametrize(("name", "row"), [one for one in ROWS.all() if not one[1].result])
def test_what_programs_say_is_found(name: str, row: Row) -> None:
    assert row.source.page is not None
    page = (ROOT / row.source.page).read_text(encoding="utf-8")
    for figure in row.expected:
        pattern = re.compile(figure.said or "", re.MULTILINE)
        assert pattern.groups == 1
        # Tables of the pages are what the programs printed.
        if "\\|" in pattern.pattern:
            assert figure.value in [float(found) for found in pattern.findall(page)], figure.called


def test_the_page_is_what_the_rows_give() -> None:
    assert reproduce.main(["page", "--check"]) == 0, "python tools/reproduce.py page"
    page = reproduce.PAGE.read_text(encoding="utf-8")
    assert all(f"[`{name}`](#{name})" in page and f"### {name}\n" in page for name, _ in ROWS.all())


def rows_with(tmp_path: Path, **changed: Any) -> Path:
    """The row tiny alone, some of it changed."""
    folder = tmp_path / "rows"
    folder.mkdir(exist_ok=True)
    for name in ("collections.yaml", "preparations.yaml"):
        (folder / name).write_text((FOLDER / name).read_text(encoding="utf-8"), encoding="utf-8")
    value = yaml.safe_load((FOLDER / "tiny.yaml").read_text(encoding="utf-8"))
    value["rows"]["tiny"].update(changed)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(value), encoding="utf-8")
    return folder


def test_the_tiny_row_holds_and_another_expectation_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = ["--output", str(tmp_path / "tiny")]
    assert reproduce.main(["check", "tiny", *output]) == 2
    assert "was not run" in capsys.readouterr().err
    assert reproduce.main(["run", "tiny", *output]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.endswith("  within")]
    assert len(lines) == len(ROWS.row("tiny").expected)
    expected = [{"system": "teacher", "measure": "nDCG@10", "value": 0.9, "within": 0.01}]
    folder = rows_with(tmp_path, expected=expected)
    assert reproduce.main(["--rows", str(folder), "check", "tiny", *output]) == 1
    assert "TOO FAR OFF" in capsys.readouterr().out
    folder = rows_with(tmp_path, commands=["distillir run nowhere.yaml"])
    assert reproduce.main(["--rows", str(folder), "run", "tiny", *output]) == 2
    assert "exit code 2 of: distillir run nowhere.yaml" in capsys.readouterr().err


def test_figures_of_runs_comparisons_and_programs(tmp_path: Path) -> None:
    def row(**more: Any) -> Row:
        given = {"shows": "", "source": {}, "collection": "tiny", "commands": ["true"], "status": "measured here"}
        return Row.model_validate({**given, "tolerance": {"within": 0.02, "because": "seeds"}, **more})

    def figure(system: str, value: float, **more: Any) -> dict[str, Any]:
        return {"system": system, "measure": "nDCG@10", "value": value, **more}

    metrics = {"before": {"nDCG@10": 0.5}, "after": {"nDCG@10": 0.61}, "also": {"other": {"after": {"nDCG@10": 0.3}}}}
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    expected = [figure("after", 0.6), figure("after", 0.1, over="before"), figure("after", 0.4, elsewhere="other")]
    found = compare(row(result="{output}/metrics.json", expected=expected), tmp_path)
    assert [(round(one.found, 6), one.holds) for one in found] == [(0.61, True), (0.11, True), (0.3, False)]
    with pytest.raises(RowsError, match="no nDCG@10 of teacher"):
        compare(row(result="{output}/metrics.json", expected=[figure("teacher", 0.6)]), tmp_path)

    cells = [
        {"name": name, "means": {"nDCG@10": value}, "before": 0.5, "also": {}}
        for name, value in (("ckl", 0.7), ("kl", 0.6))
    ]
    board = {"measures": ["nDCG@10"], "rows": cells, "teacher": {"nDCG@10": 0.9}, "first_stage": {}}
    (tmp_path / "leaderboard.json").write_text(json.dumps(board))
    expected = [figure("before", 0.5), figure("ckl", 0.05, over="kl"), figure("teacher", 0.88, within=0.02)]
    found = compare(row(result="{output}/leaderboard.json", expected=expected), tmp_path)
    assert [(round(one.found, 6), one.holds) for one in found] == [(0.5, True), (0.1, False), (0.9, True)]

    (tmp_path / SAID).write_text("one\n| open | 3 s | 0.22 GiB |\n")
    (one,) = compare(row(expected=[figure("open", 0.2, said=r"^\| open \|[^|]*\| ([\d.]+)")]), tmp_path)
    assert one.found == 0.22 and one.holds
    with pytest.raises(RowsError, match="nothing like"):
        compare(row(expected=[figure("open", 0.2, said=r"shut ([\d.]+)")]), tmp_path)


def test_places_and_what_rows_need() -> None:
    row = ROWS.row("lead-squadshifts-late")
    assert ROWS.prepared(row) == ["squad-teacher", "late6"]
    commands = filled(ROWS, row, "out", {"squadshifts-wiki": "my texts"})
    assert all("'my texts'" in command for command in commands) and commands[-1].endswith("--output out/comparison")
    with pytest.raises(RowsError, match="where is squadshifts-wiki"):
        filled(ROWS, row, "out", {})


def test_a_row_that_was_repeated_says_when_and_what_came_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = {"date": "2026-12-01", "commit": "abc1234", "machine": "a processor", "found": "all within"}
    folder = rows_with(tmp_path, repeated=again)
    assert reproduce.main(["--rows", str(folder), "show", "tiny"]) == 0
    assert "repeated: 2026-12-01, commit abc1234, a processor: all within" in capsys.readouterr().out
    assert "Repeated: 2026-12-01, commit abc1234, a processor: all within" in written_page(read_rows(folder))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"collection": "nowhere"}, "'nowhere' is not in collections.yaml"),
        ({"after": ["nothing"]}, "'nothing' is not in preparations.yaml"),
        ({"expected": []}, "`missing` does not say"),
        ({"tolerance": None}, "no tolerance"),
        ({"commands": ["distillir run {somewhere}"]}, "is no collection"),
        ({"status": "perhaps"}, "rows.tiny.status"),
        ({"result": None}, "`said` stands where"),
    ],
)
def test_rows_that_are_wrong_are_refused(changed: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(RowsError, match=re.escape(said)):
        read_rows(rows_with(tmp_path, **changed))


def program(name: str) -> ModuleType:
    """A program of ``benchmarks``."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_squadshifts_is_made_of_the_published_files(tmp_path: Path) -> None:
    def article(title: str, context: str, *questions: str) -> dict[str, Any]:
        asked = [{"id": f"{title}-{place}", "question": question} for place, question in enumerate(questions)]
        return {"title": title, "paragraphs": [{"context": context, "qas": asked}]}

    published = {
        "new_wiki_v1.0.json": [article("Tin", "A  metal.\n", " what is it? "), article("Andes", "Peaks.", "a", "b")],
        "reddit_v1.0.json": [article("x", "Talk.", "left out")],
        "amazon_reviews_v1.0.json": [article("y", "Stars.")],
    }
    for file, articles in published.items():
        (tmp_path / file).write_text(json.dumps({"data": articles}))
    made = program("make_squadshifts").make(tmp_path, tmp_path / "out")
    assert made == {"documents": 4, "train": 1, "dev": 0, "test": 2}
    corpus, queries = (
        [json.loads(line) for line in (tmp_path / "out" / file).read_text().splitlines()]
        for file in ("corpus.jsonl", "queries.jsonl")
    )
    assert [(one["_id"], one["text"]) for one in corpus] == [
        ("wiki-00000", "A metal."), ("wiki-00001", "Peaks."), ("reddit-00002", "Talk."), ("amazon-00003", "Stars."),
    ]  # fmt: skip
    assert [one["text"] for one in queries] == ["what is it?", "a", "b"]
    judged = (tmp_path / "out" / "qrels" / "test.tsv").read_text().splitlines()[1:]
    assert judged == ["Andes-0\twiki-00001\t1", "Andes-1\twiki-00001\t1"]


def test_students_of_raw_products_are_made(narrow_model: str, tmp_path: Path) -> None:
    from distillir.students.load import load_student
    from distillir.students.loaded import student_of

    program("make_cls_dot").make(narrow_model, str(tmp_path / "made"))
    made = load_student(str(tmp_path / "made"), device="cpu")
    assert not student_of(made).compares_cosines and made[1].pooling_mode == "cls"
