"""Token vectors and weights of words in fewer bits: bytes on disk, and how far the lists are those of float32.

Documents are encoded once as float32, into the cache, and narrowed from there.

    python benchmarks/narrow_tokens.py COLLECTION --late path/to/multi-vector --sparse path/to/sparse
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

import distillir
from distillir.collections.run import Run
from distillir.encoding.sparse_vectors import encode_words
from distillir.encoding.token_vectors import encode_tokens
from distillir.retrieval.multi_vector import MultiVectorRetriever
from distillir.retrieval.sparse import SparseRetriever


def overlap(found: Run, exact: Run, depth: int) -> float:
    """Share of the exact lists' first documents that are among the found lists' first."""
    pairs = [(a[:depth], b[:depth]) for a, b in zip(found.lists, exact.lists, strict=True) if len(b)]
    return float(np.mean([len(np.intersect1d(one, other)) / len(other) for one, other in pairs]))


def main() -> None:
    """Search by each form, and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", type=Path)
    parser.add_argument("--late")
    parser.add_argument("--sparse")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--depth", type=int, default=100)
    parser.add_argument("--max-length", type=int, default=None)
    asked = parser.parse_args()
    collection: Any = distillir.load_collection(asked.collection)
    rows = np.random.default_rng(0).permutation(len(collection.queries))[: asked.queries].astype(np.int64)
    kinds: list[tuple[Any, Any, str | None, tuple[str, ...], tuple[str, ...]]] = [
        (MultiVectorRetriever, encode_tokens, asked.late, ("float32", "float16", "int8"), ("vectors", "scales")),
        (SparseRetriever, encode_words, asked.sparse, ("float32", "float16"), ("words", "values")),
    ]
    settings: dict[str, Any] = {"max_length": asked.max_length, "precision": "float32"}
    for retriever, encode, model, forms, names in kinds:
        exact: Run | None = None
        for form in forms if model is not None else ():
            start = time.perf_counter()
            encoded = encode(model, collection.corpus, kind="document", stored=form, **settings)
            made, start = time.perf_counter() - start, time.perf_counter()
            options = {"first_depth": asked.depth} if retriever is MultiVectorRetriever else {}
            run = retriever(model, stored=form, **settings, **options).search(collection, np.sort(rows), asked.depth)
            spent = time.perf_counter() - start
            exact = exact or run
            segments = encoded._segments.paths
            size = sum(file.stat().st_size for path in segments for name in names for file in path.glob(f"{name}.npy"))
            print(
                f"{retriever.__name__} {form}: {encoded.count} units of {len(collection.corpus)} documents, "
                f"{size / 1e6:.1f} MB, made or opened in {made:.1f} s, {len(rows)} queries in {spent:.1f} s, "
                f"overlap@10 {overlap(run, exact, 10):.4f}, @{asked.depth} {overlap(run, exact, asked.depth):.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
