"""A collection of a few texts."""

import json
from pathlib import Path

from distillir.collections import Collection, load_collection


def make(folder: Path, documents: list[str], queries: list[str]) -> Collection:
    """A collection of these texts, with their places as ids and one judgement, in a new folder."""
    (folder / "qrels").mkdir(parents=True)
    for kind, texts in (("corpus", documents), ("queries", queries)):
        lines = [json.dumps({"_id": str(n), "text": text}) for n, text in enumerate(texts)]
        (folder / f"{kind}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n0\t0\t1\n")
    return load_collection(folder, cache=folder / "cache")
