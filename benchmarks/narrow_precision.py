"""Seconds of a training step in float32 and in bf16, by the width of the student.

    python benchmarks/narrow_precision.py

Students of two layers with random weights and all-MiniLM-L6-v2's words encode documents of the standard library as in
training_step.py, without dropout: in float32 with fused attention, in bf16 with plain attention, as they are trained.
Every way runs in a process of its own; ratios are taken within a round.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from training_step import seconds
from ways import run_ways

WIDTHS = (128, 256, 384)


def make_student(folder: Path, width: int) -> None:
    """Write a BERT of two layers of a width, heads of 64 and random weights."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    from distillir.encoding.model_files import resolve_model

    torch.manual_seed(0)
    sizes = {"hidden_size": width, "num_attention_heads": width // 64, "intermediate_size": 4 * width}
    BertModel(BertConfig(num_hidden_layers=2, **sizes)).save_pretrained(folder)
    AutoTokenizer.from_pretrained(resolve_model("all-MiniLM-L6-v2")).save_pretrained(folder)


def main() -> None:
    """Run every width in both precisions and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        precision, width = given.one.split()
        way = "plain attention, no dropout" if precision == "bf16" else "fused attention, no dropout"
        with tempfile.TemporaryDirectory() as folder:
            make_student(Path(folder), int(width))
            print(json.dumps(seconds(way, precision, 80, 128, given.steps, folder, None)))
        return
    found = run_ways([f"{precision} {width}" for width in WIDTHS for precision in ("float32", "bf16")], given.rounds)
    print(
        "| width | float32, seconds a step | bf16 | bf16 as fast as float32 (median, least, most) |\n|---|---|---|---|"
    )
    for width in WIDTHS:
        exact, short = found[f"float32 {width}"], found[f"bf16 {width}"]
        ratios = [one / other for one, other in zip(exact, short, strict=True)]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}, {max(ratios):.2f})"
        print(f"| {width} | {statistics.median(exact):.3f} | {statistics.median(short):.3f} | {spread} |")


if __name__ == "__main__":
    main()
