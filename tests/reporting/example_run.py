"""Makes run directories for the report's tests: real rankings of a collection's real texts, really evaluated."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from distillir.collections import Collection, load_collection
from distillir.collections.run import Run, from_lists
from distillir.evaluation.measures import DEFAULT_MEASURES, Evaluation, evaluate
from distillir.evaluation.significance import compare
from distillir.retrieval.trec import write_run

SPLIT = "train"  # the largest of the tiny collection
VOID = {"meta", "link", "br", "img", "hr", "input"}


def words(text: str) -> Counter[str]:
    """A bag of words, as a plain matcher sees a text."""
    return Counter(text.lower().split())


def trigrams(text: str) -> Counter[str]:
    """A bag of letter trigrams: forgives endings and punctuation."""
    padded = f" {text.lower()} "
    return Counter(padded[i : i + 3] for i in range(len(padded) - 2))


def rank_all(collection: Collection, rows: np.ndarray, features: Callable[[str], Counter[str]], name: str) -> Run:
    """Rank the whole corpus by the cosine of two bags."""
    documents = [features(text) for text in collection.corpus.texts()]
    norms = [sum(v * v for v in bag.values()) ** 0.5 or 1.0 for bag in documents]
    lists = []
    for row in rows:
        query = features(collection.queries.text(int(row)))
        dots = [sum(n * bag[feature] for feature, n in query.items()) for bag in documents]
        lists.append(np.array([dot / norm for dot, norm in zip(dots, norms, strict=True)], dtype=np.float32))
    every = [np.arange(len(documents), dtype=np.int64)] * len(rows)
    return from_lists(rows, every, lists, name).top(50)


def make_runs(collection: Collection, split: str = SPLIT) -> dict[str, Run]:
    """Before: words. After: trigrams, with the first query turned upside down. Teacher: both, added."""
    rows = collection.qrels(split).query_rows
    after = rank_all(collection, rows, trigrams, "after")
    lists = [after.of(i) for i in range(len(after))]
    lists[0] = (lists[0][0][::-1], lists[0][1])
    return {
        "before": rank_all(collection, rows, words, "before"),
        "after": from_lists(rows, [documents for documents, _ in lists], [scores for _, scores in lists], "after"),
        "teacher": rank_all(collection, rows, lambda text: words(text) + trigrams(text), "teacher"),
    }


def make_run_directory(path: Path, collection: Collection, split: str = SPLIT) -> Path:
    """Write everything a run leaves behind."""
    import datasets

    path.mkdir(parents=True)
    runs = make_runs(collection, split)
    found: dict[str, Evaluation] = {}
    for name, run in runs.items():
        write_run(run, collection, path / "runs" / f"{name}.trec")
        found[name] = evaluate(run, collection.qrels(split))
    comparison = [asdict(compare(found["before"], found["after"], measure)) for measure in DEFAULT_MEASURES]
    metrics = {
        **{name: evaluation.means for name, evaluation in found.items()},
        "comparison": comparison,
        "collection": collection.name,
        "method": "kl",
        "student": {
            "kind": "sparse",
            "unit": "words",
            "per_document": 81.5,
            "per_query": 9.25,
            "bytes_per_document": 652,
        },
        "split": split,
        "queries": len(runs["before"]),
        "seconds": {"candidates": 1.5, "teacher scores": 62.0, "training": 185.0},
        "teacher_calls": {"asked": 1000, "cached": 3000},
        "diagnostics": {"spread": {"median": 0.8125}, "suggested temperature": 0.25},
        "hardware": "two cores",
        "versions": {"torch": "2.13"},
    }
    (path / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    (path / "recipe.yaml").write_text(f"collection: {collection.name}\nmethod: kl\n", encoding="utf-8")
    entries: list[dict[str, float]] = [
        {"step": s, "loss": 1 / s + 0.2, "learning_rate": 2e-5 * (1 - s / 60), "epoch": s / 30} for s in range(1, 61)
    ]
    entries += [{"step": s, "dev_nDCG@10": 0.5 + s / 600} for s in (20, 40, 60)]
    (path / "log.jsonl").write_text("".join(json.dumps(e) + "\n" for e in sorted(entries, key=lambda e: e["step"])))
    write_layer_files(path)
    qrels, teacher = collection.qrels(split), runs["teacher"]
    rows = [
        {"scores": scores, "relevant": np.isin(documents, qrels.relevant(int(query)))}
        for query, (documents, scores) in zip(teacher.queries, map(teacher.of, range(len(teacher))), strict=True)
    ]
    datasets.Dataset.from_list(rows).save_to_disk(str(path / "teaching"))
    return path


def write_layer_files(path: Path) -> None:
    """Draws of 3 of a teacher's 6 layers for a student of 4, 60 of them, and what each layer was worth."""
    generator = np.random.default_rng(0)
    lines = []
    for step in range(0, 600, 10):
        teacher, student = (np.sort(generator.choice(n, 3, replace=False)).tolist() for n in (6, 4))
        weights = generator.dirichlet([40, 50, 60]).round(4).tolist()
        lines.append(json.dumps({"step": step, "teacher": teacher, "student": student, "weights": weights}) + "\n")
    (path / "layers.jsonl").write_text("".join(lines))
    quality = {
        "measure": "nDCG@10",
        "queries": 12,
        "documents": 20,
        "judged": True,
        "best": 0.975,
        "teacher": [0.31, 0.35, 0.42, 0.55, 0.62, 0.61],
        "teacher_after": [0.3, 0.36, 0.45, 0.58, 0.64, 0.66],
        "before": [0.28, 0.33, 0.36, 0.41],
        "after": [0.3, 0.41, 0.52, 0.57],
    }
    (path / "layer_quality.json").write_text(json.dumps(quality))


def beir(path: Path, documents: dict[str, tuple[str, str]], queries: dict[str, str], relevant: dict[str, str]) -> Path:
    """Write a BEIR folder with one split, ``train``: documents are id to (title, text), relevant query to document."""
    (path / "qrels").mkdir(parents=True)
    rows = [{"_id": i, "title": title, "text": text} for i, (title, text) in documents.items()]
    (path / "corpus.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    lines = [json.dumps({"_id": i, "text": text}) + "\n" for i, text in queries.items()]
    (path / "queries.jsonl").write_text("".join(lines), encoding="utf-8")
    judged = [f"{query}\t{document}\t1\n" for query, document in relevant.items()]
    (path / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(judged), encoding="utf-8")
    return path


def make_collection(
    path: Path, documents: dict[str, tuple[str, str]], queries: dict[str, str], relevant: dict[str, str]
) -> Collection:
    """A collection of a few texts; arguments as of `beir`."""
    return load_collection(beir(path, documents, queries, relevant))


class Page(HTMLParser):
    """A page taken apart: its tags with their attributes, its text, and whether every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.unclosed: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.unclosed.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed and self.unclosed[-1] == tag, f"</{tag}> closes {self.unclosed[-3:]}"
        self.unclosed.pop()

    def handle_data(self, data: str) -> None:
        if self.unclosed[-1:] != ["style"]:
            self.text += data

    def attributes(self, name: str) -> list[str]:
        """Every value of an attribute, in order."""
        return [attributes[name] for _, attributes in self.tags if name in attributes]
