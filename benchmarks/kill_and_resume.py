"""SIGKILL in each stage of `distillir run`, rerun, and compare with a run that was left alone.

    python benchmarks/kill_and_resume.py --collection path/to/squadshifts-wiki --teacher runs/squad-teacher

The teacher is a cross-encoder, so every score costs. Both runs have a cache of their own. Reported: where each kill
fell, how many scores lay in the cache then, whether any pair was scored twice, and whether the weights are the same
bytes.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml

from distillir.teachers.answers.records import unpack


def scored(cache: Path) -> tuple[int, int]:
    """Scores in a cache, and distinct pairs among them."""
    parts = [unpack(np.fromfile(file, dtype=np.uint8))[0] for file in sorted(cache.rglob("*.scores"))]
    keys = np.concatenate(parts) if parts else np.empty((0, 2), dtype=np.uint64)
    return len(keys), len(np.unique(keys, axis=0))


def start(recipe: Path, output: Path, cache: Path) -> subprocess.Popen[bytes]:
    """`distillir run` in a process of its own."""
    command = [sys.executable, "-m", "distillir", "run", str(recipe), "--output", str(output)]
    environment = {**os.environ, "DISTILLIR_CACHE": str(cache)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main() -> None:
    """Run whole, run with kills, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--collection", required=True)
    parser.add_argument("--teacher", required=True)
    parser.add_argument("--queries", type=int, default=96)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        recipe = place / "recipe.yaml"
        value = {
            "collection": arguments.collection,
            "teacher": {"cross-encoder": arguments.teacher},
            "student": {"model": "all-MiniLM-L6-v2", "layers": 2, "max_length": 64},
            "queries": {"split": "train", "limit": arguments.queries},
            "candidates": {"from": ["bm25", "dense"], "depth": 8},
            "training": {"epochs": 4, "precision": "float32", "checkpoint_seconds": 3},
            "evaluation": {"split": "dev", "measures": ["nDCG@10"]},
        }
        recipe.write_text(yaml.safe_dump(value), encoding="utf-8")
        whole, killed, caches = place / "whole", place / "killed", (place / "cache-whole", place / "cache-killed")
        if start(recipe, whole, caches[0]).wait():
            sys.exit("the undisturbed run failed; run it by hand to see why")
        checkpoints = killed / "work" / "checkpoints"
        moments: dict[str, Callable[[], bool]] = {
            "mine (vectors of the student half made)": lambda: bool(list((caches[1] / "vectors").glob("*"))),
            "score (some pairs scored)": lambda: scored(caches[1])[0] > 200,
            "evaluate before": (killed / "teaching").exists,
            "train (before a checkpoint)": (killed / "log.jsonl").exists,
            "train (after a checkpoint)": lambda: bool(list(checkpoints.glob("*/complete"))),
            "train (after the next one)": lambda: len(list(checkpoints.glob("*/complete"))) > 1,
            "evaluate after": (killed / "student").exists,
            "report": (killed / "metrics.json").exists,
        }
        print("| killed in | scores in the cache | of distinct pairs |\n|---|---|---|")
        for name, reached in moments.items():
            process = start(recipe, killed, caches[1])
            while not reached() and process.poll() is None:
                time.sleep(0.05)
            alive = process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.wait()
            total, distinct = scored(caches[1])
            print(f"| {name}{'' if alive else ' (was over already)'} | {total} | {distinct} |", flush=True)
        code = start(recipe, killed, caches[1]).wait()
        total, distinct = scored(caches[1])
        weights = [(run / "student" / "model.safetensors").read_bytes() for run in (whole, killed)]
        runs = [(run / "runs" / "after.trec").read_bytes() for run in (whole, killed)]
        expected = scored(caches[0])[0]
        print(f"| none (exit code {code}) | {total} | {distinct} |\n")
        print(f"The undisturbed run scored {expected} pairs; the killed one {total}, {total - distinct} of them twice.")
        print(f"Same bytes: weights {weights[0] == weights[1]}, ranking of the test queries {runs[0] == runs[1]}.")


if __name__ == "__main__":
    main()
