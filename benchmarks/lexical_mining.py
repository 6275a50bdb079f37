"""BM25 at the size of MS MARCO: building the index, and queries a second, pruned and by adding up all postings.

    python benchmarks/lexical_mining.py --folder BIG --output benchmarks/results/lexical_mining.md

BIG keeps what is made: the collection of `zipf_collection.py`, imported (3.2 GB for 8.8 million passages), and the
index (3.8 GB; 3 GB more while it is built). A second run uses them; --collection names another collection instead.
Both searches are timed in one process, in turns, so that what else runs on the machine slows both.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

GIB = 1 << 30
#: In so many turns are the two searches timed.
TURNS = 4


def memory() -> dict[str, float]:
    """Peak resident memory of this process, and what it holds itself now, without mapped files, in GiB."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak, own = (int(fields[name].split()[0]) * 1024 / GIB for name in ("VmHWM", "RssAnon"))
    return {"peak": peak, "own": own}


def spent(since: float) -> dict[str, float]:
    """Seconds since then, and of processors so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"seconds": time.perf_counter() - since, "processor seconds": used.ru_utime + used.ru_stime}


def step_import(arguments: argparse.Namespace) -> dict[str, Any]:
    """Generate the collection and import it."""
    from zipf_collection import generate

    from distillir.collections import load_collection

    start, source = time.perf_counter(), arguments.folder / "generated"
    shutil.rmtree(source, ignore_errors=True)
    generate(source, arguments.passages, arguments.passages // 17)
    collection = load_collection(source, cache=arguments.folder)
    shutil.rmtree(source)
    return {"path": str(collection.path), **spent(start), **memory()}


def step_build(arguments: argparse.Namespace) -> dict[str, Any]:
    """Build the index, or open the one that is there."""
    from distillir.collections import Collection
    from distillir.retrieval.bm25 import BM25Index

    start = time.perf_counter()
    BM25Index.build_or_load(Collection(arguments.collection), cache=arguments.folder / "bm25")
    return {**spent(start), **memory()}


def step_search(arguments: argparse.Namespace) -> dict[str, Any]:
    """Search by both ways, and compare."""
    import numpy as np

    from distillir.collections import Collection
    from distillir.retrieval.bm25 import BM25Index
    from distillir.retrieval.bm25_search import FullSearch, PrunedSearch, allowed_threads

    collection, start = Collection(arguments.collection), time.perf_counter()
    index = BM25Index.build_or_load(collection, cache=arguments.folder / "bm25")
    opened = time.perf_counter() - start
    pruned, full = index._search, FullSearch(index._index)
    assert isinstance(pruned, PrunedSearch)
    rows = np.random.default_rng(0).permutation(len(collection.queries))[: arguments.queries]
    searches: dict[str, tuple[Any, Any]] = {"pruned": (pruned, rows), "full": (full, rows[: arguments.full])}
    seconds, runs = dict.fromkeys(searches, 0.0), {}
    parts: dict[str, list[Any]] = {name: [] for name in searches}
    index.search(rows[:64], arguments.depth)  # compiled, or read from where that is kept
    for turn in range(TURNS):
        for name, (search, asked) in searches.items():
            index._search = search
            start = time.perf_counter()
            parts[name].append(index.search(np.array_split(asked, TURNS)[turn], arguments.depth))
            seconds[name] += time.perf_counter() - start
    pointers = index._index.scores["indptr"]
    postings = [sum(int(pointers[t + 1] - pointers[t]) for t in set(terms)) for terms in index._terms(rows[:1000])]
    equal = 0
    index._search = pruned
    for run in parts["full"]:
        again = index.search(run.queries, arguments.depth)
        for place in range(len(run)):
            (documents, scores), (others, their_scores) = run.of(place), again.of(place)
            equal += np.array_equal(documents, others) and np.array_equal(scores, their_scores)
    runs = {name: seconds[name] / len(searches[name][1]) for name in searches}
    return {
        "open": opened,
        "per query": runs,
        "compared": arguments.full,
        "equal": equal,
        "threads": allowed_threads(),
        "passages": len(collection.corpus),
        "postings": int(pointers[-1]),
        "postings a query": float(np.mean(postings)),
        **memory(),
    }


STEPS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "import": step_import,
    "build": step_build,
    "search": step_search,
}


def in_fresh_process(step: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run a step in a process of its own and take what it reports."""
    names = ("folder", "collection", "passages", "queries", "full", "depth")
    options = [f"--{name}={value}" for name in names if (value := getattr(arguments, name)) is not None]
    command = [sys.executable, __file__, "--step", step, *options]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    result: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return result


def hardware() -> str:
    """One line on the machine."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.processor())
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


def measure(arguments: argparse.Namespace) -> str:
    """Generate, import and build what is missing, search; returns the report."""
    arguments.folder.mkdir(parents=True, exist_ok=True)
    lines = [f"Hardware: {hardware()}."]
    if arguments.collection is None:
        there = sorted((arguments.folder / "collections").glob("generated-*"))
        if not there:
            done = in_fresh_process("import", arguments)
            lines.append(f"Generated and imported in {done['seconds']:.0f} s, peak {done['peak']:.2f} GiB resident.")
            there = [Path(done["path"])]
        arguments.collection = there[0]
    if not (arguments.folder / "bm25").is_dir():
        done = in_fresh_process("build", arguments)
        lines.append(
            f"Index built in {done['seconds']:.0f} s ({done['processor seconds']:.0f} s of the processor), peak "
            f"{done['peak']:.2f} GiB resident, mapped files among them, {done['own']:.2f} GiB of its own at the end."
        )
    done = in_fresh_process("search", arguments)
    size = sum(file.stat().st_size for file in (arguments.folder / "bm25").rglob("*") if file.is_file())
    pruned, full = done["per query"]["pruned"], done["per query"]["full"]
    lines += [
        f"{done['passages']:,} passages, {done['postings']:,} postings, {size / GIB:.2f} GiB of index, opened in "
        f"{done['open']:.1f} s; {done['postings a query']:,.0f} postings of a query in the mean.",
        f"Search: peak {done['peak']:.2f} GiB resident, mapped files among them, {done['own']:.2f} GiB of its own.",
        f"{done['equal']} of {done['compared']} lists by both ways are equal, documents and float32 scores to the bit.",
        f"Load average at the end: {os.getloadavg()[0]:.1f}.",
        "",
        f"| search, depth {arguments.depth} | queries | ms a query | queries a second |",
        "|---|---|---|---|",
        f"| all postings, one thread | {arguments.full:,} | {1000 * full:.1f} | {1 / full:.1f} |",
        f"| pruned, {done['threads']} threads | {arguments.queries:,} | {1000 * pruned:.2f} | {1 / pruned:.0f} |",
        "",
        f"{full / pruned:.1f} times as many.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Parse the command line; run one step or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where collection and index lie, or are made")
    parser.add_argument("--collection", type=Path, help="an imported collection (default: one is generated)")
    parser.add_argument("--passages", type=int, default=8_841_823)
    parser.add_argument("--queries", type=int, default=10_000, help="searched with pruning")
    parser.add_argument("--full", type=int, default=200, help="of them searched by adding up all postings, too")
    parser.add_argument("--depth", type=int, default=100)
    parser.add_argument("--output", type=Path, help="also write the report to this file")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(STEPS[arguments.step](arguments)))
        return
    report = measure(arguments)
    print(report)
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(f"# BM25 at the size of MS MARCO\n\n{report}", encoding="utf-8")


if __name__ == "__main__":
    main()
