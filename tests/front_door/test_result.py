"""A result shows itself, in a terminal and in a notebook; so do measures."""

import re
from pathlib import Path

import pytest

import distillir
from distillir.collections import Collection


def test_result_of_a_run(result: distillir.Result) -> None:
    assert set(result.metrics["after"]) == {"nDCG@10", "MRR@10"} and "teacher" in result.metrics
    assert result.report.is_file() and result.path.is_dir()
    assert result.student.encode_query(["how are bees fed"]).shape == (1, 384)
    assert len(result.student[0].auto_model.encoder.layer) == 1


def test_result_in_a_terminal(result: distillir.Result) -> None:
    first, *lines = repr(result).splitlines()
    assert first.startswith("ckl on tiny: the student went from")
    head, ndcg, mrr, student, report = lines
    assert head.split() == ["measure", "before", "after", "teacher", "gain", "95", "%", "interval", "p", "share"]
    assert ndcg.split()[:3] == ["nDCG@10", *(f"{result.metrics[part]['nDCG@10']:.3f}" for part in ("before", "after"))]
    assert mrr.startswith("MRR@10") and student.endswith("student") and report.endswith("report.html")


def test_result_in_a_notebook(result: distillir.Result) -> None:
    page = result._repr_html_()
    assert re.findall(r"<th [^>]*>([^<]*)<", page)[:4] == ["measure", "before", "after", "teacher"]
    assert f"{result.metrics['teacher']['MRR@10']:.3f}</td>" in page
    assert page.count("<tr>") == 3 and str(result.report) in page
    for tag in ("div", "p", "table", "tr", "td", "th", "code"):
        assert len(re.findall(rf"<{tag}[ >]", page)) == page.count(f"</{tag}>"), tag


def test_folder_of_the_command_line_is_opened(result: distillir.Result, tmp_path: Path) -> None:
    assert distillir.Result(str(result.path)).metrics == result.metrics
    with pytest.raises(distillir.DistillirError, match="holds no run that has been evaluated"):
        distillir.Result(tmp_path)


def test_measures_show_what_is_known(tiny: Collection) -> None:
    bm25 = distillir.evaluate(tiny, distillir.mine(tiny, "bm25", depth=100, queries="test"), measures="MRR@10")
    assert repr(bm25).splitlines()[0] == "tiny, 8 test queries"
    assert repr(bm25).splitlines()[1].split() == ["measure", "mean"]
    shallow = distillir.evaluate(tiny, bm25.run, measures="MRR@10", depth=1, before=bm25)
    assert "before" in repr(shallow) and "teacher" not in repr(shallow)
    assert shallow.comparison[0].before == bm25["MRR@10"] >= shallow["MRR@10"]
    assert "<td" in shallow._repr_html_() and list(shallow) == ["MRR@10"]
