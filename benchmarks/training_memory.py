"""Peak memory of training with 8, 32 and 128 candidates a query, with and without `grad_cache`.

    python benchmarks/training_memory.py --collection path/to/squadshifts-wiki [--kind multi-vector]

Every cell trains two steps in a process of its own, so that its peak is its own; what a process holds before the
first step (libraries, model, texts) is measured by the same process and named apart.
"""

import argparse
import json
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from training_throughput import BM25Lists

from distillir.collections import load_collection

LAYERS = 3
GIB = 2**20  # ru_maxrss is in KiB


def cell(collection: str, candidates: int, queries: int, grad_cache: bool, student: str, kind: str) -> dict[str, float]:
    """Train two steps; GiB resident before the first step and at the peak."""
    from distillir.objectives import parse_objective
    from distillir.plans.settings import TrainingSettings
    from distillir.signals.scores.training import ScoresTraining
    from distillir.students.load import load_student
    from distillir.training.train import train_student

    texts = load_collection(collection)
    lists = BM25Lists(texts, 4 * queries, candidates)
    model = load_student(student, kind=kind, layers=LAYERS if kind != "sparse" else None, max_length=192)
    kl = [ScoresTraining(parse_objective("kl"))]
    settings = TrainingSettings(
        epochs=2 * queries / len(lists.queries),
        queries_per_step=queries,
        candidates_per_query=None,
        grad_cache=grad_cache,
        checkpoint_seconds=1e9,
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIB
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        train_student(model, texts, lists, settings, path, path / "log.jsonl", signals=kl)
    return {"before": before, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIB}


def main() -> None:
    """Run every cell and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--collection", required=True)
    parser.add_argument("--queries", type=int, default=4)
    parser.add_argument("--student", default="all-MiniLM-L6-v2")
    parser.add_argument("--kind", default="dense", help="dense, multi-vector or sparse")
    parser.add_argument("--cell", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.cell:
        candidates, grad_cache = int(arguments.cell[0]), arguments.cell[1] == "yes"
        found = cell(arguments.collection, candidates, arguments.queries, grad_cache, arguments.student, arguments.kind)
        print(json.dumps(found))
        return
    layers = "" if arguments.kind == "sparse" else f"{LAYERS} layers of "
    print(f"{arguments.queries} queries a step, {layers}{arguments.student} ({arguments.kind}), up to 192 tokens\n")
    print("| candidates a query | grad_cache | GiB before the first step | GiB at the peak |\n|---|---|---|---|")
    for grad_cache in ("no", "yes"):
        for candidates in (8, 32, 128):
            command = [sys.executable, __file__, "--collection", arguments.collection]
            command += ["--queries", str(arguments.queries), "--cell", str(candidates), grad_cache]
            command += ["--student", arguments.student, "--kind", arguments.kind]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            if done.returncode == -signal.SIGKILL:
                print(f"| {candidates} | {grad_cache} | | more than the machine has |", flush=True)
                continue
            done.check_returncode()
            found = json.loads(done.stdout.strip().splitlines()[-1])
            print(f"| {candidates} | {grad_cache} | {found['before']:.2f} | {found['peak']:.2f} |", flush=True)


if __name__ == "__main__":
    main()
