"""What kinds of student cost: size of the index, time of a query, pairs a second in training.

    python benchmarks/student_costs.py --collection path/to/scifact --student dense=runs/a/student \
        --student multi-vector=runs/b/student --student sparse=runs/c/student

A query's time is from its text to its 10 best documents, one query at a time, the model and the index in memory:
dense vectors by faiss' flat index, token vectors by exact MaxSim over all documents and over the 200 candidates of
the late-interaction index, sparse vectors by the inverted index. The kinds alternate query by query, so that noise
of the machine meets all; the medians' ratio to dense is told. Training: steps of 16 queries with 8 candidates each,
alternating, again as a ratio.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from training_throughput import BM25Lists

from distillir.collections import Collection, load_collection
from distillir.evaluation.index_size import index_size
from distillir.students.load import load_student

QUERIES = 60


def searcher(kind: str, model: str, collection: Collection) -> dict[str, Callable[[str], Any]]:
    """Ways of searching: a text to document rows."""
    loaded = load_student(model, kind=kind, device="cpu").eval()

    def encode(text: str) -> Any:
        return loaded.encode_query([text], show_progress_bar=False)

    if kind == "dense":
        import faiss

        from distillir.encoding.vectors import encode_table

        vectors = np.array(encode_table(model, collection.corpus, kind="document"))
        faiss.normalize_L2(vectors)
        index: Any = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        return {"dense": lambda text: index.search(np.asarray(encode(text), dtype=np.float32), 10)[1][0]}
    if kind == "sparse":
        from scipy.sparse import csr_matrix

        from distillir.encoding.sparse_vectors import encode_sparse

        postings = encode_sparse(model, collection.corpus, kind="document").T.tocsr()

        def sparse(text: str) -> Any:
            query = encode(text).coalesce()
            places = (query.values().numpy(), query.indices().numpy())
            scores = (csr_matrix(places, shape=(1, postings.shape[0])) @ postings).toarray()[0]
            return np.argsort(-scores)[:10]

        return {"sparse": sparse}
    from distillir.base.files import cache_root
    from distillir.encoding.token_vectors import encode_tokens
    from distillir.retrieval.late_index import LateIndex
    from distillir.retrieval.maxsim import maxsim

    documents = encode_tokens(model, collection.corpus, kind="document")
    every = documents.of(np.arange(documents.rows))
    index = LateIndex(documents, cache_root() / "late-index" / documents.folder.name)

    def exact(text: str) -> Any:
        return np.argsort(-maxsim([encode(text)[0].numpy()], every)[0])[:10]

    def indexed(text: str) -> Any:
        query = encode(text)[0].numpy()
        rows = index.search(query, 200, 16)
        return rows[np.argsort(-maxsim([query], [every[row] for row in rows.tolist()])[0])[:10]]

    return {"multi-vector, all documents": exact, "multi-vector, index": indexed}


def latency(students: dict[str, str], collection: Collection) -> dict[str, float]:
    """Median seconds of a query by each way of searching."""
    ways: dict[str, Callable[[str], Any]] = {}
    for kind, model in students.items():
        ways |= searcher(kind, model, collection)
    texts = collection.queries.texts(collection.qrels("test").query_rows[:QUERIES])
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number, text in enumerate([*texts[:3], *texts]):
        for name, search in ways.items():
            start = time.perf_counter()
            search(text)
            if number >= 3:  # the first ones build kernels
                taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in taken.items()}


def training(students: dict[str, str], collection: Collection, length: int) -> dict[str, float]:
    """Pairs a second in training: the median of three rounds."""
    from distillir.objectives import parse_objective
    from distillir.plans.settings import TrainingSettings
    from distillir.signals.scores.training import ScoresTraining
    from distillir.training.train import train_student

    lists = BM25Lists(collection, 96, 8)
    kl = [ScoresTraining(parse_objective("kl"))]
    settings = TrainingSettings(
        epochs=1, queries_per_step=16, candidates_per_query=None, max_length=length, checkpoint_seconds=1e9
    )
    rates: dict[str, list[float]] = {kind: [] for kind in students}
    for _ in range(3):
        for kind, model in students.items():
            loaded = load_student(model, kind=kind)
            with tempfile.TemporaryDirectory() as folder:
                work = Path(folder)
                train_student(loaded, collection, lists, settings, work, work / "log.jsonl", signals=kl)
                seconds = [line.rpartition('"seconds": ')[2] for line in (work / "log.jsonl").read_text().splitlines()]
            # From the first step's end to the last's: what is tokenised and built before is left out.
            first, last = (float(seconds[place].rstrip("}")) for place in (0, -1))
            rates[kind].append(16 * 8 * (len(seconds) - 1) / (last - first))
    return {kind: statistics.median(values) for kind, values in rates.items()}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--collection", required=True)
    parser.add_argument("--student", action="append", required=True, metavar="KIND=FOLDER")
    parser.add_argument("--length", type=int, default=96, help="tokens that training reads")
    arguments = parser.parse_args()
    collection = load_collection(arguments.collection)
    students = dict(part.split("=", 1) for part in arguments.student)
    rows = collection.qrels("test").query_rows[:QUERIES]
    print("| student | of a document | bytes a document | of a query |\n|---|---|---|---|")
    for kind, model in students.items():
        size = index_size(model, collection, rows, "auto")
        made = f"{size['per_document']:g} {size['unit']}"
        print(
            f"| {kind} | {made} | {size['bytes_per_document']:,} | {size['per_query']:g} {size['unit']} |", flush=True
        )
    print("\n| search | median of a query, ratio to dense | ms here |\n|---|---|---|")
    found = latency(students, collection)
    for name, seconds in found.items():
        print(f"| {name} | {seconds / found['dense']:.1f} | {1000 * seconds:.1f} |", flush=True)
    print("\n| training | pairs a second, ratio to dense |\n|---|---|")
    for kind, rate in (rates := training(students, collection, arguments.length)).items():
        print(f"| {kind} | {rate / rates['dense']:.2f} |", flush=True)


if __name__ == "__main__":
    main()
