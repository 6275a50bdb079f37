"""`distillir run --dry-run` against the run itself: seconds told, seconds taken, and their ratio, stage by stage.

    python benchmarks/dry_run.py [--only NAME ...] [--student PATH] [--processor]

On the standard library's documentation, which needs no download. Each recipe is planned and run in processes of their
own, in this order, with a cache of their own that holds the imported collection and nothing else. ``--student`` adds a
recipe with a model of yours. ``--processor`` counts seconds of the processor in both and not of the clock, for a
machine that others use too (with OMP_NUM_THREADS=1; it leaves out what waits for the disk).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

#: Stages of a plan, and under what names a run notes their seconds.
STAGES = {
    "mine": ["mine"],
    "score": ["score"],
    "dark": ["dark"],
    "before": ["evaluate before"],
    "train": ["train"],
    "evaluate": ["evaluate after"],
}
MINILM = "all-MiniLM-L6-v2"


def recipes(place: Path, student: str | None) -> dict[str, dict[str, Any]]:
    """Recipes by name; a cross-encoder with an untrained head is made in ``place``."""
    base = {
        "collection": "stdlib",
        "teacher": "bm25",
        "queries": {"split": "train", "limit": 160},
        "candidates": {"from": "bm25", "depth": 20},
        "training": {"epochs": 2},
        "evaluation": {"split": None, "held_out": 60},
    }
    found = {
        "small student": {**base, "student": {"model": MINILM, "layers": 1, "max_length": 32}},
        "3 layers, BM25 + vectors teach": {
            **base,
            "teacher": {"ensemble": ["bm25", {"dense": {"model": MINILM, "max_length": 32}}]},
            "student": {"model": MINILM, "layers": 3, "max_length": 32},
            "candidates": {"from": ["bm25", "dense"], "depth": 20},
        },
        "multi-vector": {
            **base,
            "student": {"model": MINILM, "kind": "multi-vector", "layers": 1, "max_length": 32},
            "queries": {"split": "train", "limit": 160},
        },
        "cross-encoder teaches": {
            **base,
            "teacher": {"cross-encoder": {"model": str(place / "cross-encoder"), "max_length": 64}},
            "student": {"model": MINILM, "layers": 1, "max_length": 32},
            "queries": {"split": "train", "limit": 120},
            "candidates": {"from": "bm25", "depth": 10},
            "evaluation": {"split": None, "held_out": 20, "teacher_depth": 30},
        },
    }
    if student is not None:
        found["own student"] = {**base, "student": student, "candidates": {"from": ["bm25", "dense"], "depth": 20}}
    return found


def child(mode: str, recipe: Path, output: Path, answer: Path, processor: bool) -> None:
    """Plan or run one recipe in this process, and write the seconds by stage."""
    if processor:
        time.monotonic = time.process_time  # every clock of the package, before it is imported
    from distillir.recipe.read import read_recipe

    checked = read_recipe(recipe, ())
    start = time.monotonic()
    if mode == "plan":
        from distillir.dry_run.encoding import Encodings
        from distillir.dry_run.folder import open_dry
        from distillir.dry_run.plan import plan

        with tempfile.TemporaryDirectory() as scratch:
            steps = plan(open_dry(output, checked, Path(scratch)), Encodings())
        seconds = {step.stage: step.seconds for step in steps}
    else:
        from distillir.pipeline.run import run

        run(checked, output)
        seconds = json.loads((output / "metrics.json").read_text())["seconds"]
    answer.write_text(json.dumps({"stages": seconds, "all": time.monotonic() - start}))


def spawn(mode: str, recipe: Path, output: Path, cache: Path, processor: bool) -> dict[str, Any]:
    """`child` in a process of its own."""
    answer = output.with_name(f"{mode}.json")
    command = [sys.executable, __file__, "--child", mode, str(recipe), str(output), str(answer)]
    command += ["--processor"] * processor
    environment = {**os.environ, "DISTILLIR_CACHE": str(cache)}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found: dict[str, Any] = json.loads(answer.read_text())
    return found


def make_cross_encoder(folder: Path) -> None:
    """MiniLM with a head that nobody has trained: what it costs is what matters."""
    from sentence_transformers import CrossEncoder

    from distillir.encoding.model_files import resolve_model

    CrossEncoder(str(resolve_model(MINILM)), num_labels=1).save_pretrained(str(folder))


def main() -> None:
    """Plan, run, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", help="names of recipes")
    parser.add_argument("--student", help="a further student")
    parser.add_argument("--processor", action="store_true", help="seconds of the processor, not of the clock")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is not None:
        mode, recipe, output, answer = arguments.child
        child(mode, Path(recipe), Path(output), Path(answer), arguments.processor)
        return
    print("| recipe | stage | told (s) | taken (s) | told / taken |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        os.environ["DISTILLIR_CACHE"] = str(place / "base")
        from distillir.collections import load_collection

        load_collection("stdlib")
        make_cross_encoder(place / "cross-encoder")
        for number, (name, value) in enumerate(recipes(place, arguments.student).items()):
            if arguments.only and name not in arguments.only:
                continue
            cache = place / f"cache-{number}"
            shutil.copytree(place / "base", cache, symlinks=True)
            own = place / str(number)
            own.mkdir()
            file = own / "recipe.yaml"
            file.write_text(json.dumps(value))
            told = spawn("plan", file, own / "run", cache, arguments.processor)
            taken = spawn("run", file, own / "run", cache, arguments.processor)
            pairs = [
                (stage, seconds, sum(taken["stages"].get(part, 0.0) for part in STAGES[stage]))
                for stage, seconds in told["stages"].items()
                if stage in STAGES
            ]
            pairs.append(("all of these", sum(pair[1] or 0.0 for pair in pairs), sum(pair[2] for pair in pairs)))
            for stage, seconds, spent in pairs:
                ratio = f"{seconds / spent:.2f}" if seconds and spent else "-"
                print(f"| {name} | {stage} | {seconds or 0:.1f} | {spent:.1f} | {ratio} |", flush=True)
            print(f"| {name} | whole process; the plan took | {told['all']:.1f} | {taken['all']:.1f} | |", flush=True)
            shutil.rmtree(cache)


if __name__ == "__main__":
    main()
