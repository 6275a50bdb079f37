"""Where output is no terminal, progress is a line every half minute."""

import io
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from distillir.base import progress as module
from distillir.base import progress_lines
from distillir.base.doing import was_doing
from distillir.base.progress import called, one_progress, progress
from distillir.base.progress_lines import ProgressLines, clock


class Terminal(io.StringIO):
    """What claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def every_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_lines, "SECONDS", 0.1)


def test_lines_come_by_the_clock_with_share_and_time_left(
    every_tenth: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress("Ask [x]", 400) as advance:
        advance(100)
        time.sleep(0.02)
        advance(100)
        time.sleep(0.33)  # one long step: lines come all the same
    lines = capsys.readouterr().err.splitlines()
    assert 2 <= len(lines) - 1 <= 4
    assert all(line.startswith("Ask [x]: 200 of 400 (50 %), 0:00, about 0:") for line in lines[:-1])
    assert all(line.endswith(" left") for line in lines[:-1])
    assert lines[-1] == "Ask [x]: done in 0:00"


def test_quick_work_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Ask", 4) as advance:
        advance(4)
    assert capsys.readouterr().err == ""
    assert progress_lines.SECONDS == 30


def test_only_the_first_process_prints(
    every_tenth: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    with progress("Ask", 4):
        time.sleep(0.25)
    assert capsys.readouterr().err == ""


def test_the_time_left_counts_what_this_process_does() -> None:
    lines = ProgressLines("Train", 1000, print, silent=True)
    start = lines._start
    assert lines.line(start + 60) == "Train: 0 of 1000 (0 %), 1:00"
    lines.advance(800)  # a resumed training: the steps of its checkpoint
    assert lines._base is not None
    lines._base = start, 800
    lines.advance(50)
    assert lines.line(start + 100) == "Train: 850 of 1000 (85 %), 1:40, about 5:00 left"
    lines.advance(150)
    assert lines.line(start + 200) == "Train: 1000 of 1000 (100 %), 3:20"
    assert ProgressLines("Search", 0, print, silent=True).line(start + 7).startswith("Search: 0 of 0, 0:0")


def test_how_long_is_written() -> None:
    assert [clock(seconds) for seconds in (0, 59.6, 3599, 3600, 90061)] == [
        "0:00",
        "1:00",
        "59:59",
        "1:00:00",
        "25:01:01",
    ]


@pytest.mark.parametrize(
    ("environment", "bar"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, True), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_gets_a_bar_and_a_dumb_one_lines(
    environment: dict[str, str], bar: bool, every_tenth: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Terminal()
    monkeypatch.setattr(module, "console", Console(file=out, _environ=environment, highlight=False))
    with progress("Ask", 2) as advance:
        advance(1)
        time.sleep(0.25)
        advance(1)
    assert ("2/2" in out.getvalue()) == bar and ("done in 0:00" in out.getvalue()) != bar
    if "NO_COLOR" in environment:
        assert "\x1b[3" not in out.getvalue().replace("\x1b[?25", "")


def test_colours_forced_into_a_file_make_no_terminal_of_it(every_tenth: None, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(
        module, "console", Console(file=out, highlight=False, _environ={"FORCE_COLOR": "1", "TERM": "xterm"})
    )
    with progress("Ask", 2):
        time.sleep(0.15)
    assert "Ask: 0 of 2" in out.getvalue() and "\x1b[1A" not in out.getvalue()


def test_a_notebook_without_widgets_gets_lines(
    every_tenth: None, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    """There rich would leave a warning and an empty output for every bar."""
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.setattr(module, "console", Console(force_jupyter=True, file=io.StringIO()))
    with progress("Ask", 10) as advance:
        advance(10)
    assert not recwarn.list


def test_an_error_says_how_far_it_came(tmp_path: Path) -> None:
    with pytest.raises(ValueError) as raised, progress("Ask bm25", 40) as advance:
        advance(12)
        raise ValueError
    assert raised.value.__notes__ == ["while at 'Ask bm25' (12 of 40 done)"]


def test_a_caller_may_know_better_what_is_done() -> None:
    with (
        pytest.raises(ValueError, match="odd") as told,
        called({"Encode queries": "Encode documents, read as queries"}),
        progress("Encode queries", 3) as advance,
    ):
        advance(2)
        raise ValueError("odd")
    assert was_doing(told.value) == "at 'Encode documents, read as queries' (2 of 3 done)"
    with pytest.raises(ValueError, match="odd") as told, progress("Encode queries", 3):
        raise ValueError("odd")
    assert was_doing(told.value) == "at 'Encode queries' (0 of 3 done)"


@pytest.mark.parametrize("terminal", [False, True])
def test_many_short_parts_are_one(
    terminal: bool, every_tenth: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Terminal()
    if terminal:
        monkeypatch.setattr(module, "console", Console(file=shown, force_terminal=True, width=120))
    with one_progress("Encode", 400):
        for _ in range(8):
            with progress("part", 50) as advance:
                advance(50)
                time.sleep(0.04)
    told = shown.getvalue() if terminal else capsys.readouterr().err
    assert "part" not in told and "Encode" in told
    assert "400/400" in told if terminal else "of 400 (" in told
