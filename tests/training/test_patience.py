"""Processes that wait for one that prepares: as long as it takes, or as long as they are told."""

from pathlib import Path

import pytest

from command_line import in_two
from distillir.base.errors import DistillirError
from distillir.base.processes import patience
from distillir.collections import Collection

PROGRAM = Path(__file__).with_name("slow_first.py")


def test_a_slow_first_process_does_not_end_the_other(tiny: Collection, tmp_path: Path, narrow_model: str) -> None:
    done = in_two(tiny.path, narrow_model, tmp_path, program=PROGRAM)
    assert done.returncode == 0, done.stderr[-2000:]
    said = [(tmp_path / f"done-{rank}").read_text() for rank in range(2)]
    assert said[0] == said[1] and said[0].endswith(" 3")


def test_patience_that_is_set_ends(tiny: Collection, tmp_path: Path, narrow_model: str) -> None:
    done = in_two(tiny.path, narrow_model, tmp_path, program=PROGRAM, DISTILLIR_TIMEOUT_MINUTES="0.02")
    assert done.returncode != 0
    assert "waited 0.02 minutes for another process" in done.stderr and "DISTILLIR_TIMEOUT_MINUTES" in done.stderr


def test_patience_is_a_day_or_what_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISTILLIR_TIMEOUT_MINUTES", raising=False)
    assert patience() == 1440
    monkeypatch.setenv("DISTILLIR_TIMEOUT_MINUTES", "90")
    assert patience() == 90
    for given in ("soon", "0", "-1", "nan"):
        monkeypatch.setenv("DISTILLIR_TIMEOUT_MINUTES", given)
        with pytest.raises(DistillirError, match="no number of minutes"):
            patience()
