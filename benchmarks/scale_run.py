"""A whole run at the size of MS MARCO, stage by stage: seconds, the processor's seconds, memory and bytes.

    python benchmarks/scale_run.py BIG --teacher CROSS-ENCODER --student MODEL --output benchmarks/results/scale_run.md

BIG keeps all that is made (some 15 GiB for 8.8 million passages): the collection of `zipf_collection.py`, a model of
static embeddings with a random vector of 64 numbers for each of the 100,000 most frequent words, seeded, and a run.
Each stage is a command as a user gives it, in a process of its own; a stage that is done is not done again, and one
that was killed goes on. Pairs are scored twice: by four shards, two at a time, and by two actors of Ray.
"""

import argparse
import filecmp
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

GIB = 1 << 30
WORDS, WIDTH = 100_000, 64
RECIPE = """\
collection: generated
teacher: {{cross-encoder: {{model: {teacher}, max_length: 64}}}}
student: {{model: {student}, max_length: 32, documents: {{dense: {{model: static}}}}}}
queries: {{split: train, limit: {queries}}}
candidates: {{from: [{sources}], depth: 20}}
method: kl
objective: {{kl: {{student_temperature: 0.05, teacher_temperature: 0.05}}}}
training: {{queries_per_step: {a_step}, epochs: 1, select: none}}
evaluation: {{split: null, held_out: 200, measures: [nDCG@10, "recall@100"]}}
"""


