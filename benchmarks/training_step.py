"""Seconds of a training step by attention, dropout and what the C library does with freed memory.

    python benchmarks/training_step.py

Three layers of all-MiniLM-L6-v2 encode documents of the standard library, forwards and backwards, and AdamW takes a
step. Every way runs in a process of its own, in an order that turns by one each round; ratios are taken within a round.
"""

import argparse
import json
import statistics
import time
from contextlib import nullcontext

import numpy as np
from ways import run_ways

#: Name: attention, dropout (None: the model's own), whether freed memory is kept.
WAYS: dict[str, tuple[str, float | None, bool]] = {
    "fused attention, the model's dropout": ("fused", None, False),
    "fused attention, no dropout": ("fused", 0.0, False),
    "plain attention, no dropout": ("plain", 0.0, False),
    "plain attention, no dropout, freed memory kept": ("plain", 0.0, True),
}


def seconds(
    way: str,
    precision: str,
    documents: int,
    max_length: int,
    steps: int,
    model_name: str = "all-MiniLM-L6-v2",
    layers: int | None = 3,
) -> float:
    """Mean seconds of a step after three that are not counted."""
    import torch

    from distillir.base.allocator import keep_freed_memory
    from distillir.collections import load_collection
    from distillir.encoding.precision import autocast, resolve_precision
    from distillir.students.chunks import chunks
    from distillir.students.dense.student import DenseStudent
    from distillir.students.load import load_student
    from distillir.training.attention import fastest_attention
    from distillir.training.train import set_dropout

    attention, dropout, keep = WAYS[way]
    model = load_student(model_name, layers=layers, max_length=max_length, device="cpu").train()
    student = DenseStudent(model)
    if dropout is not None:
        set_dropout(model, dropout)
    if keep:
        keep_freed_memory(model.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    collection, generator = load_collection("stdlib"), np.random.default_rng(0)
    chosen = resolve_precision(precision, "cpu")
    taken = []
    with fastest_attention(model, "bf16") if attention == "plain" else nullcontext():
        for _ in range(steps + 3):
            rows = generator.choice(len(collection.corpus), documents, replace=False)
            features = model.preprocess(collection.corpus.texts(rows))
            lengths, order = features["attention_mask"].sum(dim=1).sort()
            features = {name: value[order] for name, value in features.items() if hasattr(value, "dim")}
            started = time.perf_counter()
            with autocast(chosen, "cpu"):
                vectors = student.embed(model, features, chunks(lengths.tolist(), 4096), task="document")
            torch.autograd.backward((vectors @ vectors.T).square().sum())
            optimizer.step()
            optimizer.zero_grad()
            taken.append(time.perf_counter() - started)
    return statistics.mean(taken[3:])


def main() -> None:
    """Run every way and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--documents", type=int, default=80)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(seconds(given.one, given.precision, given.documents, given.max_length, given.steps)))
        return
    names = list(WAYS)
    found = run_ways(names, given.rounds)
    print(
        f"{given.documents} documents of up to {given.max_length} tokens a step, {given.precision} precision, ", end=""
    )
    print(f"{given.steps} steps a round, {given.rounds} rounds\n")
    print("| | seconds a step (median) | times as fast as the first (median, least, most) |\n|---|---|---|")
    for name, taken in found.items():
        ratios = [first / own for first, own in zip(found[names[0]], taken, strict=True)]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}, {max(ratios):.2f})"
        print(f"| {name} | {statistics.median(taken):.2f} | {spread} |")


if __name__ == "__main__":
    main()
