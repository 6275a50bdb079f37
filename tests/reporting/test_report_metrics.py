"""metrics.json: what is read of it, and what is said of one that is wrong."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from distillir.base.errors import DistillirError
from distillir.reporting import headline, read_metrics, summary_table

PAIR = {
    "measure": "MRR@10", "before": 0.312, "after": 0.455, "difference": 0.143, "low": 0.101, "high": 0.185,
    "p_value": 0.00004, "wins": 180, "losses": 37, "ties": 95,
}  # fmt: skip
GOOD = {
    "before": {"nDCG@10": 0.40, "MRR@10": 0.312},
    "after": {"nDCG@10": 0.38, "MRR@10": 0.455},
    "teacher": {"MRR@10": 0.489},
    "comparison": [PAIR],
    "method": "kl",
    "collection": "stdlib",
    "something new": [1, 2],
}


def write(path: Path, **changes: object) -> Path:
    file = path / "metrics.json"
    file.write_text(json.dumps({**GOOD, **changes}), encoding="utf-8")
    return file


def printed(path: Path) -> str:
    console = Console(width=140, file=io.StringIO(), color_system="standard", force_terminal=True)
    with console.capture() as captured:
        console.print(summary_table(read_metrics(path)))
    return captured.get()


def test_headline_says_it_all(tmp_path: Path) -> None:
    assert headline(read_metrics(write(tmp_path))) == (
        "kl on stdlib: the student went from 0.312 to 0.455 MRR@10 "
        "(+0.143, 95 % CI [+0.101, +0.185], p < 0.001), 93\u202f% of the teacher"
    )


def test_headline_says_only_what_is_known(tmp_path: Path) -> None:
    few = read_metrics(write(tmp_path, before={}, teacher={}, comparison=[], collection=None))
    assert headline(few) == "kl: the student reaches 0.380 nDCG@10"
    nothing = read_metrics(write(tmp_path, before={}, after={}, teacher={}, comparison=[]))
    assert headline(nothing) == "kl on stdlib: the student has not been evaluated"


def test_the_compared_measure_is_the_main_one_and_others_follow(tmp_path: Path) -> None:
    metrics = read_metrics(write(tmp_path))
    assert metrics.measures == ["MRR@10", "nDCG@10"]
    assert metrics.gain("nDCG@10") == pytest.approx(-0.02)
    assert metrics.share("MRR@10") == pytest.approx(0.455 / 0.489)
    assert metrics.share("nDCG@10") is None and metrics.compared("nDCG@10") is None


def test_table_has_a_row_a_measure(tmp_path: Path) -> None:
    lines = [line for line in printed(write(tmp_path)).splitlines() if "@10" in line and "0." in line]
    assert len(lines) == 2
    for words in ("0.312", "0.455", "0.489", "+0.143", "[+0.101, +0.185]", "< 0.001", "93\u202f%"):
        assert words in lines[0]
    assert "−0.020" in lines[1] and lines[1].count("–") == 4


def test_table_fits_eighty_columns(tmp_path: Path) -> None:
    console = Console(width=80, file=io.StringIO())
    console.print(summary_table(read_metrics(write(tmp_path))))
    line = next(line for line in console.file.getvalue().splitlines() if "MRR@10" in line)  # type: ignore[attr-defined]
    for words in ("0.312", "0.455", "0.489", "+0.143", "[+0.101, +0.185]", "< 0.001", "93\u202f%"):
        assert words in line


def test_table_colours_what_is_significant_only(tmp_path: Path) -> None:
    green, red = "\x1b[32m", "\x1b[31m"
    assert green in printed(write(tmp_path))
    assert red in printed(write(tmp_path, comparison=[{**PAIR, "after": 0.2, "difference": -0.1}], after={}))
    chance = printed(write(tmp_path, comparison=[{**PAIR, "p_value": 0.2}]))
    assert green not in chance and red not in chance


def test_names_are_no_markup_in_the_terminal(tmp_path: Path) -> None:
    assert "[red]MRR[/]" in printed(write(tmp_path, after={"[red]MRR[/]": 0.5}))


def test_nan_of_a_test_without_difference_is_no_error(tmp_path: Path) -> None:
    metrics = read_metrics(write(tmp_path, comparison=[{**PAIR, "p_value": float("nan"), "low": float("nan")}]))
    compared = metrics.compared("MRR@10")
    assert compared is not None and compared.p_value is None and not compared.significant


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"after": {"MRR@10": "much"}}, r"metrics\.json: after\.MRR@10: .*number.*'much'"),
        ({"after": {"MRR@10": float("nan")}}, r"after\.MRR@10: .*finite.*'nan'"),
        ({"before": [1]}, r"before: .*dictionary"),
        ({"seconds": {"training": -1}}, r"seconds\.training: .*'-1'"),
        ({"comparison": [{**PAIR, "p_value": 2}]}, r"comparison\.0\.p_value: .*'2'"),
        ({"comparison": [{"measure": "MRR@10"}]}, r"comparison\.0\.before: Field required"),
        ({"queries": 1.5}, r"queries: .*integer"),
    ],
)
def test_a_wrong_part_is_named(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(DistillirError, match=said) as caught:
        read_metrics(write(tmp_path, **changes))
    assert "\n" not in str(caught.value) and "distillir evaluate" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"after": {\n"MRR@10" 0.5}}', r"metrics\.json:2: not JSON \(Expecting ':' delimiter at column 10\)"),
        (b"", r"metrics\.json:1: not JSON"),
        (b"[1]", r"a JSON list where an object is expected"),
        (b'{"method": "\xff"}', r"metrics\.json:1: not UTF-8"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "metrics.json").write_bytes(content)
    with pytest.raises(DistillirError, match=said):
        read_metrics(tmp_path / "metrics.json")
