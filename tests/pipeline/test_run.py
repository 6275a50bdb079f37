"""The whole run on the tiny collection, from the command line: results, restarts, kills, bad input."""

import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from command_line import apart, distillir, kill_once


@pytest.fixture
def recipe(tiny_beir: Path, tmp_path: Path, minilm_path: str, small_models: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    value = {
        "collection": str(tiny_beir),
        "teacher": {"ensemble": ["bm25", {"dense": str(small_models / "base")}]},
        "student": {"model": minilm_path, "layers": 1, "max_length": 32},
        "candidates": {"from": ["bm25", "dense"], "depth": 8},
        "training": {"epochs": 3, "queries_per_step": 4, "candidates_per_query": 4, "precision": "float32"},
        "evaluation": {"measures": ["nDCG@10", "MRR@10"]},
    }
    path.write_text(yaml.safe_dump(value), encoding="utf-8")
    return path


def _digest(run: Path) -> str:
    """Of the student's weights; comparing the bytes themselves would have pytest print megabytes."""
    return hashlib.sha256((run / "student" / "model.safetensors").read_bytes()).hexdigest()


def test_a_run_from_text_to_report(recipe: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    command = [sys.executable, "-m", "distillir", "run", str(recipe), "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    for name in ("recipe.yaml", "student", "teaching", "metrics.json", "report.html", "log.jsonl", "runs/after.trec"):
        assert (output / name).exists(), name
    metrics = json.loads((output / "metrics.json").read_text())
    for part in ("teacher", "before", "after"):
        assert set(metrics[part]) == {"nDCG@10", "MRR@10"}
        assert all(0 <= value <= 1 for value in metrics[part].values())
    assert {"mine", "score", "train"} <= set(metrics["seconds"])
    assert metrics["method"] == "auto" and metrics["comparison"][0]["measure"] == "nDCG@10"

    # The student loads where distillir is not imported, and gives the ranking of after.trec.
    code = (
        "import sys\nfrom sentence_transformers import SentenceTransformer\n"
        f"model = SentenceTransformer({str(output / 'student')!r}, device='cpu')\n"
        "assert model.encode(['a text']).shape == (1, 384) and 'distillir' not in sys.modules\n"
        "assert len(model[0].auto_model.encoder.layer) == 1\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

    before = {path: path.stat().st_mtime_ns for path in output.rglob("*.trec")}
    weights = (output / "student" / "model.safetensors").stat().st_mtime_ns
    again = distillir("run", recipe, "--output", output)
    assert again.returncode == 0, again.stderr
    assert before == {path: path.stat().st_mtime_ns for path in output.rglob("*.trec")}
    assert weights == (output / "student" / "model.safetensors").stat().st_mtime_ns

    other = distillir("run", recipe, "--output", output, "--set", "training.epochs=4")
    assert other.returncode == 2
    assert "training.epochs" in other.stderr and len(other.stderr.strip().splitlines()) == 1

    exported = distillir("export", output, "-f", "flagembedding", "-o", tmp_path / "lists.jsonl")
    assert exported.returncode == 0, exported.stderr
    assert "pos_scores" in (tmp_path / "lists.jsonl").read_text(encoding="utf-8").splitlines()[0]


def test_verbs_one_by_one_leave_what_the_next_one_reads(recipe: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    early = distillir("train", recipe, "--output", output)
    assert early.returncode == 2 and "distillir score" in early.stderr
    for verb in ("mine", "score", "train", "evaluate", "report"):
        done = distillir(verb, recipe, "--output", output)
        assert done.returncode == 0, f"{verb}: {done.stderr}"
    assert (output / "report.html").is_file()


def test_killed_in_the_middle_and_run_again(recipe: Path, tmp_path: Path) -> None:
    # A cache of its own for each: what other tests have encoded, in other batches, may differ in the last bit.
    whole = tmp_path / "whole"
    assert distillir("run", recipe, "--output", whole, DISTILLIR_CACHE=str(tmp_path / "other")).returncode == 0
    output, cache = tmp_path / "killed", str(tmp_path / "cache")
    stages = [output / "runs/candidates.trec", output / "teaching", output / "runs/before.trec", output / "student"]
    for stage in stages:
        kill_once(apart("run", recipe, "--output", output, DISTILLIR_CACHE=cache), stage.exists)
        assert stage.exists()
    done = distillir("run", recipe, "--output", output, DISTILLIR_CACHE=cache)
    assert done.returncode == 0, done.stderr
    assert _digest(whole) == _digest(output)


def test_judgements_alone_need_no_teacher(recipe: Path, tmp_path: Path) -> None:
    settings = ["--set", "teacher=null", "--set", "candidates.add_judged=true", "--set", "training.epochs=1"]
    refused = distillir("run", recipe, "--output", tmp_path / "kl", *settings)
    assert refused.returncode == 2 and "teacher: is missing" in refused.stderr
    done = distillir("run", recipe, "--output", tmp_path / "run", *settings, "--set", "method=info_nce")
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert "teacher" not in metrics and set(metrics["after"]) == {"nDCG@10", "MRR@10"}
    assert "Teacher" not in (tmp_path / "run" / "report.html").read_text().split("</header>")[0]


@pytest.mark.parametrize(("student", "teacher"), [(1.0, 0.05), (0.05, 1.0)])
def test_lists_too_flat_to_learn_from_are_told(recipe: Path, tmp_path: Path, student: float, teacher: float) -> None:
    """Cosines at temperature 1 are all alike, the teacher's as the student's."""
    options = f"{{student_temperature: {student}, teacher_temperature: {teacher}}}"
    flat = ["--set", "teacher={dense: all-MiniLM-L6-v2}", "--set", "training.epochs=1"]
    flat += ["--set", f"objective={{kl: {options}}}", "--output", str(tmp_path / "run")]
    for verb in ("mine", "score", "train"):
        done = distillir(verb, recipe, *flat)
        assert done.returncode == 0, done.stderr
    assert ("kl: at teacher_temperature 1 the teacher's lists are nearly flat" in done.stderr) == (teacher == 1)
    better = re.search(r"try {student_temperature: 0\.05, teacher_temperature: ([\d.]+)}", done.stderr)
    assert (better is not None and 0 < float(better[1]) < 0.5) == (teacher == 1)
    assert ("kl: at student_temperature 1 a softmax of the student's cosines" in done.stderr) == (student == 1)


def test_ctrl_c_says_how_to_go_on(recipe: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    process = apart("run", recipe, "--output", output)
    deadline = time.monotonic() + 180
    while not (output / "recipe.yaml").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said = process.said(timeout=180)
    assert process.returncode == 130, said
    assert "run the same command again" in said and "Traceback" not in said


def test_a_killed_plan_goes_on_in_its_stage(recipe: Path, tmp_path: Path) -> None:
    """Two stages, the second mining anew; killed in the second, run again: the weights of a run left alone."""
    plan = "[{lists: {top: 2, hard: 1, remaining: 1}}, {lists: {top: 4}, mine: true, objective: kl, epochs: 2}]"
    settings = ["--set", f"method={{name: cl-drd, plan: {plan}}}", "--set", "training.checkpoint_seconds=0"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = distillir("run", recipe, "--output", whole, *settings)
    assert done.returncode == 0, done.stderr
    process = apart("run", recipe, "--output", killed, *settings)
    kill_once(process, lambda: list(killed.glob("work/checkpoints-2/*/complete")))
    assert not (killed / "metrics.json").exists(), "it was done before it was killed"
    assert (killed / "work" / "student-1").is_dir() and (killed / "work" / "teaching-2").is_dir()
    assert distillir("run", recipe, "--output", killed, *settings).returncode == 0
    first, second = (folder / "student" / "model.safetensors" for folder in (whole, killed))
    assert first.read_bytes() == second.read_bytes()
    metrics = json.loads((killed / "metrics.json").read_text())
    assert [stage["mine"] for stage in metrics["stages"]] == [False, True]
    assert metrics["plan"] == "own" and "stage 2" in metrics["diagnostics"]
    losses = [
        [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()] for folder in (whole, killed)
    ]
    assert [(e["stage"], e["step"], e["loss"]) for e in losses[0]] == [
        (e["stage"], e["step"], e["loss"]) for e in losses[1]
    ]


def test_a_run_that_made_nothing_gives_its_folder_back(recipe: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    assert distillir("mine", recipe, "--output", output, "--set", "queries=trian").returncode == 2
    assert not output.exists()
    assert distillir("mine", recipe, "--output", output).returncode == 0
    other = distillir("mine", recipe, "--output", output, "--set", "seed=1")
    assert other.returncode == 2 and "another recipe (differs in seed" in other.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["collection=/nowhere"], "/nowhere"),
        (["queries=trian"], "no split 'trian'"),
        (["student.model=./nowhere"], "is no model folder"),
        (["student.layers=7"], "choose 1 to 6"),
        (["training.queries_per_step=1000"], "fewer than one step"),
        (["method={name: kl, plan: [{}, {epochs: 0.01}]}"], "stage 2 has 0 training examples"),
        (["method={name: kl, plan: [{}, {mine: true}]}", "candidates.from=bm25"], "does not ask it"),
        (["method=info_nce", "queries={split: null, sentences: 20}"], "no training query has one"),
        (["method=info_nce", "candidates.add_judged=false", "candidates.exclude_judged=true"], "no list holds one"),
        (["teacher={cross-encoder: ./nowhere}"], "is no model folder"),
        (["training.learning_rate=1e9", "training.precision=float32"], "training.learning_rate"),
    ],
)
def test_bad_input_is_one_line(recipe: Path, tmp_path: Path, settings: list[str], said: str) -> None:
    flags = [part for setting in settings for part in ("--set", setting)]
    done = distillir("run", recipe, "--output", tmp_path / "run", *flags)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith("distillir: ")]
    assert len(lines) == 1 and said in lines[0], done.stderr
    assert "Traceback" not in done.stderr


def test_list_schema_and_plan(recipe: Path, tmp_path: Path) -> None:
    listed = distillir("list", COLUMNS="200").stdout
    assert all(name in listed for name in ("margin_mse", "cross-encoder", "stdlib", "colbert"))
    schema = json.loads(distillir("schema").stdout)
    assert {"collection", "teacher", "student", "training"} <= set(schema["properties"])
    planned = distillir("run", recipe, "--output", tmp_path / "run", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert "candidates for" in planned.stderr and not (tmp_path / "run").exists()


def test_mine_alone_refuses_what_a_run_refuses(recipe: Path, tiny_beir: Path, tmp_path: Path) -> None:
    """A split in which no document is relevant, and judged positives to compare."""
    shutil.copytree(tiny_beir, tmp_path / "tiny")
    train = tmp_path / "tiny" / "qrels" / "train.tsv"
    cells = [line.split("\t") for line in train.read_text().splitlines()]
    train.write_text("\n".join("\t".join([*row[:-1], "0" if row[-1].isdigit() else row[-1]]) for row in cells) + "\n")
    changes = [f"collection={tmp_path / 'tiny'}", "objective=info_nce"]
    options = [part for change in changes for part in ("--set", change)]
    said = [distillir(verb, recipe, "--output", tmp_path / "run", *options) for verb in ("run", "mine")]
    assert [done.returncode for done in said] == [2, 2]
    assert "compares judged positives, and no training query has one" in said[1].stderr
    assert not (tmp_path / "run").exists()


def test_report_names_the_verb_that_makes_anew(recipe: Path, tmp_path: Path) -> None:
    assert distillir("mine", recipe, "--output", tmp_path / "run").returncode == 0
    other = distillir("report", recipe, "--output", tmp_path / "run", "--set", "seed=1")
    assert other.returncode == 2 and "or give distillir run --anew to make anew" in other.stderr
