"""Nothing in a run folder is reused because it exists: what it was made from is compared and told."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from command_line import apart, distillir
from distillir.pipeline.products import BY_NAME
from distillir.pipeline.provenance import affected
from distillir.recipe.read import parse_recipe


@pytest.fixture
def recipe(tiny_beir: Path, minilm_path: str, small_models: Path, tmp_path: Path) -> Path:
    """A recipe on a copy of the collection and of a small model, which tests may change."""
    shutil.copytree(tiny_beir, tmp_path / "text")
    value = {
        "collection": str(tmp_path / "text"),
        "teacher": {"dense": {"model": str(small_models / "base"), "max_length": 32}},
        "student": {"model": minilm_path, "layers": 1, "max_length": 16},
        "candidates": {"from": "bm25", "depth": 6},
        "training": {"epochs": 1, "queries_per_step": 4, "candidates_per_query": 3, "precision": "float32"},
        "evaluation": {"measures": ["nDCG@10"], "depth": 10},
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(value), encoding="utf-8")
    return path


def _rewrite(file: Path, change: Callable[[list[str]], list[str]]) -> None:
    file.write_text("".join(change(file.read_text(encoding="utf-8").splitlines(keepends=True))), encoding="utf-8")


def _refused(recipe: Path, output: Path, *settings: str, verb: str = "run") -> str:
    done = distillir(verb, recipe, "--output", output, *settings)
    lines = [line for line in done.stderr.splitlines() if line.startswith("distillir: ")]
    assert done.returncode == 2 and len(lines) == 1, done.stderr
    return lines[0]


def _without_title_and_text_of(document: str, lines: list[str]) -> list[str]:
    rows = [json.loads(line) for line in lines]
    return [json.dumps({**row, "text": f"{row['text']} indeed" if row["_id"] == document else row["text"]}) + "\n"
            for row in rows]  # fmt: skip


def test_changed_inputs_are_refused_by_name_and_made_anew_where_asked(recipe: Path, tmp_path: Path) -> None:
    output, text = tmp_path / "run", tmp_path / "text"
    assert distillir("run", recipe, "--output", output).returncode == 0
    weights = (output / "student" / "model.safetensors").read_bytes()
    metrics = json.loads((output / "metrics.json").read_text())

    # Judgements that are measured on: the student stays, what is measured is made anew.
    qrels = text / "qrels" / "test.tsv"
    judged = qrels.read_text()
    _rewrite(qrels, lambda lines: [*lines[:1], *(line.rsplit("\t", 1)[0] + "\t2\n" for line in lines[1:])])
    said = _refused(recipe, output)
    assert "metrics.json" in said and "judgements of the evaluation queries" in said and "--anew" in said
    assert "distillir evaluate --anew" in _refused(recipe, output, verb="report")
    done = distillir("run", recipe, "--output", output, "--anew")
    assert done.returncode == 0 and "To be made anew: metrics" in done.stderr, done.stderr
    assert (output / "student" / "model.safetensors").read_bytes() == weights
    qrels.write_text(judged)
    assert distillir("run", recipe, "--output", output, "--anew").returncode == 0
    assert json.loads((output / "metrics.json").read_text())["after"] == metrics["after"]

    # Texts: everything is refused, by the verb too, and made anew from the candidates on.
    first = json.loads((text / "corpus.jsonl").read_text(encoding="utf-8").splitlines()[0])["_id"]
    _rewrite(text / "corpus.jsonl", lambda lines: _without_title_and_text_of(first, lines))
    said = _refused(recipe, output)
    assert "candidates.trec" in said and "other documents" in said
    said = _refused(recipe, output, "--anew", verb="train")
    assert "distillir mine --anew" in said and (output / "student").is_dir()
    assert distillir("mine", recipe, "--output", output, "--anew").returncode == 0
    assert (output / "runs" / "candidates.trec").is_file() and not (output / "teaching").exists()
    assert not (output / "student").exists() and not (output / "metrics.json").exists()
    assert distillir("run", recipe, "--output", output).returncode == 0
    # Where texts are reversed, the rows of everything kept would stand for others.
    _rewrite(text / "corpus.jsonl", lambda lines: lines[::-1])
    assert "other documents" in _refused(recipe, output)

    # A recipe that differs is taken over with the flag: the student alone is made anew.
    assert distillir("run", recipe, "--output", output, "--anew").returncode == 0
    candidates = (output / "runs" / "candidates.trec").stat().st_mtime_ns
    changed = ["--set", "training.epochs=2"]
    assert "training.epochs" in _refused(recipe, output, *changed)
    assert distillir("run", recipe, "--output", output, "--anew", *changed).returncode == 0
    assert (output / "runs" / "candidates.trec").stat().st_mtime_ns == candidates
    assert yaml.safe_load((output / "recipe.yaml").read_text())["training"]["epochs"] == 2
    assert distillir("run", recipe, "--output", output, *changed).returncode == 0


def test_a_teacher_retrained_at_its_path_is_another_teacher(recipe: Path, minilm_path: str, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model, output = tmp_path / "teacher", tmp_path / "run"
    shutil.copytree(minilm_path, model)
    settings = ["--set", f"teacher={{dense: {{model: {model}, max_length: 32}}}}"]
    for verb in ("mine", "score"):
        assert distillir(verb, recipe, "--output", output, *settings).returncode == 0
    loaded = SentenceTransformer(str(model), device="cpu")
    loaded[0].auto_model.embeddings.word_embeddings.weight.data.mul_(1.25)
    loaded.save_pretrained(str(model), create_model_card=False)
    said = _refused(recipe, output, *settings, verb="train")
    assert "teaching" in said and "weights or settings of the teacher" in said and "distillir score --anew" in said


def test_a_folder_of_an_earlier_version_is_reported_and_goes_on_with_the_flag(recipe: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    assert distillir("run", recipe, "--output", output).returncode == 0
    before = json.loads((output / "metrics.json").read_text())["after"]
    (output / "provenance.json").unlink()
    said = _refused(recipe, output)
    assert "earlier version" in said and "distillir report" in said and "--anew" in said
    (output / "report.html").unlink()
    assert distillir("report", recipe, "--output", output).returncode == 0 and (output / "report.html").is_file()
    assert distillir("run", recipe, "--output", output, "--anew").returncode == 0
    assert json.loads((output / "metrics.json").read_text())["after"] == before


def test_what_was_changed_after_it_was_made_is_not_reused_or_reported(recipe: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    assert distillir("run", recipe, "--output", output).returncode == 0
    metrics = json.loads((output / "metrics.json").read_text())

    ranking = output / "runs" / "after.trec"
    _rewrite(ranking, lambda lines: lines[: len(lines) // 2])  # cut
    for verb, settings in (("run", ()), ("evaluate", ()), ("report", ())):
        said = _refused(recipe, output, *settings, verb=verb)
        assert "runs/after.trec changed since it was made" in said and "--anew" in said
    done = distillir("run", recipe, "--output", output, "--anew")
    assert done.returncode == 0 and "To be made anew: run after training" in done.stderr, done.stderr
    assert json.loads((output / "metrics.json").read_text())["after"] == metrics["after"]

    # Another student in the place of the trained one: neither its report nor its measures are this run's.
    student = output / "student"
    shutil.copy(output / "work" / "initial-student" / "model.safetensors", student / "model.safetensors")
    for verb in ("report", "evaluate"):
        assert "student/model.safetensors changed since it was made" in _refused(recipe, output, verb=verb)
    (student / "tokenizer.json").unlink()
    assert "student/tokenizer.json was deleted" in _refused(recipe, output, verb="report")
    assert distillir("run", recipe, "--output", output, "--anew").returncode == 0
    assert json.loads((output / "metrics.json").read_text())["after"] == metrics["after"]

    # A score of the teaching set; the card is the user's to write.
    (student / "README.md").write_text("Mine.", encoding="utf-8")
    assert distillir("run", recipe, "--output", output).returncode == 0
    scores = next(file for file in sorted((output / "teaching").rglob("*")) if file.is_file())
    scores.write_bytes(scores.read_bytes() + b"\n")
    said = _refused(recipe, output, verb="train")
    assert "teaching/" in said and "changed since it was made" in said and "distillir score --anew" in said

    # With the flag it is made anew, by itself or by what reads it.
    assert distillir("score", recipe, "--output", output, "--anew").returncode == 0
    assert distillir("run", recipe, "--output", output).returncode == 0

    # What is deleted as a whole is made again without a flag.
    shutil.rmtree(output / "teaching")
    (output / "runs" / "after.trec").unlink()
    assert distillir("run", recipe, "--output", output).returncode == 0
    assert json.loads((output / "metrics.json").read_text())["after"] == metrics["after"]


def test_a_run_whose_recipe_is_gone_says_so(recipe: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    assert distillir("mine", recipe, "--output", output).returncode == 0
    (output / "recipe.yaml").rename(tmp_path / "kept.yaml")
    assert "holds a run whose recipe.yaml is gone" in _refused(recipe, output)
    shutil.copy(recipe, output / "recipe.yaml")
    assert distillir("mine", recipe, "--output", output).returncode == 0


def test_one_command_at_a_time_in_a_folder(recipe: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    first = apart("run", recipe, "--output", output)
    try:
        while not (output / ".lock-holder").exists():
            assert first.poll() is None
        said = _refused(recipe, output)
        assert "another command is writing into this folder" in said and str(first.pid) in said
    finally:
        first.kill()
        first.wait()
    assert (output / ".lock").exists()  # a kill leaves it behind, and it does not count
    assert distillir("mine", recipe, "--output", output).returncode == 0


def test_every_key_of_a_recipe_belongs_to_a_product() -> None:
    """The nearest product above a key depends on it; none is reused because a key was forgotten."""
    assert [p.name for p in affected("training.epochs")] == ["student"]
    assert [p.name for p in affected("student.flops.queries")] == ["student"]
    assert [p.name for p in affected("student.max_length")] == ["initial student"]
    assert [p.name for p in affected("candidates.guard.share")] == ["teaching set"]
    assert "candidates" in [p.name for p in affected("candidates.depth")]
    assert [p.name for p in affected("evaluation.measures")] == ["metrics"]
    assert {"candidates", "run after training"} < {p.name for p in affected("queries.own_document")}
    assert len(affected("a_key_of_tomorrow")) == len(BY_NAME)
    resolved = parse_recipe({"collection": "stdlib", "teacher": "bm25", "student": "any"}).resolved()
    assert all(len(affected(key)) < len(BY_NAME) for key in resolved)
