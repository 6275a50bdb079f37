"""Pairs a second of distillir's teacher scoring against sentence-transformers' CrossEncoder.predict.

    python benchmarks/teacher_scoring.py --teacher-collection ../shared/data/squadshifts-wiki \
        --collection ../shared/data/scifact --collection ../shared/data/squadshifts-wiki \
        --output benchmarks/results/teacher_scoring.md

A cross-encoder is fine-tuned briefly from all-MiniLM-L6-v2 (or given by --teacher). All ways score the same pairs (test
queries and their first candidates by BM25) at the same max_length, one after the other in each round, in an order that
turns by one each round; figures are medians over rounds, ratios are taken within a round. Nothing comes from a cache.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.base.files import atomic_file
from distillir.collections import Collection, load_collection

Found = npt.NDArray[np.float32]
BASE = "predict, batch 32, float32"


def train_briefly(collection: Collection, folder: Path, pairs: int) -> Path:
    """A cross-encoder that has seen ``pairs`` pairs of the collection's training queries."""
    from distillir.retrieval.bm25 import BM25Index
    from distillir.teachers.train import train_cross_encoder

    run = BM25Index.build_or_load(collection).search(collection.qrels("train").query_rows, 60)
    train_cross_encoder("all-MiniLM-L6-v2", collection, folder, negatives_run=run, max_pairs=pairs, precision="float32")
    return folder


def pairs_of(collection: Collection, queries: int, depth: int) -> tuple[list[tuple[str, str]], npt.NDArray[np.int64]]:
    """Pairs of texts, and how many of them each query has."""
    from distillir.retrieval.bm25 import BM25Index

    rows = collection.qrels("test").query_rows[:queries]
    run = BM25Index.build_or_load(collection).search(rows, depth)
    pairs = [
        (collection.queries.text(int(query)), collection.corpus.text(int(document)))
        for query, documents in zip(run.queries, run.lists, strict=True)
        for document in documents
    ]
    return pairs, np.diff(run.offsets)


def ways(path: Path, pairs: list[tuple[str, str]], max_length: int, tuned: int) -> dict[str, Callable[[], Found]]:
    """Every way of scoring, with a function that does it once."""
    import torch
    from sentence_transformers import CrossEncoder

    from distillir.encoding.loading import quiet_libraries
    from distillir.encoding.precision import autocast, best_precision
    from distillir.teachers.cross_encoders.load import load_cross_encoder
    from distillir.teachers.cross_encoders.pair_scores import score_pairs

    with quiet_libraries():
        theirs = CrossEncoder(str(path), max_length=max_length)
    ours = load_cross_encoder(path, max_length=max_length)

    def predict(batch: int, bf16: bool) -> Found:
        with autocast("bf16", theirs.device) if bf16 else nullcontext():
            scores: Any = theirs.predict(
                pairs, batch_size=batch, activation_fn=torch.nn.Identity(), show_progress_bar=False
            )
        return np.asarray(scores, dtype=np.float32)

    def score(precision: str) -> Found:
        scores = np.empty(len(pairs), dtype=np.float32)
        for places, found in score_pairs(ours, pairs, precision=precision):
            scores[places] = found
        return scores

    found: dict[str, Callable[[], Found]] = {
        BASE: lambda: predict(32, False),
        f"predict, batch {tuned}, float32": lambda: predict(tuned, False),
        "distillir, float32": lambda: score("float32"),
    }
    if best_precision(theirs.device) == "bf16":
        found["predict, batch 32, bf16 autocast"] = lambda: predict(32, True)
        found["distillir, bf16"] = lambda: score("bf16")
    if theirs.device.type == "cpu":
        found["distillir, int8"] = lambda: score("int8")
    return found


