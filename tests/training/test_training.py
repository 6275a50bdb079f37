"""Training in processes of its own: killed, accumulated, and shared by two."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from worker import job

from command_line import Apart, in_two, kill_once
from distillir.collections import Collection, load_collection
from distillir.students.load import load_student
from distillir.teachers.load_layered import load_joint
from small_models import few_words

WORKER = Path(__file__).parent / "worker.py"
BASE = {"epochs": 2, "queries_per_step": 4, "candidates_per_query": 5, "precision": "float32", "learning_rate": 1e-3}
#: Objective of the tests of joint teachers.
LABELS_AND_TEACHER = {"info_nce": 0.5, "kl": 0.2}
Job = tuple[str, dict[str, Any], Any]


def _job(work: Path, objective: Any = "kl", **settings: Any) -> Job:
    student = {"model": few_words(), **settings.get("student", {})}
    return str(work), {**BASE, **settings, "student": student}, objective


def _train(tiny: Collection, *jobs: Job) -> None:
    """In this process, with one thread, as the others have it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for work, settings, objective in jobs:
            job(tiny, Path(work), settings, objective)
    finally:
        torch.set_num_threads(threads)


def _losses(work: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (work / "log.jsonl").read_text().splitlines()]


def _weights(work: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = torch.load(work / "weights.pt")
    return weights


@pytest.mark.parametrize("part", ["dark", "joint teacher", "cross-encoder", "kept documents", "kept tokens"])
def test_the_loss_falls_and_a_killed_run_ends_with_the_same_weights(
    part: str, tiny: Collection, tmp_path: Path, narrow_model: str
) -> None:
    student: dict[str, Any] = {"model": narrow_model}
    settings: dict[str, Any] = {"epochs": 8, "dropout": 0.1, "checkpoint_seconds": 0, "learning_rate": 0.01}
    if part == "dark":
        settings["dark"] = {"count": 2}
    elif part == "kept documents":
        student["documents"] = {"dense": {"model": narrow_model, "max_length": 32}}
    elif part == "kept tokens":
        late = str(tmp_path / "late")
        load_student(narrow_model, kind="multi-vector", max_length=32, device="cpu").save_pretrained(late)
        student |= {"model": late, "documents": {"multi-vector": {"model": late, "max_length": 32}}}
    elif part == "cross-encoder":
        student["kind"] = "cross-encoder"
        settings |= {"grad_cache": True, "token_budget": 160}
    else:
        joint = {"teacher": {"dense": narrow_model}, "joint": True, "count": 1, "redraw": 3}
        settings |= {"layers": joint, "in_batch": "all"}
    settings["student"] = student
    objective = "kl" if part == "cross-encoder" else {"kl": {"student_temperature": 0.05}}
    _train(tiny, _job(tmp_path / "whole", objective, **settings))
    losses = _losses(tmp_path / "whole")
    assert sum(losses[-4:]) < 0.8 * sum(losses[:4])
    if part == "joint teacher":
        trained, start = _weights(tmp_path / "whole"), load_joint(settings["layers"]["teacher"]).state_dict()
        assert sum(not torch.equal(trained[f"teacher.{name}"], value) for name, value in start.items()) > 20
    work = tmp_path / "killed"
    process = Apart(tiny.path, json.dumps([_job(work, objective, **settings)]), 0.3, program=WORKER)
    kill_once(process, lambda: len(list(work.glob("checkpoints/checkpoint-*/complete"))) > 1)
    assert not (work / "weights.pt").exists()
    assert list(work.glob("checkpoints/checkpoint-*/complete")), "killed before the first checkpoint"
    _train(tiny, _job(work, objective, **settings))
    whole, resumed = _weights(tmp_path / "whole"), _weights(work)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert _losses(work) == _losses(tmp_path / "whole")
    drawn = [folder / "layers.jsonl" for folder in (tmp_path / "whole", work)]
    assert part != "joint teacher" or drawn[0].read_text() == drawn[1].read_text() != ""


def test_a_torn_checkpoint_is_passed_over(tiny: Collection, tmp_path: Path) -> None:
    from distillir.base.trainer_callbacks import last_checkpoint

    for step, whole in ((5, True), (10, False)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        if whole:
            (folder / "complete").touch()
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-5"
    assert last_checkpoint(tmp_path / "nothing") is None


#: What two processes train; the paths of models are put in by `by_two`.
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "dark": (
        {"ranknet": 1.0, "info_nce": 0.5, "kl": 1.0},
        {"batches": "overlapping", "dark": {"gate": {"schedule": "quantile", "start": 0.3, "end": 1.0}}},
    ),
    "towers": ({"ckl": 1.0, "lambda_mrr": 1.0}, {"student": {"towers": "separate"}}),
    "multi-vector, layers": (
        # Sums over tokens at temperature 1 give losses above 100, whose rounding would be all that is compared.
        {"kl": {"weight": 0.1, "student_temperature": 8.0}},
        {"student": {"kind": "multi-vector"}, "learning_rate": 1e-4, "layers": {"count": 1, "weight": 0.1}},
    ),
    "sparse": ({"kl": 0.1}, {"student": {"kind": "sparse", "towers": "inference-free"}, "learning_rate": 1e-4}),
}
JOINT: dict[str, dict[str, Any]] = {
    "dense": {"in_batch": "all"},
    "multi-vector": {"in_batch": True, "student": {"kind": "multi-vector"}},
}


@pytest.fixture(scope="module")
def tiny(tiny_beir: Path, tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """The tiny collection, each of whose documents has a copy: in all processes copies of positives join no list."""
    folder = tmp_path_factory.mktemp("copies") / "tiny"
    shutil.copytree(tiny_beir, folder)
    documents = [json.loads(line) for line in (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    copies = [{**one, "_id": f"{one['_id']} again"} for one in documents]
    lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in [*documents, *copies])
    (folder / "corpus.jsonl").write_text(lines, encoding="utf-8")
    return load_collection(folder)


@dataclass(frozen=True)
class ByTwo:
    """What two processes trained: the settings and the folder of each case."""

    settings: dict[str, dict[str, Any]]
    folder: Path


@pytest.fixture(scope="module")
def by_two(tiny: Collection, tmp_path_factory: pytest.TempPathFactory, minilm_path: str, mlm_path: str) -> ByTwo:
    """Every case, trained by two processes that are started once: most of a start is loading the libraries."""
    folder = tmp_path_factory.mktemp("two")
    # Lists are ragged and some have no positive: means of means would differ.
    settings = {name: {**given, "dropout": 0.0} for name, (_, given) in CASES.items()}
    settings["sparse"]["student"] = {**settings["sparse"]["student"], "model": mlm_path}
    for kind, given in JOINT.items():
        path = folder / f"teacher-{kind}"
        load_student(minilm_path, kind=kind, layers=2, max_length=32, device="cpu").save_pretrained(str(path))
        layers = {"teacher": {kind: str(path)}, "joint": True, "count": 1}
        settings[kind] = {**given, "dropout": 0.0, "layers": layers, "max_grad_norm": 0.5, "learning_rate": 1e-4}
    objectives = {name: objective for name, (objective, _) in CASES.items()}
    jobs = [_job(folder / name, objectives.get(name, LABELS_AND_TEACHER), **given) for name, given in settings.items()]
    done = in_two(tiny.path, json.dumps(jobs), program=WORKER)
    assert done.returncode == 0, done.stderr[-3000:]
    return ByTwo(settings, folder)


@pytest.mark.parametrize("case", CASES)
def test_accumulation_and_two_processes_follow_the_same_curve(
    case: str, by_two: ByTwo, tiny: Collection, tmp_path: Path
) -> None:
    objective, settings = CASES[case][0], by_two.settings[case]
    smaller = {**settings, "gradient_accumulation": 4, "grad_cache": True}
    _train(tiny, _job(tmp_path / "one", objective, **settings), _job(tmp_path / "parts", objective, **smaller))
    (tmp_path / "two").symlink_to(by_two.folder / case)
    one = _losses(tmp_path / "one")
    assert len(one) == 6
    logged = [json.loads((tmp_path / name / "log.jsonl").read_text().splitlines()[3]) for name in ("one", "two")]
    named = {*objective, *({"layers"} & settings.keys())}
    parts = {name for name in logged[0] if name.replace("dark ", "") in named} or {"loss"}
    assert len(parts) == (5 if "dark" in settings else len(named))
    for log in logged:
        assert sum(log[name] for name in parts) == pytest.approx(log["loss"], abs=1e-5)
        assert all(log[name] == pytest.approx(logged[0][name], abs=1e-5) for name in parts)
    assert _losses(tmp_path / "parts") == pytest.approx(one, abs=1e-5, rel=1e-5)
    assert _losses(tmp_path / "two") == pytest.approx(one, abs=1e-5, rel=1e-5)
    whole = _weights(tmp_path / "one")
    for other in ("parts", "two"):
        for name, value in _weights(tmp_path / other).items():
            if value.is_floating_point():
                torch.testing.assert_close(value, whole[name], atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize("kind", JOINT)
def test_two_processes_compare_the_documents_of_both(
    kind: str, by_two: ByTwo, tiny: Collection, tmp_path: Path
) -> None:
    settings = by_two.settings[kind]
    jobs = [_job(tmp_path / "one", LABELS_AND_TEACHER, **settings)]
    if kind == "dense":
        jobs.append(_job(tmp_path / "parts", LABELS_AND_TEACHER, **settings, gradient_accumulation=2))
    _train(tiny, *jobs)
    (tmp_path / "two").symlink_to(by_two.folder / kind)
    one = _losses(tmp_path / "one")
    assert _losses(tmp_path / "two") == pytest.approx(one, rel=2e-5)  # products as they are: a loss of 5 to 200
    if kind == "dense":  # smaller batches have fewer negatives: what two processes share is more than what they have
        assert _losses(tmp_path / "parts") != pytest.approx(one, abs=1e-3)
    logs = [(tmp_path / name / "layers.jsonl").read_text().splitlines() for name in ("one", "two")]
    for first, second in zip(*(map(json.loads, log) for log in logs), strict=True):
        assert first["weights"] == pytest.approx(second.pop("weights"), abs=1e-4)
        assert all(first[name] == value for name, value in second.items())
    whole, other = _weights(tmp_path / "one"), _weights(tmp_path / "two")
    assert whole.keys() == other.keys() and any(name.startswith("teacher.") for name in whole)
    for name, value in other.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, whole[name], atol=2e-4, rtol=1e-3)
