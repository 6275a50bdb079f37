"""Methods with documents kept, kind by kind: each works through the whole run, or is refused by name in one line."""

import json
from pathlib import Path
from typing import Any

import pytest
from kept_recipes import KINDS, kept_models, kept_recipe  # noqa: F401 - a fixture

from command_line import run_recipe

DARK = {"reinforced": 2, "noisy": 2, "count": 2}
SHORT = [{"lists": {"top": 2, "hard": 2, "remaining": 2}}, {"lists": {"top": 6}, "learning_rate": 1e-4}]
#: A recipe's method by row; the word MODEL stands for a dense model, PAIRS and LAYERS for what is asked of it.
METHODS: dict[str, Any] = {
    "auto": "auto",
    "ckl": "ckl",
    "margin_mse + ranknet": {"name": "kl", "objective": {"margin_mse": 1, "ranknet": 1}},
    "info_nce": "info_nce",
    "cl-drd": {"name": "cl-drd", "plan": SHORT},
    "rounds": {"name": "kl", "rounds": 2, "restart": True},
    "adam": {"name": "adam", "dark": DARK},
    "pairdistill": {"name": "pairdistill", "pairs": "PAIRS"},
    "kl + layers": {"name": "kl", "layers": "LAYERS"},
    "lead": {"name": "lead", "layers": "LAYERS"},
    "vectors": {"name": "vectors", "vectors": {"model": "MODEL"}},
    "kl + vectors": {"name": "kl", "vectors": {"model": "MODEL"}},
}
#: Rows of several stages.
STAGES = {"cl-drd": 2, "rounds": 2}
NO_VECTOR, NO_LAYER = "vectors are for dense students, and this one is ", "a layer's state of a query has no weights"
#: What is refused: row and kind, and the line.
REFUSED: dict[tuple[str, str], str] = {
    **{(row, kind): NO_VECTOR + kind for row in ("vectors", "kl + vectors") for kind in ("multi-vector", "sparse")},
    **{(row, "sparse"): NO_LAYER for row in ("kl + layers", "lead")},
}


def _filled(value: Any, model: str) -> Any:
    asked: dict[str, Any] = {
        "PAIRS": {"teacher": {"difference": {"teacher": {"dense": model}}}, "documents": "as_chosen"}
    }
    asked |= {"LAYERS": {"teacher": {"dense": model}, "count": 1}, "MODEL": model}
    if isinstance(value, dict):
        return {key: _filled(own, model) for key, own in value.items()}
    return asked.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row", METHODS)
def test_each_method_works_or_is_refused(
    row: str, kind: str, tiny_beir: Path, kept_models: dict[str, str], tmp_path: Path
) -> None:
    recipe = kept_recipe(tiny_beir, kind, kept_models[kind])
    recipe["method"] = _filled(METHODS[row], kept_models["dense"])
    if row == "vectors":
        del recipe["teacher"], recipe["candidates"]
    done = run_recipe(recipe, tmp_path)
    if (row, kind) in REFUSED:
        lines = [line for line in done.stderr.splitlines() if line.startswith("distillir: ")]
        assert done.returncode == 2 and len(lines) == 1 and REFUSED[row, kind] in lines[0], done.stderr
        assert not (tmp_path / "run" / "student").exists()
        return
    assert done.returncode == 0, done.stderr
    run = tmp_path / "run"
    logged = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    first = row == "auto" and kind == "dense"  # a stage of vectors before the lists
    assert len({line.get("stage") for line in logged}) == STAGES.get(row, 1) + first
    told = json.loads((run / "metrics.json").read_text())
    assert told["kept"]["documents"] == 62 and told["after"]["nDCG@10"] > 0
    assert "No document was encoded again" in done.stderr
