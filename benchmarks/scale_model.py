"""What a run of some size takes: bytes, memory and hours of each stage, from rates that were measured.

    python benchmarks/scale_model.py                          # 8.8 million, 100 million and a billion passages
    python benchmarks/scale_model.py --passages 20000000 --queries 1000000

Rates stand in benchmarks/scale_rates.yaml, each with the page that it was measured on, or marked as assumed. Nothing
here is measured: rates are carried over from the size that they were measured at (docs/scale.md says how far).
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

RATES = Path(__file__).with_name("scale_rates.yaml")
GIB = 1 << 30


@dataclass(frozen=True)
class Size:
    """What is to be done.

    Attributes:
        passages: Documents.
        queries: Training queries.
        words: Words of a passage.
        characters: Bytes of a passage's text.
        depth: Candidates of a query.
        width: Numbers of a vector.
        steps: Training steps.
    """

    passages: int
    queries: int
    words: int = 60
    characters: int = 350
    depth: int = 50
    width: int = 384
    steps: int = 50_000


@dataclass(frozen=True)
class Stage:
    """A stage of a run.

    Attributes:
        name: What is done.
        files: Bytes that it leaves on disk.
        memory: Bytes that a process holds itself; mapped files come on top, as cache.
        hours: Of one machine as the rates were measured on; None: not estimated.
        split: Whether shards divide the hours.
    """

    name: str
    files: float
    memory: float
    hours: float | None
    split: bool


def stages(size: Size, rates: dict[str, float]) -> Iterator[Stage]:
    """The stages of a run of a size.

    Args:
        size: What is to be done.
        rates: By name, as `RATES` holds them.
    """
    n, q, pairs = size.passages, size.queries, size.queries * size.depth
    text = n * size.characters
    yield Stage(
        "import", text * rates["import_bytes"], rates["import_memory"], text / rates["import_speed"] / 3600, False
    )
    postings = n * size.words * rates["postings_per_word"]
    yield Stage(
        "BM25 index",
        postings * rates["posting_bytes"],
        rates["bm25_memory"] + n * rates["bm25_memory_per_passage"],
        n * size.words / rates["bm25_words"] / 3600,
        False,
    )
    # A query of the same words visits more postings in a larger corpus, and skips more of them.
    seconds = rates["bm25_query"] * (n / rates["bm25_query_passages"]) ** rates["bm25_growth"]
    yield Stage("BM25 mining", pairs * rates["run_bytes"], rates["bm25_mining_memory"], q * seconds / 3600, True)
    vectors = n * size.width * 4
    yield Stage("encode documents (float32)", vectors, rates["encode_memory"], n / rates["encode_speed"] / 3600, True)
    # Each block of vectors is read once for all queries; arithmetic, not the disk, is what takes time.
    search = 2.0 * n * size.width * q / rates["search_flops"]
    yield Stage("exact dense mining", pairs * rates["run_bytes"], rates["search_memory"], search / 3600, True)
    yield Stage(
        "score",
        pairs * rates["score_bytes"],
        rates["score_memory"],
        pairs / rates["score_speed"] / 3600,
        True,
    )
    yield Stage("teaching set", pairs * rates["teaching_bytes"], rates["teaching_memory"], None, False)
    yield Stage("train, index kept", 0, rates["train_memory"], size.steps * rates["kept_step"] / 3600, False)


def read_rates(path: Path = RATES) -> dict[str, float]:
    """The rates by name."""
    held: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: float(entry["value"]) for name, entry in held.items()}


def told(hours: float | None) -> str:
    """Hours in words."""
    if hours is None:
        return "–"
    if hours < 1 / 60:
        return f"{hours * 3600:.0f} s"
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:,.0f} h" if hours >= 10 else f"{hours:.1f} h"


def amount(count: float) -> str:
    """Bytes in words."""
    for unit, least in (("TiB", GIB * 1024), ("GiB", GIB), ("MiB", 1 << 20)):
        if count >= least:
            return f"{count / least:,.0f} {unit}" if count >= 10 * least else f"{count / least:.1f} {unit}"
    return f"{count / 1024:,.0f} KiB"


def table(size: Size, rates: dict[str, float]) -> str:
    """The stages of a size as a table in Markdown."""
    lines = ["| stage | files | memory of a process | one machine | by shards |", "|---|---|---|---|---|"]
    for stage in stages(size, rates):
        files = amount(stage.files) if stage.files else "–"
        split = "divided" if stage.split else "once"
        lines.append(f"| {stage.name} | {files} | {amount(stage.memory)} | {told(stage.hours)} | {split} |")
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int)
    parser.add_argument("--queries", type=int, default=500_000)
    parser.add_argument("--depth", type=int, default=50)
    parser.add_argument("--width", type=int, default=384)
    arguments = parser.parse_args()
    rates = read_rates()
    for passages in [arguments.passages] if arguments.passages else [8_841_823, 100_000_000, 1_000_000_000]:
        size = Size(passages, arguments.queries, depth=arguments.depth, width=arguments.width)
        print(f"### {passages:,} passages, {size.queries:,} queries, {size.depth} candidates each\n")
        print(table(size, rates) + "\n")


if __name__ == "__main__":
    main()
