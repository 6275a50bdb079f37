"""Import and open a collection of 8.8 million passages: seconds and memory.

Run it from the repository root; it writes about 8 GB below --folder and removes them:

    python benchmarks/large_collection.py --output benchmarks/results/large_collection.md

The passages are made of real words (the vocabulary of the standard library's documentation), about 350 bytes each,
with 500,000 queries and as many judgements, as MS MARCO has them. Import, opening and looking up each run in a process
of their own, so that the peaks are theirs alone.
"""

import argparse
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GIB = 1 << 30
LOOKUPS = 10_000


def generate(folder: Path, passages: int, queries: int) -> None:
    """Write an MS MARCO folder of random sentences."""
    generator = random.Random(0)
    words = sorted({word for word in documentation_words() if word.isalpha()})
    # Sentences are drawn from a pool: drawing each word of 3 GB anew would take longer than the import.
    pool = [" ".join(generator.choices(words, k=15)).capitalize() + "." for _ in range(20_000)]
    folder.mkdir(parents=True)
    with (folder / "collection.tsv").open("w", encoding="utf-8") as stream:
        for number in range(passages):
            a, b, c = generator.choices(pool, k=3)
            stream.write(f"{number}\t{a} {b} {c[: 60 + number % 80]} {number}\n")
    with (folder / "queries.train.tsv").open("w", encoding="utf-8") as stream:
        stream.writelines(f"q{number}\t{generator.choice(pool)[:40]} {number}\n" for number in range(queries))
    with (folder / "qrels.train.tsv").open("w", encoding="utf-8") as stream:
        stream.writelines(f"q{number}\t0\t{generator.randrange(passages)}\t1\n" for number in range(queries))


def documentation_words() -> list[str]:
    """Words of what some modules document."""
    import argparse
    import decimal
    import email
    import logging
    import socket

    modules = (argparse, decimal, email, logging, socket, os, random, shutil, subprocess)
    return [word for module in modules for value in vars(module).values() for word in str(value.__doc__).split()]


def memory() -> dict[str, int]:
    """Peak and present memory of this process in bytes, from /proc/self/status.

    VmHWM is the peak of all resident pages, mapped files among them; RssAnon is what the process itself holds.
    """
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(fields[name].split()[0]) * 1024 for name in ("VmHWM", "VmRSS", "RssAnon", "RssFile")}


def step_import(source: str, cache: str) -> dict[str, object]:
    """Import, in this process."""
    from distillir.collections import load_collection

    start = time.perf_counter()
    collection = load_collection(source, cache=Path(cache))
    return {"seconds": time.perf_counter() - start, "path": str(collection.path), **memory()}


def step_open(source: str, cache: str) -> dict[str, object]:
    """Open the import as a user does, by its source."""
    from distillir.collections import load_collection

    before = memory()
    start = time.perf_counter()
    collection = load_collection(source, cache=Path(cache))
    seconds = time.perf_counter() - start
    sizes = [len(collection.corpus), len(collection.queries), len(collection.qrels("train"))]
    return {"seconds": seconds, "sizes": sizes, "VmRSS before": before["VmRSS"], **memory()}


def step_lookup(source: str, cache: str) -> dict[str, object]:
    """Open, then find random ids and read their texts."""
    from distillir.collections import load_collection

    collection = load_collection(source, cache=Path(cache))
    generator = random.Random(1)
    wanted = [generator.randrange(len(collection.corpus)) for _ in range(LOOKUPS)]
    start = time.perf_counter()
    rows = collection.corpus.rows([str(number) for number in wanted])
    found = time.perf_counter()
    texts = collection.corpus.texts(rows)
    read = time.perf_counter()
    assert rows.tolist() == wanted
    assert all(text.endswith(f" {number}") for text, number in zip(texts, wanted, strict=True))
    return {"ids": found - start, "texts": read - found, **memory()}


STEPS = {"import": step_import, "open": step_open, "lookup": step_lookup}


def in_fresh_process(step: str, source: Path, cache: Path) -> dict[str, float]:
    """Run a step in a process of its own and take what it reports."""
    command = [sys.executable, __file__, "--step", step, "--source", str(source), "--cache", str(cache)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    result: dict[str, float] = json.loads(output.strip().splitlines()[-1])
    return result


def folder_bytes(folder: Path) -> int:
    """Size of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def hardware() -> str:
    """One line on the machine."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return f"{model}, {os.cpu_count()} cores, {total:.0f} GiB, Python {platform.python_version()}"


def measure(arguments: argparse.Namespace) -> str:
    """Generate, import, open, look up; returns the report."""
    with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
        source, cache = Path(temporary) / "passages", Path(temporary) / "cache"
        needed, free = arguments.passages * 900, shutil.disk_usage(temporary).free
        if free < needed:
            sys.exit(f"needs about {needed / GIB:.0f} GiB in {temporary}, which has {free / GIB:.0f} GiB")
        generate(source, arguments.passages, arguments.queries)
        imported = in_fresh_process("import", source, cache)
        opened = in_fresh_process("open", source, cache)
        looked_up = in_fresh_process("lookup", source, cache)
        source_bytes, cache_bytes = folder_bytes(source), folder_bytes(cache)
    rows = [
        ("import", f"{imported['seconds']:.0f} s", imported),
        ("open", f"{opened['seconds']:.3f} s", opened),
        (
            f"open and look up {LOOKUPS:,} random ids and their texts",
            f"{looked_up['ids']:.2f} s for the ids, {looked_up['texts']:.2f} s for the texts",
            looked_up,
        ),
    ]
    lines = [
        "# A collection of the size of MS MARCO",
        "",
        "Command: "
        f"`python benchmarks/large_collection.py --passages {arguments.passages} --queries {arguments.queries}`",
        "",
        f"Hardware: {hardware()}. Load average at the end: {os.getloadavg()[0]:.1f}.",
        "",
        f"{arguments.passages:,} generated passages and {arguments.queries:,} judged queries: {source_bytes / GIB:.2f} "
        f"GiB as MS MARCO files, {cache_bytes / GIB:.2f} GiB imported.",
        "",
        "| step, in a process of its own | time | peak resident | at the end: held by the process | mapped files |",
        "|---|---|---|---|---|",
    ]
    for name, seconds, result in rows:
        peak, own, mapped = (f"{result[key] / GIB:.2f} GiB" for key in ("VmHWM", "RssAnon", "RssFile"))
        lines.append(f"| {name} | {seconds} | {peak} | {own} | {mapped} |")
    lines += [
        "",
        f"Python, numpy and pyarrow alone take {opened['VmRSS before'] / GIB:.2f} GiB. Mapped files are pages of the "
        "collection that were touched, and neighbours that the kernel maps along; they are cache, which the kernel "
        "takes back when memory is short. Times with the files in the page cache.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Parse the command line; run one step or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=8_841_823)
    parser.add_argument("--queries", type=int, default=500_000)
    parser.add_argument("--folder", type=Path, default=None, help="where the temporary files go")
    parser.add_argument("--output", type=Path, default=None, help="also write the report to this file")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--source", help=argparse.SUPPRESS)
    parser.add_argument("--cache", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(STEPS[arguments.step](arguments.source, arguments.cache)))
        return
    report = measure(arguments)
    print(report)
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
