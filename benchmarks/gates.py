"""The gates of two methods, before anything is trained: are hard negatives trivial, and who is right of close pairs?

python benchmarks/gates.py path/to/squadshifts-wiki [--queries 300] [--split train]

ADAM: how much of the softmax of BM25 + all-MiniLM-L6-v2 the judged positive has in lists of 8 (the positive and random
ones of the others) and in the whole list, by temperature, and the softmax's entropy. PairDistill: of pairs up to five
ranks apart in all-MiniLM-L6-v2's order with one judged relevant, how often it and BM25 put that one first.
"""

import argparse
from itertools import combinations

import numpy as np

import distillir

MINILM = {"dense": {"model": "all-MiniLM-L6-v2", "max_length": 128}}
TEMPERATURES = (2.0, 1.14, 0.7, 0.4, 0.2)
DISTANCE = 5  # ranks (Huang and Chen 2024, PairDistill)
SHORT = 8


def softmax_of(scores: np.ndarray, temperature: float) -> tuple[float, float]:
    """The first one's share, and the entropy as a share of the uniform distribution's."""
    scaled = scores / temperature
    share = np.exp(scaled - scaled.max())
    share /= share.sum()
    return float(share[0]), float(-(share * np.log(share + 1e-12)).sum() / np.log(len(share)))


def confidence(scores: list[np.ndarray], relevant: list[np.ndarray]) -> None:
    """Print ADAM's table."""
    rng = np.random.default_rng(0)
    lists: dict[int, list[np.ndarray]] = {SHORT: [], 0: []}
    for one, judged in zip(scores, relevant, strict=True):
        if judged.any():
            best = int(np.argmax(np.where(judged, one, -np.inf)))
            others = rng.permutation(np.delete(one, best))
            lists[SHORT].append(np.r_[one[best], others[: SHORT - 1]])
            lists[0].append(np.r_[one[best], others])
    print("| temperature | list | positive's share: median | above 0.9 | entropy of uniform |\n|---|---|---|---|---|")
    for temperature in TEMPERATURES:
        for size, cut in lists.items():
            found = np.array([softmax_of(one, temperature) for one in cut])
            shares = found[:, 0]
            print(
                f"| {temperature} | {size or 'whole'} | {np.median(shares):.3f} | {(shares > 0.9).mean():.0%} "
                f"| {found[:, 1].mean():.2f} |"
            )


def close_pairs(lists: list[np.ndarray], others: list[np.ndarray], relevant: list[np.ndarray]) -> None:
    """Print PairDistill's line."""
    right: list[tuple[bool, bool]] = []
    for own, other, judged in zip(lists, others, relevant, strict=True):
        order = np.argsort(-own, kind="stable")
        for first, second in combinations(range(len(order)), 2):
            one, two = order[first], order[second]
            if second - first <= DISTANCE and judged[one] != judged[two]:
                right.append((bool(judged[one]), bool((other[one] > other[two]) == judged[one])))
    by_list, by_pair = np.mean(right, axis=0)
    print(f"\nOf {len(right)} close pairs all-MiniLM-L6-v2 is right in {by_list:.1%}, BM25 in {by_pair:.1%}")


def main() -> None:
    """Print the table and the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", help="a BEIR folder")
    parser.add_argument("--split", default="train", help="whose judged queries")
    parser.add_argument("--queries", type=int, default=300, help="so many of them, evenly spaced")
    options = parser.parse_args()
    collection = distillir.load_collection(options.collection)
    rows = collection.qrels(options.split).query_rows
    chosen = [int(row) for row in rows[np.linspace(0, len(rows) - 1, min(options.queries, len(rows))).astype(int)]]
    found = distillir.mine(collection, ["bm25", MINILM], depth=50, queries=chosen)
    sets = [
        distillir.score(collection, found, teacher=teacher, judgements=options.split)
        for teacher in ({"ensemble": ["bm25", MINILM]}, MINILM, "bm25")
    ]
    scores = [[np.asarray(one.scores(place), dtype=np.float64) for place in range(len(one))] for one in sets]
    relevant = [np.asarray(sets[0].relevant(place)) for place in range(len(sets[0]))]
    confidence(scores[0], relevant)
    close_pairs(scores[1], scores[2], relevant)


if __name__ == "__main__":
    main()
