"""A collection of another domain than the tiny one's, as a BEIR folder: tools, a dev and a test split."""

import json
from pathlib import Path

DOCUMENTS = {
    "saw": "A saw has teeth that cut wood across or along the grain.",
    "plane": "A hand plane shaves thin curls of wood until a board is flat.",
    "chisel": "A chisel is struck with a mallet to cut a mortise.",
    "vice": "A vice holds the work still between two jaws.",
    "file": "A file wears metal away with rows of fine ridges.",
    "drill": "A drill turns a bit that bores round holes.",
    "lathe": "A lathe spins the work against a tool that shapes it round.",
    "q6": "which tool bores holes",
}
QUERIES = {
    "q1": "what cuts wood across the grain",
    "q2": "how do I make a board flat",
    "q3": "how is a mortise cut",
    "q4": "what keeps the work from moving",
    "q5": "how are round table legs shaped",
    "q6": "which tool bores holes",  # itself a document, unjudged
}
JUDGED = {
    "dev": {"q1": "saw"},
    "test": {"q2": "plane", "q3": "chisel", "q4": "vice", "q5": "lathe", "q6": "drill"},
}


def make_other(folder: Path, splits: tuple[str, ...] = ("dev", "test")) -> Path:
    """Write it, with some of its splits."""
    (folder / "qrels").mkdir(parents=True)
    for name, texts in (("corpus", DOCUMENTS), ("queries", QUERIES)):
        lines = [json.dumps({"_id": key, "text": text}) + "\n" for key, text in texts.items()]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    for split in splits:
        rows = "".join(f"{query}\t{document}\t1\n" for query, document in JUDGED[split].items())
        (folder / "qrels" / f"{split}.tsv").write_text(f"query-id\tcorpus-id\tscore\n{rows}", encoding="utf-8")
    return folder
