"""Small collections in which texts stand twice, or are queries too."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from distillir.collections import Collection, load_collection

Texts = Mapping[str, str | tuple[str, str]]


def make_collection(
    folder: Path, documents: Texts, queries: Mapping[str, str], qrels: Mapping[str, Sequence[tuple[str, str, int]]]
) -> Collection:
    """A BEIR folder of documents (text, or title and text) and queries by id and judgements by split, imported."""
    (folder / "qrels").mkdir(parents=True)
    titled = {name: text if isinstance(text, tuple) else ("", text) for name, text in documents.items()}
    lines = [{"_id": name, "title": title, "text": text} for name, (title, text) in titled.items()]
    _write(folder / "corpus.jsonl", [json.dumps(line, ensure_ascii=False) for line in lines])
    asked = [json.dumps({"_id": name, "text": text}, ensure_ascii=False) for name, text in queries.items()]
    _write(folder / "queries.jsonl", asked)
    for split, judgements in qrels.items():
        _write(
            folder / "qrels" / f"{split}.tsv",
            ["query-id\tcorpus-id\tscore", *("\t".join(map(str, j)) for j in judgements)],
        )
    return load_collection(folder)


def _write(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


#: Arguments and their counters, as in ArguAna: each query is a document, and the relevant one is another.
SUBJECTS = ("bees", "trains", "bread", "volcanoes", "violins", "harbours")
ARGUMENTS = {f"{name}-pro": f"Towns should spend more on {name} since {name} make people glad" for name in SUBJECTS}
COUNTERS = {f"{name}-con": f"Spending on {name} helps nobody, whatever towns say of {name}" for name in SUBJECTS}


def arguana(folder: Path, **further: str) -> Collection:
    """Twelve documents, six of which are queries with a title that the query lacks, four in train and two in test."""
    documents = {name: ("economy town", text) for name, text in ARGUMENTS.items()} | COUNTERS | further
    pairs = [(pro, con, 1) for pro, con in zip(ARGUMENTS, COUNTERS, strict=True)]
    return make_collection(folder, documents, ARGUMENTS, {"train": pairs[:4], "test": pairs[4:]})