def best_batch(path: Path, pairs: list[tuple[str, str]], max_length: int) -> int:
    """The batch size at which predict is fastest on a sample of the pairs."""
    import torch
    from sentence_transformers import CrossEncoder

    from distillir.encoding.loading import quiet_libraries

    with quiet_libraries():
        model = CrossEncoder(str(path), max_length=max_length)
    sample = pairs[:: max(1, len(pairs) // 96)][:96]
    seconds = {}
    for batch in (8, 16, 32, 64):
        started = time.perf_counter()
        model.predict(sample, batch_size=batch, activation_fn=torch.nn.Identity(), show_progress_bar=False)
        seconds[batch] = time.perf_counter() - started
    return min(seconds, key=lambda batch: seconds[batch])


def kendall(scores: Found, reference: Found, sizes: npt.NDArray[np.int64]) -> float:
    """Mean over queries of Kendall's tau-b between two scorings of its candidates."""
    from scipy.stats import kendalltau

    ends = np.cumsum(sizes)[:-1]
    taus = [
        kendalltau(a, b).statistic
        for a, b in zip(np.split(scores, ends), np.split(reference, ends), strict=True)
        if len(a) > 1
    ]
    return float(np.nanmean(taus))


def measure(path: Path, collection: Collection, options: argparse.Namespace) -> list[str]:
    """Lines of Markdown for one collection."""
    pairs, sizes = pairs_of(collection, options.queries, options.depth)
    tuned = best_batch(path, pairs, options.max_length)
    todo = ways(path, pairs, options.max_length, tuned)
    seconds: dict[str, list[float]] = {name: [] for name in todo}
    scores: dict[str, Found] = {}
    for round_ in range(options.rounds):
        names = list(todo)
        for name in names[round_ % len(names) :] + names[: round_ % len(names)]:
            started = time.perf_counter()
            scores[name] = todo[name]()
            seconds[name].append(time.perf_counter() - started)
            print(f"{collection.name}, round {round_ + 1}: {name}: {len(pairs) / seconds[name][-1]:.1f} pairs/s")
    reference = scores[BASE]
    characters = statistics.mean(len(query) + len(document) for query, document in pairs)
    lines = [
        f"## {collection.name}",
        "",
        f"{len(pairs)} pairs ({len(sizes)} test queries, BM25's first {options.depth}), {characters:.0f} characters a "
        f"pair on average, at most {options.max_length} tokens; {options.rounds} rounds.",
        "",
        "| way | pairs a second | to predict at batch 32 (least, most) | Kendall tau | largest difference |",
        "|---|---|---|---|---|",
    ]
    for name, taken in seconds.items():
        ratios = [base / own for base, own in zip(seconds[BASE], taken, strict=True)]
        lines.append(
            f"| {name} | {len(pairs) / statistics.median(taken):.1f} | {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f}, {max(ratios):.2f}) | {kendall(scores[name], reference, sizes):.4f} "
            f"| {np.abs(scores[name] - reference).max():.2g} |"
        )
    spread = statistics.mean(float(part.std()) for part in np.split(reference, np.cumsum(sizes)[:-1]))
    return [*lines, "", f"Mean standard deviation of a query's scores: {spread:.3g}.", ""]


def main() -> None:
    """Measure and write the table."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--collection", action="append", required=True, help="BEIR folder with a test split; repeatable"
    )
    parser.add_argument("--teacher", type=Path, help="a cross-encoder's folder, in place of training one")
    parser.add_argument("--teacher-collection", help="BEIR folder with a train split to train one on")
    parser.add_argument("--teacher-pairs", type=int, default=600)
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--depth", type=int, default=20)
    parser.add_argument("--max-length", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path("/tmp/distillir-teacher-scoring"))
    parser.add_argument("--output", type=Path, help="Markdown file to write")
    options = parser.parse_args()
    if options.teacher is None and options.teacher_collection is None:
        parser.error("give --teacher or --teacher-collection")
    path = options.teacher or train_briefly(
        load_collection(options.teacher_collection), options.work / "teacher", options.teacher_pairs
    )
    described = (
        options.teacher.name
        if options.teacher
        else f"all-MiniLM-L6-v2, made a cross-encoder by train-teacher on {options.teacher_pairs} pairs"
    )
    lines = [
        "# Teacher scoring against CrossEncoder.predict",
        "",
        f"Written by `benchmarks/teacher_scoring.py`. Model: {described}. "
        f"{torch.get_num_threads()} threads, {processor()}; load average at the start {os.getloadavg()[0]:.2f}. "
        "tau: mean over queries, against the float32 ranking of predict.",
        "",
    ]
    for source in options.collection:
        lines += measure(path, load_collection(source), options)
    print("\n".join(lines))
    if options.output:
        with atomic_file(options.output) as temporary:
            temporary.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def processor() -> str:
    """The processor, and whether it computes bf16."""
    import torch

    from distillir.encoding.precision import best_precision

    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name(0))
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return f"{names[0] if names else 'CPU'} ({'with' if best_precision('cpu') == 'bf16' else 'without'} bf16)"


if __name__ == "__main__":
    main()
