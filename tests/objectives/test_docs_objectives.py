"""The examples of docs/objectives.md run as they are written."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from distillir.objectives import parse_objective

PAGE = (Path(__file__).parents[2] / "docs" / "objectives.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_python_examples(minilm_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    functions, script = blocks("python")
    names: dict[str, Any] = {}
    exec(functions, names)
    assert names["student"].grad.isfinite().all()
    assert (names["student"].grad[3] == 0).all()
    exec(script.replace("all-MiniLM-L6-v2", minilm_path), names)
    assert names["trainer"].state.global_step == 1


@pytest.mark.parametrize("block", blocks("yaml"))
def test_recipes(block: str) -> None:
    assert "kl" in parse_objective(yaml.safe_load(block)["objective"]).names
