"""Load on `distillir serve`: how long searches take, alone and with many users at once, and whether any fails.

    python benchmarks/serve_load.py make FOLDER --documents 100000      # a collection, and a run on it
    distillir serve FOLDER/run --port 8108
    python benchmarks/serve_load.py load http://127.0.0.1:8108 --users 50 --seconds 60

The documents are words drawn by a Zipf law, so that BM25's postings are as long as those of a language; their vectors
have the width of all-MiniLM-L6-v2's. What the texts mean is of no weight for the time a search takes.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import numpy as np

WORDS, PER_DOCUMENT, PER_QUERY, QUERIES = 30_000, 30, 6, 64


def make(folder: Path, documents: int) -> None:
    """Write a BEIR folder and a recipe, and run it.

    Args:
        folder: Where.
        documents: How many.
    """
    draw = np.random.default_rng(0)
    share = 1 / np.arange(1, WORDS + 1)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = ["".join(draw.choice(letters, 3 + rank % 7)) for rank in range(WORDS)]
    drawn = draw.choice(WORDS, (documents, PER_DOCUMENT), p=share / share.sum())
    beir = folder / "collection"
    (beir / "qrels").mkdir(parents=True, exist_ok=True)
    with (beir / "corpus.jsonl").open("w") as file:
        for row, chosen in enumerate(drawn):
            file.write(json.dumps({"_id": f"d{row}", "title": "", "text": " ".join(words[w] for w in chosen)}) + "\n")
    with (beir / "queries.jsonl").open("w") as file:
        for row in range(2 * QUERIES):
            text = " ".join(words[w] for w in drawn[row][:PER_QUERY])
            file.write(json.dumps({"_id": f"q{row}", "text": text}) + "\n")
    for split, start in (("train", 0), ("test", QUERIES)):
        lines = [f"q{row}\td{row}\t1" for row in range(start, start + QUERIES)]
        (beir / "qrels" / f"{split}.tsv").write_text("query-id\tcorpus-id\tscore\n" + "\n".join(lines) + "\n")
    recipe = {
        "collection": str(beir),
        "teacher": "bm25",
        "student": {"model": "all-MiniLM-L6-v2", "layers": 3, "max_length": 16},
        "candidates": {"from": "bm25", "depth": 10},
        "method": "kl",
        "training": {"epochs": 1},
    }
    (folder / "recipe.yaml").write_text(json.dumps(recipe))
    command = [sys.executable, "-m", "distillir", "run", str(folder / "recipe.yaml"), "--output", str(folder / "run")]
    subprocess.run(command, check=True)


async def load(address: str, users: int, seconds: float, pause: float, queries: list[str]) -> None:
    """Ask as many users would, each the next query when the last is answered.

    Args:
        address: Of the server.
        users: How many.
        seconds: How long.
        pause: Seconds that a user looks at an answer.
        queries: What they ask, in turn.
    """
    spent: list[float] = []
    ended: Counter[str] = Counter()
    until = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=users, max_keepalive_connections=users)
    async with httpx.AsyncClient(base_url=address, timeout=300, limits=limits) as client:

        async def user(number: int) -> None:
            asked = number
            while time.monotonic() < until:
                begun = time.monotonic()
                try:
                    answer = await client.post("/api/search", json={"query": queries[asked % len(queries)]})
                    ended[str(answer.status_code)] += 1
                except httpx.HTTPError as error:
                    ended[type(error).__name__] += 1
                spent.append(time.monotonic() - begun)
                asked += users
                await asyncio.sleep(pause)

        await asyncio.gather(*(user(number) for number in range(users)))
    times = 1000 * np.array(spent)
    told = ", ".join(f"{count} {what}" for what, count in ended.most_common())
    p50, p95 = np.percentile(times, [50, 95])
    print(
        f"{users} users, {seconds:.0f} s: {len(times)} answers ({told}), {len(times) / seconds:.1f} a second, "
        f"p50 {p50:.0f} ms, p95 {p95:.0f} ms, slowest {times.max():.0f} ms"
    )


def some_queries(address: str) -> list[str]:
    """Texts of the evaluation queries of a server's run."""
    told = httpx.get(f"{address}/api/queries", params={"limit": 200}, timeout=60).json()
    return [query["text"] for query in told["queries"]]


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    verbs = parser.add_subparsers(dest="verb", required=True)
    maker = verbs.add_parser("make")
    maker.add_argument("folder", type=Path)
    maker.add_argument("--documents", type=int, default=100_000)
    loader = verbs.add_parser("load")
    loader.add_argument("address")
    loader.add_argument("--users", type=int, default=50)
    loader.add_argument("--seconds", type=float, default=60)
    loader.add_argument("--pause", type=float, default=0)
    given = parser.parse_args()
    if given.verb == "make":
        make(given.folder, given.documents)
    else:
        queries = some_queries(given.address)
        asyncio.run(load(given.address, given.users, given.seconds, given.pause, queries))


if __name__ == "__main__":
    main()
