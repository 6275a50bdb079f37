"""The report as a file: what it says, that it stands alone, and what happens where a part is missing."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from example_run import Page, make_collection, make_run_directory

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.collections.run import from_lists
from distillir.reporting import read_metrics, render_report
from distillir.reporting.wording import measured
from distillir.retrieval.trec import write_run


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, tiny: Collection) -> Path:
    return make_run_directory(tmp_path_factory.mktemp("whole") / "run", tiny)


@pytest.fixture(scope="module")
def html(whole: Path, tiny: Collection) -> str:
    return render_report(whole, tiny).read_text(encoding="utf-8")


@pytest.fixture
def run(tmp_path: Path, whole: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def change_metrics(run: Path, **changes: object) -> None:
    value = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").write_text(json.dumps({**value, **changes}))


def test_says_first_what_was_gained(whole: Path, html: str) -> None:
    metrics = read_metrics(whole / "metrics.json")
    main = metrics.measures[0]
    before, after = metrics.value("before", main), metrics.value("after", main)
    assert before is not None and after is not None
    assert f"<h1>The student went from {measured(before)} to {measured(after)} {main}</h1>" in html
    lead = Page(html).text.split("queries.")[0]
    compared = metrics.compared(main)
    assert compared is not None
    assert f"{compared.difference:+.3f}" in lead and "95 % CI [" in lead and "of the teacher" in lead


def test_the_students_size_and_what_loads_it(html: str) -> None:
    told = html.split('<section id="student">')[1].split("</section>")[0]
    assert "652 bytes" in told and "SparseEncoder" in told and "AutoModelForMaskedLM" in told


def test_names_measures_queries_stages_recipe_and_versions(whole: Path, html: str, tiny: Collection) -> None:
    text = Page(html).text
    for measure in read_metrics(whole / "metrics.json").measures:
        assert measure in text
    for words in (
        "3 min 05 s",
        "method: kl",
        "two cores",
        "torch 2.13",
        "spread median",
        "0.8125",
        "1 000".replace(" ", "\u202f"),
    ):
        assert words in text
    assert "Largest gains" in text and "Largest losses" in text and "✓ relevant" in text
    assert "Left out" not in text


def test_is_well_formed_and_its_ids_are_unique_and_found(html: str) -> None:
    page = Page(html)
    assert page.unclosed == []
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    used = set(re.findall(r"url\(#([^)]+)\)", html)) | {h[1:] for h in page.attributes("href") if h.startswith("#")}
    assert used and used <= set(ids)


def test_loads_nothing_and_runs_nothing(html: str) -> None:
    page = Page(html)
    assert "http://" not in html and "https://" not in html
    assert {tag for tag, _ in page.tags} & {"script", "iframe", "img", "object", "embed", "image"} == set()
    assert all(h.startswith(("#", "data:")) for h in page.attributes("href"))
    assert page.attributes("src") == [] and "@import" not in html
    assert "default-src 'none'" in " ".join(page.attributes("content"))


def test_every_colour_of_a_figure_is_one_of_the_page(html: str) -> None:
    used, defined = set(re.findall(r"var\(--(\w+)\)", html)), set(re.findall(r"--(\w+): ", html))
    assert {"before", "after", "teacher", "gain", "loss"} <= used <= defined
    assert not re.search(r"#0000[0-9a-f]{2}\b", html)
    figures = "".join(re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL))
    assert set(re.findall(r"(?:fill|stroke): ([^;\"]+)", figures)) <= {"none", *(f"var(--{name})" for name in defined)}


def test_figures_are_told_in_words_and_tables_have_headers(html: str) -> None:
    page = Page(html)
    labels = [attributes.get("aria-label", "") for tag, attributes in page.tags if tag == "svg"]
    assert len(labels) == 12 and all(len(label) > 30 for label in labels)  # two of ten figures are drawn twice
    assert [tag for tag, _ in page.tags].count("figcaption") == [tag for tag, _ in page.tags].count("figure") == 10
    assert {a["scope"] for tag, a in page.tags if tag == "th"} == {"col", "row"}


def test_same_run_gives_same_bytes_wherever_it_lies(run: Path, html: str, tiny: Collection) -> None:
    assert render_report(run, tiny).read_text(encoding="utf-8") == html


def test_texts_are_shown_and_never_obeyed(tmp_path: Path) -> None:
    evil = '<script>alert(1)</script></style></svg>" onload="x {{ 7*7 }} & bell\x07 nul\x00'
    collection = make_collection(
        tmp_path / "beir",
        {"<b>/1": (evil, "bees dance on the comb"), "文書": ("蜜蜂", "بحث نحل 🐝 bees"), "-x": ("", "volcano ash")},
        {"<i>q</i>": "bees dancing on combs <img src=x onerror=alert(2)>", "q2": "蜜蜂 bee volcanos"},
        {"<i>q</i>": "<b>/1", "q2": "文書"},
    )
    run = make_run_directory(tmp_path / "run", collection)
    right = [
        np.array([collection.corpus.row(i) for i in ids]) for ids in (("<b>/1", "-x", "文書"), ("文書", "-x", "<b>/1"))
    ]
    rows, falling = collection.queries.rows(["<i>q</i>", "q2"]), [np.array([3, 2, 1], dtype=np.float32)] * 2
    write_run(from_lists(rows, [documents[::-1] for documents in right], falling), collection, run / "runs/before.trec")
    write_run(from_lists(rows, right, falling), collection, run / "runs/after.trec")
    change_metrics(run, method="<u>kl</u>", seconds={"<i>stage</i> $x$ 段階": 3.0})
    (run / "recipe.yaml").write_text("a: </code></pre><script>alert(3)</script> é\n", encoding="utf-8")
    html = render_report(run, collection).read_text(encoding="utf-8")
    page = Page(html)
    assert page.unclosed == [] and not {"script", "img", "b/", "u"} & {tag for tag, _ in page.tags}
    assert "\x07" not in html and "\x00" not in html
    for literal in (
        "<script>alert(1)</script>",
        "{{ 7*7 }}",
        "<img src=x",
        "文書",
        "بحث نحل 🐝",
        "<script>alert(3)",
        "<u>kl</u>",
    ):
        assert literal in page.text
    assert "<i>stage</i> $x$ 段階" in page.text  # a label inside a figure


PARTS = {
    "recipe.yaml": ("Recipe:", "recipe.yaml, every default"),
    "log.jsonl": ("Training curves:", "learning rate"),
    "teaching": ("Teacher's scores:", "% of the group"),
    "layers.jsonl": ("Layers that were compared:", "layer of the teacher"),
    "layer_quality.json": ("How well each layer ranks:", "By itself the student's last layer"),
    "runs/after.trec": ("Single queries:", "Query by query"),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_missing_part_is_left_out_and_named(run: Path, html: str, tiny: Collection, part: str) -> None:
    whole = Page(html)
    target = run / part
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    page = Page(render_report(run, tiny).read_text(encoding="utf-8"))
    note, content = PARTS[part]
    assert content in whole.text and note not in whole.text
    assert note in page.text and content not in page.text.split("Left out")[0]
    assert page.unclosed == []


def test_metrics_alone_are_enough_and_little_is_enough(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text('{"after": {"nDCG@10": 0.5}}')
    page = Page(render_report(tmp_path).read_text(encoding="utf-8"))
    assert "The student reaches 0.500 nDCG@10" in page.text and page.unclosed == []
    assert not re.search(r"^\s*[.,;]", page.text, flags=re.MULTILINE)
    assert page.text.split("Left out")[1].count(": ") == 5
    (tmp_path / "metrics.json").write_text('{"teacher_calls": {}}')
    page = Page(render_report(tmp_path).read_text(encoding="utf-8"))
    assert "has not been evaluated" in page.text and "Asked of the teacher" not in page.text


def test_without_the_collection_everything_but_the_queries_is_told(run: Path) -> None:
    page = Page(render_report(run).read_text(encoding="utf-8"))
    assert "the collection was not given" in page.text and "training step" in page.text


def test_a_loss_is_called_a_loss_and_chance_chance(run: Path, tiny: Collection) -> None:
    pair = {"measure": "MRR@10", "before": 0.5, "after": 0.45, "difference": -0.05, "low": -0.2, "high": 0.1}
    change_metrics(run, comparison=[{**pair, "p_value": 0.34}])
    text = Page(render_report(run, tiny).read_text(encoding="utf-8")).text
    assert "−0.050" in text and "[−0.200, +0.100]" in text and "p = 0.34" in text
    assert "The difference may be chance" in text


def test_malformed_parts_are_refused_and_the_old_report_stays(run: Path, tiny: Collection) -> None:
    path = render_report(run, tiny)
    old = path.read_bytes()
    with (run / "runs" / "after.trec").open("a") as stream:
        stream.write("q1 Q0 nowhere 51 0.0 after\n")
    with pytest.raises(DistillirError, match=r"after\.trec:\d+: unknown document id 'nowhere'"):
        render_report(run, tiny)
    assert path.read_bytes() == old
    assert not list(run.glob(".*"))


def test_no_run_directory(tmp_path: Path) -> None:
    with pytest.raises(DistillirError, match=r"no such run directory"):
        render_report(tmp_path / "nowhere")
    with pytest.raises(DistillirError, match=r"metrics\.json: no such file"):
        render_report(tmp_path)
