"""Seconds of a training step with layers: plain KL, a frozen teacher's layers from the cache, teachers trained along.

    python benchmarks/layer_step.py --teacher runs/squad-teacher

Three layers of all-MiniLM-L6-v2 learn from lists of the standard library, through the whole of `distillir.training`.
Teachers have six layers: all-MiniLM-L6-v2, and a cross-encoder where one is named. Scores are made up: they cost the
same. Every way runs in a process of its own, in an order that turns by one each round; ratios are taken in a round.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from ways import run_ways

WAYS = ("kl", "kl + frozen layers", "kl + frozen layers, mean", "lead, dense teacher", "lead, cross-encoder")


class MadeUp:
    """Lists of a collection's training queries with random scores."""

    def __init__(self, collection: Any, queries: int, candidates: int) -> None:
        from distillir.retrieval.bm25 import BM25Index

        run = BM25Index.build_or_load(collection).search(collection.qrels("train").query_rows[:queries], candidates)
        full = [place for place in range(len(run.queries)) if len(run.of(place)[0]) == candidates]
        self.queries, self._lists = run.queries[full], [run.of(place)[0] for place in full]
        self.generator = np.random.default_rng(0)
        self._scores = [self.generator.normal(size=len(own)).astype(np.float32) for own in self._lists]

    def documents(self, index: int) -> Any:
        """Rows."""
        return self._lists[index]

    def scores(self, index: int) -> Any:
        """Of the list teacher."""
        return self._scores[index]

    def relevant(self, index: int) -> Any:
        """The first."""
        return np.arange(len(self._lists[index])) == 0


def seconds(way: str, teacher: str | None, steps: int) -> float:
    """Mean seconds of a step after three that are not counted."""
    from distillir.collections import load_collection
    from distillir.objectives.weighted_sum import parse_objective
    from distillir.plans.settings import TrainingSettings
    from distillir.signals.layers.layer_set import LayerSet
    from distillir.signals.layers.spec import LayerSpec
    from distillir.signals.layers.training import LayerTraining
    from distillir.signals.scores.training import ScoresTraining
    from distillir.students.load import load_student
    from distillir.teachers.load_layered import load_joint
    from distillir.training.train import train_student

    collection = load_collection("stdlib")
    lists = MadeUp(collection, 8 * steps, 8)
    model = load_student("all-MiniLM-L6-v2", layers=3, max_length=96, device="cpu")
    layers, joint = [], way.startswith("lead")
    if way != "kl":
        named = {"cross-encoder": teacher} if "cross" in way else {"dense": "all-MiniLM-L6-v2"}
        limited = {kind: {"model": name, "max_length": 96} for kind, name in named.items()}
        spec = LayerSpec(teacher=limited, joint=joint, pooling="mean" if "mean" in way else "cls")
        sizes = [len(lists.documents(index)) for index in range(len(lists.queries))]
        made = [lists.generator.normal(size=(6, size)).astype(np.float32) for size in sizes]
        layers = [LayerTraining(spec, teacher=load_joint(limited)) if joint else LayerTraining(spec, LayerSet(6, made))]
    compared = ScoresTraining(parse_objective("info_nce" if joint else "kl"))
    in_batch: Any = "all" if way == "lead, dense teacher" else False
    settings = TrainingSettings(
        epochs=16 * steps / len(lists.queries), queries_per_step=16, dropout=0.0, in_batch=in_batch
    )
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        train_student(model, collection, lists, settings, Path(folder), log, signals=[compared, *layers])
        taken = [json.loads(line)["seconds"] for line in log.read_text().splitlines()]
    return float((taken[-1] - taken[2]) / (len(taken) - 3))


def main() -> None:
    """Run every way and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", help="folder of a cross-encoder of six layers")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(seconds(given.one, given.teacher, given.steps)))
        return
    names = [name for name in WAYS if given.teacher or "cross" not in name]
    found = run_ways(names, given.rounds)
    print(f"16 queries x 8 candidates a step, {given.steps} steps a round, {given.rounds} rounds\n")
    print("| | seconds a step (median) | times kl's (median, least, most) |\n|---|---|---|")
    for name, taken in found.items():
        ratios = [own / first for first, own in zip(found[names[0]], taken, strict=True)]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}, {max(ratios):.2f})"
        print(f"| {name} | {statistics.median(taken):.2f} | {spread} |")


if __name__ == "__main__":
    main()
