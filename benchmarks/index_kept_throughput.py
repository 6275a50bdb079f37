"""Training against vectors that stay: scored pairs a second, what a step is made of, and a step at 8.8 million vectors.

    python benchmarks/index_kept_throughput.py --collection path/to/squadshifts-wiki

The same student is trained by `kl` on the same lists, once as a query encoder against its own vectors and once on both
sides, at lists of 50 and of 8; the first step, which builds kernels, is not counted. Then one step is taken apart:
collation, queries forward and backward, scores and loss forward and backward, optimiser. At last a step on lists drawn
from 8.8 million random vectors (float16, in a sparse file: those that lists name are written), with the peak memory.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from training_throughput import BM25Lists

from distillir.batches.features import features_of, whole
from distillir.batches.tokens import tokenise
from distillir.collections import Collection, load_collection
from distillir.dry_run.training import Clock
from distillir.objectives import parse_objective
from distillir.plans.example_stream import ExampleStream
from distillir.plans.plain_lists import PlainLists
from distillir.plans.settings import TrainingSettings
from distillir.plans.training_example import TrainingExample
from distillir.signals.scores.training import ScoresTraining
from distillir.students.kept_documents.kind import KeptDocumentsKind
from distillir.students.kept_documents.spec import DocumentsSpec
from distillir.students.kept_documents.vectors import DocumentVectors, VectorFeatures
from distillir.students.load import load_student
from distillir.training.collator import ExampleCollator
from distillir.training.loss import ExampleLoss
from distillir.training.train import train_student

SIZES = (50, 8)
KL = ScoresTraining(parse_objective("kl"))


def student(arguments: argparse.Namespace, kept: bool) -> Any:
    """The student, as a query encoder or for both sides."""
    spec = {"model": arguments.student, "max_length": arguments.document_length}
    kind = KeptDocumentsKind(DocumentsSpec.model_validate({"dense": spec})) if kept else "dense"
    length = arguments.query_length if kept else arguments.document_length
    return load_student(arguments.student, kind=kind, layers=arguments.layers, max_length=length)


def pairs_a_second(
    collection: Collection, lists: BM25Lists, size: int, arguments: argparse.Namespace, kept: bool
) -> float:
    """Scored pairs a second of whole steps, as the trainer makes them."""
    clock = Clock(1e9, 10**9)
    settings = TrainingSettings(
        epochs=1,
        queries_per_step=arguments.batch,
        candidates_per_query=None,
        dropout=0.0,
        precision="float32",
        checkpoint_seconds=1e9,
    )
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        train_student(
            student(arguments, kept),
            collection,
            lists,
            settings,
            work,
            work / "log.jsonl",
            signals=[KL],
            watchers=[clock],
        )
    return float(arguments.batch * size / np.mean(clock.wholes))


def parts_of_a_step(collection: Collection, lists: BM25Lists, arguments: argparse.Namespace) -> dict[str, float]:
    """Seconds of each part of a step against kept vectors, the median of some steps."""
    model = student(arguments, kept=True)
    loss = ExampleLoss(model, [KL])
    with tempfile.TemporaryDirectory() as folder:
        queries = tokenise(Path(folder) / "queries", model, collection.queries, lists.queries, kind="query")
        collator = ExampleCollator(queries, loss.student.documents(collection.corpus), budget=4096)
        stream = ExampleStream(lists, epochs=1, queries_per_step=arguments.batch, samplers=[PlainLists(None)])
        steps = [
            [stream[start + place] for place in range(arguments.batch)]
            for start in range(0, len(stream) - arguments.batch + 1, arguments.batch)
        ]
        return taken_apart(model, loss, collator, steps)


def taken_apart(
    model: Any, loss: ExampleLoss, collator: ExampleCollator, steps: list[list[TrainingExample]]
) -> dict[str, float]:
    """Median seconds of collation, queries, scores and optimiser over some steps."""
    optimiser = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=1e-5, fused=True)
    spent: dict[str, list[float]] = {}
    model.train()
    for examples in steps:
        batch = timed(spent, "collation", partial(collator, examples))
        asked = features_of(batch, "query"), [whole(batch["query_input_ids"])]

        def encode(asked: Any = asked) -> Any:
            return loss.student.embed(model, *asked, task="query")

        vectors = timed(spent, "queries forward", encode)
        leaf = vectors.detach().requires_grad_()

        def compare(batch: Any = batch, leaf: Any = leaf) -> None:
            label = batch["label"]
            documents = loss.student.embed(model, features_of(batch, "document"), [], task="document")
            scores = loss.student.scores(loss.student.select(leaf, label["query"]), documents)
            terms = KL.objective.numerators(scores.gather(1, label["index"]), label, label["mask"])
            torch.autograd.backward([torch.stack(list(terms.values())).sum()])

        timed(spent, "scores and loss", compare)
        timed(spent, "queries backward", partial(torch.autograd.backward, [vectors], [leaf.grad]))
        timed(spent, "optimiser", optimiser.step)
        optimiser.zero_grad()
    return {name: float(np.median(values[1:])) for name, values in spent.items()}


def timed(spent: dict[str, list[float]], name: str, work: Callable[[], Any]) -> Any:
    """Do something, and note its seconds."""
    start = time.perf_counter()
    found = work()
    spent.setdefault(name, []).append(time.perf_counter() - start)
    return found


def large(collection: Collection, lists: BM25Lists, arguments: argparse.Namespace) -> dict[str, Any]:
    """A step on lists drawn from many random vectors: seconds of its parts, and the peak memory before and after."""
    model = student(arguments, kept=True)
    loss = ExampleLoss(model, [KL])
    draw, width = np.random.default_rng(0), int(model.get_embedding_dimension())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
        file = Path(folder) / "vectors.npy"
        vectors = np.lib.format.open_memmap(file, "w+", np.float16, (arguments.documents, width))
        steps = []
        for start in range(0, len(lists.queries) - arguments.batch + 1, arguments.batch):
            examples = []
            for query in lists.queries[start : start + arguments.batch].tolist():
                rows = np.sort(draw.choice(arguments.documents, SIZES[0], replace=False))
                vectors[rows] = draw.standard_normal((len(rows), width)).astype(np.float16)
                scores, none = draw.standard_normal(len(rows)).astype(np.float32), np.zeros(len(rows), dtype=bool)
                examples.append(TrainingExample(query, rows, scores, scores, none, rows, -1e4))
            steps.append(examples)
        vectors.flush()
        del vectors
        kept = DocumentVectors([np.load(file, mmap_mode="r")])
        queries = tokenise(Path(folder) / "queries", model, collection.queries, lists.queries, kind="query")
        parts = taken_apart(model, loss, ExampleCollator(queries, VectorFeatures(kept), budget=4096), steps)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"parts": parts, "step": sum(parts.values()), "MiB before": round(before), "MiB at most": round(after)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--collection", required=True)
    parser.add_argument("--student", default="all-MiniLM-L6-v2")
    parser.add_argument("--layers", type=int, default=None)
    parser.add_argument("--query-length", type=int, default=64)
    parser.add_argument("--document-length", type=int, default=128)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=24, help="against kept vectors")
    parser.add_argument("--both-steps", type=int, default=3, help="of both sides, besides the first")
    parser.add_argument("--documents", type=int, default=8_841_823)
    parser.add_argument("--scratch", default=None, help="folder for the file of random vectors")
    arguments = parser.parse_args()
    collection = load_collection(arguments.collection)
    found: dict[str, Any] = {}
    for size in SIZES:
        many = BM25Lists(collection, arguments.steps * arguments.batch, size)
        few = BM25Lists(collection, (arguments.both_steps + 1) * arguments.batch, size)
        kept = pairs_a_second(collection, many, size, arguments, kept=True)
        both = pairs_a_second(collection, few, size, arguments, kept=False)
        parts = parts_of_a_step(collection, many, arguments)
        whole_step = sum(parts.values())
        shares = {name: round(seconds / whole_step, 3) for name, seconds in parts.items()}
        found[f"lists of {size}"] = {"kept": kept, "both sides": both, "times": kept / both, "shares": shares}
        print(
            f"lists of {size}: {kept:.0f} pairs a second against kept vectors, {both:.0f} on both sides: "
            f"{kept / both:.0f} times as many; of a step {shares}",
            flush=True,
        )
    lists = BM25Lists(collection, 8 * arguments.batch, SIZES[1])
    found["large"] = large(collection, lists, arguments)
    print(f"{arguments.documents} vectors: {found['large']}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
