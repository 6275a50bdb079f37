"""The collection `squadshifts-wiki`, as a BEIR folder, from the published files of SQuADShifts (CC BY 4.0).

git clone https://github.com/modestyachts/squadshifts-website      (commit b7cc4d5)
python benchmarks/make_squadshifts.py squadshifts-website/datasets path/to/squadshifts-wiki

Documents are the paragraphs of New Wikipedia, Reddit and Amazon (the last two as distractors), queries the questions of
New Wikipedia, each with its paragraph as the one relevant document. The split, by article, is ours.
"""

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FILES = {"wiki": "new_wiki_v1.0.json", "reddit": "reddit_v1.0.json", "amazon": "amazon_reviews_v1.0.json"}
DEV = {
    "Baltic_Sea", "Manipur", "Morality", "Neolithic_Revolution", "Neuroscience", "Relief", "Sierra_Nevada_(U.S.)",
}  # fmt: skip
TEST = {
    "Andes", "Atlantic_slave_trade", "Cardiovascular_disease", "Connecticut", "Decentralization", "Doctor_of_Medicine",
    "Flag_of_the_United_States", "Oxford", "Structural_engineering", "Unemployment_in_the_United_States",
}  # fmt: skip


def make(published: Path, folder: Path) -> dict[str, int]:
    """Write the folder; returns how many documents, and queries of each split, it has."""
    corpus: list[dict[str, str]] = []
    queries: list[dict[str, str]] = []
    judged: dict[str, list[str]] = {"train": [], "dev": [], "test": []}
    rows: dict[str, str] = {}
    for kind, file in FILES.items():
        for article in json.loads((published / file).read_text(encoding="utf-8"))["data"]:
            split = "dev" if article["title"] in DEV else "test" if article["title"] in TEST else "train"
            for paragraph in article["paragraphs"]:
                text = " ".join(paragraph["context"].split())
                if text not in rows:
                    rows[text] = f"{kind}-{len(corpus):05d}"
                    corpus.append({"_id": rows[text], "title": "", "text": text})
                for question in paragraph["qas"] if kind == "wiki" else ():
                    queries.append({"_id": question["id"], "text": " ".join(question["question"].split())})
                    judged[split].append(f"{question['id']}\t{rows[text]}\t1\n")
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    _write(folder / "corpus.jsonl", corpus)
    _write(folder / "queries.jsonl", queries)
    for split, lines in judged.items():
        head = "query-id\tcorpus-id\tscore\n"
        (folder / "qrels" / f"{split}.tsv").write_text(head + "".join(lines), encoding="utf-8")
    return {"documents": len(corpus), **{split: len(lines) for split, lines in judged.items()}}


def _write(path: Path, values: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")


def main() -> None:
    """Make the folder and say what it has: 5,664 documents, 5,431, 764 and 1,743 queries."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("published", type=Path, help="folder of the published JSON files")
    parser.add_argument("folder", type=Path, help="BEIR folder to be written")
    asked = parser.parse_args()
    print(make(asked.published, asked.folder))


if __name__ == "__main__":
    main()
