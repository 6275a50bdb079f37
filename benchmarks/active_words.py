"""What training a sparse student through its active words alone saves (`distillir.encoding.active_words`).

    python benchmarks/active_words.py path/to/splade yes bf16      # and: no bf16, yes float32, no float32

64 texts of 96 tokens forwards and backwards in two chunks: seconds of the third time, and the process' peak memory.
"""

import resource
import sys
import time
from contextlib import nullcontext

import torch

from distillir.encoding.active_words import active_words_only
from distillir.encoding.precision import autocast
from distillir.students.load import load_student
from distillir.students.loaded import student_of


def main() -> None:
    """Measure and print."""
    path, active, precision = sys.argv[1:4]
    model = load_student(path, kind="sparse", max_length=96, device="cpu").train()
    read = model.preprocess(["word other thing " * 40] * 64, task="document")
    features = {name: value for name, value in read.items() if isinstance(value, torch.Tensor)}
    width, seconds = features["input_ids"].shape[1], 0.0
    student, cut = student_of(model), [(0, 32, width), (32, 64, width)]
    chosen = "bf16" if precision == "bf16" else "float32"
    with active_words_only(model) if active == "yes" else nullcontext(), autocast(chosen, "cpu"):  # type: ignore[arg-type]
        for _ in range(3):
            start = time.perf_counter()
            torch.autograd.backward(student.embed(model, features, cut, task="document").square().sum())
            seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"active words alone: {active}, {precision}: {seconds:.2f} s, {peak:.2f} GiB")


if __name__ == "__main__":
    main()
