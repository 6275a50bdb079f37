"""Scored (query, document) pairs a second in training: distillir against sentence-transformers' own trainer.

    python benchmarks/training_throughput.py --collection path/to/squadshifts-wiki

Both train the same student on the same lists with the same batches, learning rate and precision:
sentence-transformers with DistillKLDivLoss (which multiplies by the squared temperature, 1 here), distillir with `kl`.
Dropout is off, so that the losses must agree. The two alternate, each time in a process of its own (distillir tells
the C library to keep freed memory, from which the other would profit too); ratios are taken within a round.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from distillir.base.arrays import Rows, Scores
from distillir.collections import Collection, load_collection
from distillir.plans.overlap import Overlap
from distillir.retrieval.bm25 import BM25Index


class BM25Lists:
    """BM25's candidates of some training queries, with its scores over their spread as the teacher's.

    The queries are drawn at random, or as `batches: overlapping` would from all: runs of ``batch`` related ones.
    """

    def __init__(self, collection: Collection, queries: int, candidates: int, batch: int = 0) -> None:
        generator = np.random.default_rng(0)
        rows = collection.qrels("train").query_rows
        if not batch:
            rows = np.sort(generator.choice(rows, queries, replace=False))
        run = BM25Index.build_or_load(collection).search(rows, candidates)
        full = [i for i in range(len(run)) if len(run.of(i)[0]) == candidates]
        if batch:
            order = Overlap([run.of(i)[0] for i in full]).order(batch, generator)[:queries]
            full = [full[i] for i in order]
        self.queries: Rows = run.queries[full]
        self._lists = [run.of(i) for i in full]

    def documents(self, index: int) -> Rows:
        """Candidate rows."""
        return self._lists[index][0]

    def scores(self, index: int) -> Scores:
        """Scores over their standard deviation."""
        scores = self._lists[index][1]
        return np.asarray(scores / max(float(scores.std()), 1e-6), dtype=np.float32)

    def relevant(self, index: int) -> npt.NDArray[np.bool_]:
        """Nothing is judged here."""
        return np.zeros(len(self._lists[index][0]), dtype=bool)


def ours(
    collection: Collection, lists: BM25Lists, arguments: argparse.Namespace, precision: str
) -> tuple[float, list[float]]:
    """Seconds and losses of distillir."""
    from distillir.objectives import parse_objective
    from distillir.plans.settings import TrainingSettings
    from distillir.signals.scores.training import ScoresTraining
    from distillir.students.load import load_student
    from distillir.training.train import train_student

    model = load_student("all-MiniLM-L6-v2", layers=arguments.layers, max_length=arguments.max_length)
    kl = [ScoresTraining(parse_objective("kl"))]
    settings = TrainingSettings(
        epochs=1,
        queries_per_step=arguments.batch,
        candidates_per_query=None,
        batches=arguments.batches,
        dropout=0.0,
        precision=precision,  # type: ignore[arg-type]
        warmup=0.0,
        weight_decay=0.0,
        checkpoint_seconds=1e9,
    )
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        start = time.monotonic()
        train_student(model, collection, lists, settings, Path(folder), log, signals=kl)
        seconds = time.monotonic() - start
        losses = [json.loads(line)["loss"] for line in log.read_text().splitlines()]
    return seconds, losses


def theirs(
    collection: Collection, lists: BM25Lists, arguments: argparse.Namespace, precision: str
) -> tuple[float, list[float]]:
    """Seconds and losses of sentence-transformers' trainer on the same training examples in the same order."""
    from datasets import Dataset
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from sentence_transformers.losses import DistillKLDivLoss
    from sentence_transformers.util import pairwise_cos_sim
    from torch.utils.data import SequentialSampler

    from distillir.plans.example_stream import ExampleStream
    from distillir.students.load import load_student
    from distillir.training.train import set_dropout

    model = load_student("all-MiniLM-L6-v2", layers=arguments.layers, max_length=arguments.max_length)
    set_dropout(model, 0.0)
    examples = ExampleStream(lists, epochs=1, queries_per_step=arguments.batch, batches=arguments.batches)
    columns: dict[str, list[Any]] = {"query": [], "label": []}
    for i in range(len(examples)):
        example = examples[i]
        columns["query"].append(collection.queries.text(example.query))
        columns["label"].append(example.teacher.tolist())
        for place, row in enumerate(example.documents):
            columns.setdefault(f"document_{place}", []).append(collection.corpus.text(int(row)))
    order = ["query", *(f"document_{i}" for i in range(arguments.candidates)), "label"]
    dataset = Dataset.from_dict({name: columns[name] for name in order})

    class InOrder(SentenceTransformerTrainer):
        """The same batches as distillir's."""

        def get_batch_sampler(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
            """Rows as they come."""
            from torch.utils.data import BatchSampler

            return BatchSampler(SequentialSampler(dataset), arguments.batch, drop_last=True)

    with tempfile.TemporaryDirectory() as folder:
        trainer = InOrder(
            model=model,
            args=SentenceTransformerTrainingArguments(
                output_dir=folder,
                per_device_train_batch_size=arguments.batch,
                num_train_epochs=1,
                learning_rate=5e-5,
                weight_decay=0.0,
                warmup_steps=0,
                bf16=precision == "bf16",
                use_cpu=model.device.type == "cpu",
                save_strategy="no",
                logging_steps=1,
                disable_tqdm=True,
                report_to="none",
            ),
            train_dataset=dataset,
            loss=DistillKLDivLoss(model, similarity_fct=pairwise_cos_sim),
        )
        start = time.monotonic()
        trainer.train()
        seconds = time.monotonic() - start
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return seconds, losses


def apart(name: str, precision: str) -> tuple[float, list[float]]:
    """Seconds and losses of one of the two in a process of its own."""
    command = [sys.executable, *sys.argv, "--one", name, precision]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    seconds, losses = json.loads(output.strip().splitlines()[-1])
    return seconds, losses


def main() -> None:
    """Alternate both and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--collection", required=True)
    parser.add_argument("--queries", type=int, default=128)
    parser.add_argument("--candidates", type=int, default=8)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--max-length", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", choices=("shuffled", "overlapping"), default="shuffled")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    collection = load_collection(arguments.collection)
    related = arguments.batch if arguments.batches == "overlapping" else 0
    lists = BM25Lists(collection, arguments.queries, arguments.candidates, related)
    if arguments.one:
        run = ours if arguments.one[0] == "ours" else theirs
        print(json.dumps(run(collection, lists, arguments, arguments.one[1])))
        return
    pairs = len(lists.queries) // arguments.batch * arguments.batch * arguments.candidates
    rates: dict[str, list[float]] = {}
    ratios: dict[str, list[float]] = {}
    worst = 0.0
    for _ in range(arguments.rounds):
        base, expected = apart("theirs", "float32")
        for name, precision in (("theirs", "float32"), ("ours", "float32"), ("theirs", "bf16"), ("ours", "bf16")):
            if (name, precision) == ("theirs", "float32"):
                seconds, losses = base, expected
            else:
                seconds, losses = apart(name, precision)
            way = f"{'distillir' if name == 'ours' else 'sentence-transformers'}, {precision}"
            rates.setdefault(way, []).append(pairs / seconds)
            ratios.setdefault(way, []).append(base / seconds)
            if (name, precision) == ("ours", "float32"):
                worst = max(worst, max(abs(a - b) for a, b in zip(losses, expected, strict=True)))
        print({way: round(found[-1], 2) for way, found in ratios.items()}, file=sys.stderr, flush=True)
    print(
        f"{pairs} pairs a round ({arguments.candidates} candidates a query, {arguments.batch} queries a step, "
        f"{arguments.batches}), "
        f"{arguments.layers} layers, texts of up to {arguments.max_length} tokens, {arguments.rounds} rounds.\n"
        f"Largest difference of a step's loss in float32: {worst:.2e}\n"
    )
    print("| | pairs a second | over sentence-transformers, float32 (median of rounds) |\n|---|---|---|")
    for way, found in ratios.items():
        print(f"| {way} | {statistics.median(rates[way]):.1f} | {statistics.median(found):.2f} |")


if __name__ == "__main__":
    main()
