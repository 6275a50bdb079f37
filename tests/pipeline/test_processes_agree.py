"""Two processes go through a whole run together, though one is slow to note what it did."""

from pathlib import Path

import yaml

from command_line import in_two

PROGRAM = Path(__file__).with_name("slow_notes.py")


def test_a_run_by_two_processes_ends_though_the_first_is_slow(
    tiny_beir: Path, tmp_path: Path, minilm_path: str
) -> None:
    recipe = tmp_path / "recipe.yaml"
    also = {"collection": str(tiny_beir), "split": "dev", "name": "dev"}
    value = {
        "collection": str(tiny_beir),
        "teacher": "bm25",
        "student": {"model": minilm_path, "layers": 1, "max_length": 16},
        "candidates": {"from": "bm25", "depth": 6},
        "training": {"epochs": 1, "queries_per_step": 4, "candidates_per_query": 3, "select_queries": 4},
        "evaluation": {"measures": ["nDCG@10"], "depth": 10, "also": [also]},
    }
    recipe.write_text(yaml.safe_dump(value), encoding="utf-8")
    done = in_two("run", recipe, "--output", tmp_path / "run", program=PROGRAM)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "run" / "report.html").is_file()
