"""Two processes go through a whole run together, though one is slow to note what it did."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

PROGRAM = Path(__file__).with_name("slow_notes.py")


def test_a_run_by_two_processes_ends_though_the_first_is_slow(tiny_beir: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    also = {"collection": str(tiny_beir), "split": "dev", "name": "dev"}
    value = {
        "collection": str(tiny_beir),
        "teacher": "bm25",
        "student": {"model": "all-MiniLM-L6-v2", "layers": 1, "max_length": 16},
        "candidates": {"from": "bm25", "depth": 6},
        "training": {"epochs": 1, "queries_per_step": 4, "candidates_per_query": 3, "select_queries": 4},
        "evaluation": {"measures": ["nDCG@10"], "depth": 10, "also": [also]},
    }
    recipe.write_text(yaml.safe_dump(value), encoding="utf-8")
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--master_port=0", "--standalone"]
    done = subprocess.run(
        [*launch, str(PROGRAM), "run", str(recipe), "--output", str(tmp_path / "run")],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "run" / "report.html").is_file()
