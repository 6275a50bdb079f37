"""Documents with odd ids and drawn vectors, as the source of an index: real collections, no model."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, random_array

from distillir.base.arrays import Rows
from distillir.collections import load_collection
from distillir.engines.encodings import DenseEncodings, IndexedEncodings, SparseEncodings
from distillir.engines.source import IndexSource

#: Ids that break what joins, quotes, splits or cuts them.
ODD = [
    "a/b/../c",
    'say "it"',
    "it's; DROP TABLE documents; --",
    "i" * 200,
    "\U0001f41d\u200d\U0001f33a",
    "%s {x} $1 \\",
    " ",
]
ODD_WITH_NUL = [*ODD, "nul\0inside"]
WIDTH = 24


def beir_folder(folder: Path, ids: list[str], count: int) -> Path:
    """A collection of documents of some ids and numbered ones, with as many queries as 20, each judged."""
    (folder / "qrels").mkdir(parents=True)
    names = [*ids, *(f"d{number}" for number in range(count - len(ids)))]
    with (folder / "corpus.jsonl").open("w", encoding="utf-8") as out:
        for number, name in enumerate(names):
            text = (
                f"word{number % 97} about bees <script>alert({number})</script> and \x00 nothing" if number == 3 else ""
            )
            line = {"_id": name, "title": f"Title {number}", "text": text or f"word{number % 97} about honey {number}"}
            out.write(json.dumps(line) + "\n")
    with (folder / "queries.jsonl").open("w") as out, (folder / "qrels" / "test.tsv").open("w") as judged:
        for number in range(20):
            out.write(json.dumps({"_id": f"q{number}", "text": f'honey (word{number}: "{number}" & more'}) + "\n")
            judged.write(f"q{number}\t{names[-1 - number]}\t1\n")
    return folder


def drawn_source(folder: Path, *, kind: str = "dense", seed: int = 0, width: int = WIDTH, **more: Any) -> IndexSource:
    """A source of drawn vectors for the documents of a folder; another seed is another student."""
    collection = load_collection(folder)
    documents = len(collection.corpus)
    draw = np.random.default_rng(seed)

    def encode(rows: Rows, cut: int | None) -> IndexedEncodings:
        if kind == "sparse":
            vectors = csr_matrix(random_array((documents, 500), density=0.04, rng=draw, dtype=np.float32))
            return SparseEncodings(vectors, csr_matrix(vectors[: len(rows)]))
        centres = draw.standard_normal((40, width))
        drawn = centres[draw.integers(40, size=documents)] + 0.5 * draw.standard_normal((documents, width))
        asked = drawn[-1 - np.arange(len(rows))] + 0.1 * draw.standard_normal((len(rows), width))
        return DenseEncodings(drawn.astype(np.float32), asked.astype(np.float32), more.get("similarity", "cosine"), cut)

    qrels = collection.qrels("test")
    return IndexSource(
        name="Mine, drawn",
        model=f"drawn {seed}",
        collection=collection,
        queries=qrels.query_rows,
        qrels=qrels,
        own_document="leave_out",
        encoding=kind,
        made_from={"student": f"drawn {seed}", "collection": collection.corpus.fingerprint},
        folder=None,
        encode=encode,
    )
