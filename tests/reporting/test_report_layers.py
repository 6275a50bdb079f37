"""Layers in the report: lines that are read and passed over, sums, pictures of few and of many layers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_run import Page, write_layer_files

from distillir.reporting import render_report
from distillir.signals.layers.figures import layer_pairs_figure, layer_quality_figure, layer_weights_figure
from distillir.signals.layers.report import LayerReport, read_layers


def write(path: Path, *lines: dict[str, Any] | str) -> LayerReport:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    (path / "layers.jsonl").write_text(text)
    return read_layers(path)


def draw(step: int, teacher: list[int], weights: list[float], **more: int) -> dict[str, Any]:
    return {"step": step, "teacher": teacher, "student": list(range(len(teacher))), "weights": weights, **more}


def test_weights_and_pairs_are_summed(tmp_path: Path) -> None:
    report = write(tmp_path, draw(0, [0, 2], [0.25, 0.75]), draw(10, [0, 3], [0.5, 0.5]), draw(20, [2, 3], [0.6, 0.4]))
    assert (report.teacher_layers, report.student_layers, report.quality) == (4, 2, None)
    assert report.mean_weights == [0.375, None, pytest.approx(0.675), pytest.approx(0.45)]
    assert report.pairs == [[2, 0], [0, 0], [1, 1], [0, 2]]
    figure = layer_weights_figure(report)
    assert figure is not None and "layer 3 0.675" in figure.wide and "in 3 draws" in figure.caption
    pairs = layer_pairs_figure(report)
    assert pairs is not None and "1 followed 1 (2 draws), 2 followed 4 (2 draws)" in pairs.wide


def test_lines_that_are_no_draw_are_passed_over_and_later_ones_count(tmp_path: Path) -> None:
    good = draw(10, [0, 1], [0.5, 0.5])
    report = write(
        tmp_path,
        draw(10, [0, 1], [0.9, 0.1]),
        good,
        draw(0, [1, 2], [0.5, 0.5]),
        "",
        draw(20, [0], [0.5, 0.5]),
        draw(20, [-1], [0.5]),
        draw(20, [10**9], [0.5]),
        {**good, "step": True},
        {**good, "weights": ["0.5", "0.5"]},
        '{"step": 20, "weights": [NaN], "teacher": [0], "student": [0]}',
        "[" * 5000,
        json.dumps(good)[:30],
    )
    assert [(d.step, d.teacher, d.weights) for d in report.draws] == [(0, [1, 2], [0.5, 0.5]), (10, [0, 1], [0.5, 0.5])]
    assert report.unreadable == 8


def test_stages_follow_one_another(tmp_path: Path) -> None:
    lines = [draw(step, [0], [1.0], stage=stage) for stage in (1, 2) for step in (0, 10, 20)]
    report = write(tmp_path, *lines)
    assert [d.step for d in report.draws] == [0, 10, 20, 30, 40, 50]
    assert report.stages == [("1", 0), ("2", 30)]
    figure = layer_weights_figure(report)
    assert figure is not None and ">1<" in figure.wide


def test_many_layers_and_draws(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    lines = []
    for step in range(0, 10_000, 10):
        teacher, student = (np.sort(generator.choice(n, 5, replace=False)).tolist() for n in (48, 30))
        lines.append(
            {"step": step, "teacher": teacher, "student": student, "weights": generator.dirichlet([9] * 5).tolist()}
        )
    report = write(tmp_path, *lines)
    weights, pairs = layer_weights_figure(report), layer_pairs_figure(report)
    assert weights is not None and "Each column is the mean of 21 draws" in weights.caption
    assert pairs is not None and len(weights.wide) < 120_000 and len(pairs.wide) < 120_000


def test_few_draws_have_no_picture_of_weights(tmp_path: Path) -> None:
    report = write(tmp_path, draw(0, [4, 5], [0.4, 0.6]))
    assert layer_weights_figure(report) is None and layer_pairs_figure(report) is not None
    empty = write(tmp_path)
    assert layer_pairs_figure(empty) is None and empty.pairs == []


def test_quality_by_layer_or_by_depth(tmp_path: Path) -> None:
    write_layer_files(tmp_path)
    quality = read_layers(tmp_path).quality
    assert quality is not None
    figure = layer_quality_figure(quality)
    assert "depth (layer / layers of the model)" in figure.wide and "12 judged queries" in figure.caption
    assert "the student after 0.300, 0.410, 0.520, 0.570" in figure.wide and "has 0.975" in figure.caption
    same = quality.model_copy(update={"before": quality.teacher, "after": quality.teacher, "judged": False})
    figure = layer_quality_figure(same)
    assert ">layer<" in figure.wide and "the teacher's first document counts as relevant" in figure.caption


@pytest.mark.parametrize("spoilt", ["{", '{"measure": "nDCG@10"}', "before"])
def test_a_spoilt_file_is_named_and_the_rest_told(tmp_path: Path, spoilt: str) -> None:
    write_layer_files(tmp_path)
    if spoilt == "before":
        value = json.loads((tmp_path / "layer_quality.json").read_text())
        spoilt = json.dumps({**value, "before": value["before"][:1]})
    (tmp_path / "layer_quality.json").write_text(spoilt)
    (tmp_path / "layers.jsonl").open("a").write('{"step": 60')
    (tmp_path / "metrics.json").write_text('{"after": {"nDCG@10": 0.5}, "layer_calls": {"asked": 7, "cached": 5}}')
    page = Page(render_report(tmp_path).read_text(encoding="utf-8"))
    assert page.unclosed == [] and "How well each layer ranks:" in page.text
    assert "1 of the lines of layers.jsonl are no draw" in page.text
    assert "mean weight where drawn" in page.text and "7 pairs asked, 5 from the cache" in page.text


def test_an_older_run_names_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "layers").mkdir()
    (tmp_path / "metrics.json").write_text("{}")
    page = Page(render_report(tmp_path).read_text(encoding="utf-8"))
    assert "Layers that were compared:" in page.text and "How well each layer ranks:" in page.text
    assert "Layers of the teacher" not in page.text
