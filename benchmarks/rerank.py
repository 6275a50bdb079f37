"""Re-rank BM25's candidates with cross-encoders, and test each against the first: nDCG@10 and MRR@10.

python benchmarks/rerank.py path/to/collection runs/binary runs/listwise [--split test] [--depth 10]
"""

import argparse
from typing import Any

import distillir
from distillir.collections.run import from_lists
from distillir.teachers.load import load_teacher

MEASURES = ("nDCG@10", "MRR@10")


def main() -> None:
    """Print a line for BM25's own order and one for each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection", help="a BEIR folder")
    parser.add_argument("models", nargs="+", help="cross-encoders, the first of which the others are compared with")
    parser.add_argument("--split", default="test", help="whose judged queries")
    parser.add_argument("--depth", type=int, default=10, help="candidates a query")
    options = parser.parse_args()
    collection = distillir.load_collection(options.collection)
    found = distillir.mine(collection, "bm25", options.depth, queries=options.split)
    settings: dict[str, Any] = {"split": options.split, "measures": MEASURES, "depth": options.depth}
    print("bm25", dict(distillir.evaluate(collection, found, **settings)))
    first = None
    for model in options.models:
        scores = load_teacher({"cross-encoder": model}).score(collection, found.queries, found.lists)
        run = from_lists(found.queries, found.lists, scores)
        measured = distillir.evaluate(collection, run, before=first, **settings)
        first = first or measured
        print(model, dict(measured))
        if measured.comparison:
            one = measured.comparison[0]
            print(f"  {one.difference:+.3f} [{one.low:+.3f}, {one.high:+.3f}], p {one.p_value:.2g}")


if __name__ == "__main__":
    main()