def make_static(folder: Path) -> None:
    """Write the model of static embeddings."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from zipf_collection import vocabulary

    words = {"[UNK]": 0} | {word: place + 1 for place, word in enumerate(vocabulary(WORDS))}
    tokenizer = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    weights = torch.randn((len(words), WIDTH), generator=torch.Generator().manual_seed(0))
    weights[0] = 0  # rare words say nothing
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)]).save_pretrained(
        str(folder), create_model_card=False
    )


def folder_bytes(*folders: Path) -> int:
    """Bytes that files take on disk; what is removed meanwhile counts nothing."""
    total = 0
    for file in (file for folder in folders for file in folder.rglob("*")):
        try:
            total += file.stat().st_blocks * 512 if file.is_file() else 0
        except FileNotFoundError:
            continue
    return total


def tree(root: int) -> list[int]:
    """Process ``root`` and all below it."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, rest = stat.read_text().split(" (", 1)
            parents.setdefault(int(rest.rsplit(") ", 1)[1].split()[1]), []).append(int(number))
        except (OSError, ValueError):
            continue
    found = [root]
    for process in found:
        found.extend(parents.get(process, []))
    return found


def held(process: int) -> tuple[int, int]:
    """Bytes of a process: its own, and its own with the mapped files that are in memory."""
    try:
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
        own, mapped = (int(fields[name].split()[0]) * 1024 for name in ("RssAnon", "RssFile"))
    except (OSError, KeyError, ValueError):
        return 0, 0
    return own, own + mapped


def measured(commands: Sequence[Sequence[str]], folder: Path, log: Path, at_once: int = 1) -> dict[str, float]:
    """Run commands, so many at a time: seconds, the processor's, and the peaks of one process in bytes.

    Raises:
        SystemExit: A command failed.
    """
    before, start, own, resident = os.times(), time.time(), 0, 0
    waiting = [list(command) for command in commands]
    running = list[subprocess.Popen[bytes]]()
    with log.open("a") as stream:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(subprocess.Popen(waiting.pop(0), cwd=folder, stdout=stream, stderr=subprocess.STDOUT))
            time.sleep(0.5)
            for process in [one for root in running for one in tree(root.pid)]:
                mine, all_of_it = held(process)
                own, resident = max(own, mine), max(resident, all_of_it)
            for done in [one for one in running if one.poll() is not None]:
                running.remove(done)
                if done.returncode:
                    raise SystemExit(f"{done.args!r} failed: see {log}")
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return {"seconds": time.time() - start, "processor": used, "own": own, "resident": resident}


def stages(arguments: argparse.Namespace) -> list[tuple[str, list[list[str]], int]]:
    """Stages in their order: a name, the commands and how many of them run at a time."""
    python, here = sys.executable, str(Path(__file__).resolve().parent)
    distillir = [python, "-m", "distillir"]
    size = ["--passages", str(arguments.passages), "--queries", str(arguments.passages // 17)]
    load = "import distillir; distillir.load_collection('generated')"
    shards = [[*distillir, "score", "recipe.yaml", "--output", "run", "--shard", f"{n}/4"] for n in range(1, 5)]
    verb = {name: [*distillir, name, "recipe.yaml", "--output", "run"] for name in ("encode", "mine", "score", "run")}
    ray = [*distillir, "score", "recipe.yaml", "--output", "run-ray"]
    return [
        ("generate", [[python, f"{here}/zipf_collection.py", "generated", *size]], 1),
        ("static model", [[python, f"{here}/scale_run.py", ".", "--static"]], 1),
        ("import", [[python, "-c", load]], 1),
        ("encode documents", [verb["encode"]], 1),
        ("BM25: index and mining", [[*distillir, "mine", "bm25.yaml", "--output", "run-bm25"]], 1),
        ("BM25 and dense mining", [verb["mine"]], 1),
        ("score by four shards", shards, 2),
        ("teaching set", [verb["score"]], 1),
        ("mining for the second score", [[*distillir, "mine", "recipe.yaml", "--output", "run-ray"]], 1),
        ("score by two actors of Ray", [[*ray, "--on", "ray", "--ray-actors", "2"]], 1),
        ("train and evaluate", [verb["run"]], 1),
    ]


def set_aside(folder: Path, stage: str) -> None:
    """Take the scores of the shards out of Ray's sight, and bring them back."""
    scores, aside = folder / "cache" / "scores", folder / "scores-of-shards"
    if stage == "score by two actors of Ray" and not aside.exists():
        scores.rename(aside)
    if stage == "train and evaluate" and aside.exists():
        shutil.rmtree(scores)
        aside.rename(scores)


def page(done: dict[str, dict[str, float]], passages: int, same: bool) -> str:
    """The page of results."""
    lines = [
        f"# {passages:,} passages through all stages",
        "",
        f"`python benchmarks/scale_run.py`, {platform.processor() or platform.machine()}, {os.cpu_count()} cores.",
        "Memory is the largest of one process: its own, and with the mapped files that were in memory. What the actors",
        "of Ray take and hold is not among it: they are no children of the command.",
        "",
        "| stage | seconds | of the processor | own memory | with mapped files | on disk |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {row['seconds']:,.0f} | {row['processor']:,.0f} | {row['own'] / GIB:.2f} GiB | "
        f"{row['resident'] / GIB:.2f} GiB | {row['bytes'] / GIB:+.2f} GiB |"
        for name, row in done.items()
    ]
    return "\n".join([*lines, "", f"The teaching sets by shards and by Ray: {'equal' if same else 'NOT EQUAL'}.", ""])


def main() -> None:
    """Do what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--teacher", help="a small cross-encoder")
    parser.add_argument("--student", help="a small dense model")
    parser.add_argument("--passages", type=int, default=8_841_823)
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--static", action="store_true", help="make the model of static embeddings alone")
    arguments = parser.parse_args()
    if arguments.static:
        return make_static(arguments.folder / "static")
    folder: Path = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["DISTILLIR_CACHE"] = str(folder / "cache")
    for name, sources in (("recipe", "bm25, {dense: {model: static}}"), ("bm25", "bm25")):
        text = RECIPE.format(
            teacher=Path(arguments.teacher).resolve(),
            student=Path(arguments.student).resolve(),
            queries=arguments.queries,
            a_step=arguments.queries // 200,
            sources=sources,
        )
        (folder / f"{name}.yaml").write_text(text)
    record = folder / "stages.json"
    done: dict[str, dict[str, Any]] = json.loads(record.read_text()) if record.exists() else {}
    for stage, commands, at_once in stages(arguments):
        if stage in done:
            continue
        set_aside(folder, stage)
        size = folder_bytes(folder)
        done[stage] = measured(commands, folder, folder / "stages.log", at_once)
        done[stage]["bytes"] = folder_bytes(folder) - size
        record.write_text(json.dumps(done, indent=1))
        print(stage, json.dumps(done[stage]), flush=True)
    parts = sorted(path.name for path in (folder / "run" / "teaching").glob("*.arrow"))
    same = not any(
        filecmp.cmpfiles(folder / "run" / "teaching", folder / "run-ray" / "teaching", parts, shallow=False)[1:]
    )
    if arguments.output is not None:
        arguments.output.write_text(page(done, arguments.passages, same))
    print(page(done, arguments.passages, same))


if __name__ == "__main__":
    main()
