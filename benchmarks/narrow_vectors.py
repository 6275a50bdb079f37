"""Narrow vectors against float32: overlap of the lists, seconds as ratios within one run, bytes that a search reads.

Vectors are a model's, of a collection's documents and queries, or random ones of a fixed seed (``--documents``).

    python benchmarks/narrow_vectors.py /tmp/narrow --collection path/to/beir --model all-MiniLM-L6-v2
    python benchmarks/narrow_vectors.py /tmp/narrow --documents 1000000 --width 128
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from distillir.encoding.narrow_copies import ScanCopy
from distillir.encoding.store import VectorStore
from distillir.retrieval.approximate import faiss_search
from distillir.retrieval.exact import exact_search
from distillir.retrieval.rescore import certain, rescore

_BLOCK = 65_536


def model_vectors(asked: argparse.Namespace) -> tuple[Any, Any]:
    """Vectors of queries and of documents by a model, of length 1, from the cache or encoded now."""
    import distillir
    from distillir.encoding.vectors import encode_table

    collection: Any = distillir.load_collection(asked.collection)
    queries = encode_table(asked.model, collection.queries, kind="query", precision="float32")
    documents = encode_table(asked.model, collection.corpus, kind="document", precision="float32")
    return np.asarray(queries[: asked.queries]), documents


def random_vectors(asked: argparse.Namespace) -> tuple[Any, Any]:
    """Vectors of independent normal numbers, brought to length 1."""
    draw = np.random.default_rng(0)
    both = [draw.standard_normal((count, asked.width), dtype=np.float32) for count in (asked.queries, asked.documents)]
    for vectors in both:
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return both[0], both[1]


def overlap(found: Any, exact: Any, depth: int) -> float:
    """Share of the exact lists' first documents that are among the found lists' first."""
    pairs = zip(found[:, :depth], exact[:, :depth], strict=True)
    return float(np.mean([len(np.intersect1d(one, other)) / depth for one, other in pairs]))


def timed(search: Callable[[], Any], rounds: int) -> tuple[Any, float]:
    """What a search finds, and the fewest seconds of some rounds."""
    best, found = float("inf"), None
    for _ in range(rounds):
        start = time.perf_counter()
        found = search()
        best = min(best, time.perf_counter() - start)
    return found, best


def main() -> None:
    """Search by each form, and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--collection", type=Path)
    parser.add_argument("--model", default="all-MiniLM-L6-v2")
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--queries", type=int, default=512)
    parser.add_argument("--depth", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--rescore", type=int, nargs="+", default=[2, 4])
    parser.add_argument(
        "--factory", nargs="*", default=[], help="faiss strings with their search: IVF1024,SQ8:nprobe=64"
    )
    parser.add_argument("--forms", nargs="*", default=["float16", "int8"])
    asked = parser.parse_args()
    queries, documents = (model_vectors if asked.collection else random_vectors)(asked)
    store = VectorStore(asked.folder / f"{len(documents)}x{documents.shape[1]}", len(documents), documents.shape[1])
    for start in range(0, len(documents), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(documents)), dtype=np.int64)
        if len(missing := store.missing(rows)):
            store.write(missing, documents[missing])
    depth = min(asked.depth, len(documents))
    vectors = store.vectors
    print(f"{len(queries)} queries, {len(documents)} documents of {documents.shape[1]} numbers, depth {depth}")
    (exact, _), reference = timed(lambda: exact_search(queries, vectors, depth), asked.rounds)
    print(f"float32: {vectors.nbytes / 1e6:.1f} MB read, 1.00 of its seconds ({reference:.2f} s)", flush=True)
    for named in asked.factory:
        factory, search = named.split(":")
        options: dict[str, Any] = {"factory": factory, "search": search, "cache": asked.folder / "faiss"}
        began = time.perf_counter()
        faiss_search(queries[:1], vectors, depth, **options)
        print(f"{factory}: made in {(time.perf_counter() - began) / reference:.2f} of the seconds", flush=True)
        for times in (1, *asked.rescore):

            def visit(times: int = times, options: dict[str, Any] = options) -> Any:
                found, _ = faiss_search(queries, vectors, depth * times, **options)
                return found if times == 1 else rescore(queries, vectors, found, depth, cosine=False).rows

            found, spent = timed(visit, asked.rounds)
            print(
                f"{named}, {'alone' if times == 1 else f'rescore {times}'}: {spent / reference:.2f} of the seconds, "
                f"overlap@10 {overlap(found, exact, 10):.4f}, @{depth} {overlap(found, exact, depth):.4f}",
                flush=True,
            )
    for form in asked.forms:
        copy = ScanCopy(store, form)
        narrow = copy.vectors
        (found, _), spent = timed(partial(exact_search, queries, narrow, depth), asked.rounds)
        print(
            f"{form} alone: {narrow.nbytes / 1e6:.1f} MB read, {spent / reference:.2f} of the seconds, "
            f"overlap@10 {overlap(found, exact, 10):.4f}, @{depth} {overlap(found, exact, depth):.4f}, "
            f"products off by {copy.error(cosine=False):.5f} at most",
            flush=True,
        )
        for times in asked.rescore:

            def both(narrow: Any = narrow, times: int = times) -> tuple[Any, Any]:
                found, scanned = exact_search(queries, narrow, depth * times)
                return rescore(queries, vectors, found, depth, cosine=False), scanned

            (best, scanned), spent = timed(both, asked.rounds)
            sure = certain(queries, best, scanned[:, -1], copy.error(cosine=False), False)
            print(
                f"{form}, rescore {times}: {spent / reference:.2f} of the seconds, "
                f"overlap@10 {overlap(best.rows, exact, 10):.4f}, @{depth} {overlap(best.rows, exact, depth):.4f}, "
                f"{sure.mean():.3f} of the lists certain",
                flush=True,
            )


if __name__ == "__main__":
    main()
