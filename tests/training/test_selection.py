"""The best state of a student: measured without disturbing its training, kept, and found again after a kill."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_fixtures import lists, student  # noqa: F401
from transformers import TrainerCallback
from worker import select

from command_line import Apart, Two
from distillir.base.arrays import Rows
from distillir.base.best_state import BestState
from distillir.collections import Collection
from distillir.evaluation.search import search_student
from distillir.objectives.weighted_sum import parse_objective
from distillir.plans.settings import TrainingSettings
from distillir.plans.training_example import TrainingExample
from distillir.signals.layers.spec import LayerSpec
from distillir.signals.layers.training import LayerTraining
from distillir.signals.scores.training import ScoresTraining
from distillir.signals.signal_training import SignalTraining
from distillir.students.load import load_student
from distillir.training.pool_ranking import PoolRanking
from distillir.training.selection import Selection, measure_steps
from distillir.training.train import checkpoint_folder, train_student
from example_lists import ExampleLists
from small_models import few_words

WORKER = Path(__file__).with_name("worker.py")
SETTINGS: dict[str, Any] = {
    "epochs": 4, "queries_per_step": 4, "candidates_per_query": 3, "precision": "float32", "dropout": 0.1,
    "checkpoint_seconds": 600, "select_measures": 4, "patience": None, "learning_rate": 1e-4,
}  # fmt: skip
#: With this learning rate a step or two ruin a student.
RUIN = 0.05


@pytest.fixture
def selection(tiny: Collection) -> Selection:
    return select(tiny)


class _Weights(TrainerCallback):
    """Keeps the weights of every step."""

    def __init__(self) -> None:
        self.steps: dict[int, dict[str, torch.Tensor]] = {}

    def on_step_end(self, args: Any, state: Any, control: Any, *, model: Any, **kwargs: Any) -> None:
        self.steps[state.global_step] = _copy(model)


def _copy(model: Any) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


class _Job:
    """Trains a student from the same start again and again."""

    def __init__(self, tiny: Collection, student: Any, lists: ExampleLists) -> None:
        self.tiny, self.student, self.lists, self.start = tiny, student, lists, _copy(student)

    def __call__(
        self,
        folder: Path,
        selection: Selection | None,
        *watchers: Any,
        signals: Sequence[SignalTraining] = (),
        **changes: Any,
    ) -> BestState:
        self.student.load_state_dict(self.start)
        wanted = TrainingSettings(**{**SETTINGS, **changes})
        compared = ScoresTraining(parse_objective({"kl": {"student_temperature": 0.05}}))
        folder.mkdir(exist_ok=True)
        log = folder / "log.jsonl"
        self.examples = train_student(
            self.student,
            self.tiny,
            self.lists,
            wanted,
            folder,
            log,
            signals=[compared, *signals],
            selection=selection,
            watchers=watchers,
        )
        return BestState.read(checkpoint_folder(folder))


@pytest.fixture
def job(tiny: Collection, student: Any, lists: ExampleLists) -> _Job:
    return _Job(tiny, student, lists)


def test_measuring_changes_no_step_and_the_best_is_kept(job: _Job, selection: Selection, tmp_path: Path) -> None:
    without, with_measures = _Weights(), _Weights()
    job(tmp_path / "without", None, without)
    state = job(tmp_path / "with", selection, with_measures)
    assert sorted(without.steps) == sorted(with_measures.steps) == list(range(1, 13))
    assert all(_same(without.steps[step], with_measures.steps[step]) for step in without.steps)
    assert [step for step, _ in state.measures] == [0, 3, 6, 9, 12]
    step, _ = state.kept
    assert _same(_copy(job.student), job.start if step == 0 else without.steps[step])


def test_steps_are_evenly_spaced_and_the_end_is_one() -> None:
    assert measure_steps(12, 4) == [3, 6, 9, 12]
    assert measure_steps(3, 5) == [1, 2, 3]
    assert measure_steps(1, 5) == [1]
    assert measure_steps(7, 1) == [7]


def test_a_student_that_training_ruins_is_kept_as_it_was(job: _Job, selection: Selection, tmp_path: Path) -> None:
    seen = _Weights()
    state = job(tmp_path, selection, seen, learning_rate=RUIN, patience=2)
    assert [step for step, _ in state.measures] == [0, 3, 6] and max(seen.steps) == 6
    values = [value for _, value in state.measures]
    assert values[0] > 0.9 > max(values[1:])
    assert _same(_copy(job.student), job.start) and not _same(seen.steps[6], job.start)
    facts = state.facts(12)
    assert facts["best_step"] == 0 and facts["stopped_early"] and facts["measures"] == [list(m) for m in state.measures]
    told = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(e["step"], e["dev_nDCG@10"]) for e in told if "dev_nDCG@10" in e] == state.measures
    # Killed after its last measure and before the student was saved: nothing is trained again.
    again = _Weights()
    assert job(tmp_path, selection, again, learning_rate=RUIN, patience=2).measures == state.measures
    assert not again.steps and _same(_copy(job.student), job.start)


def test_held_out_queries_are_never_learnt_from(job: _Job, selection: Selection, tmp_path: Path) -> None:
    out = np.array([1, 4, 11])
    job(tmp_path, Selection(**{**vars(selection), "left_out": out}))
    every = [job.examples[place] for place in range(len(job.examples))]
    assert all(isinstance(one, TrainingExample) for one in every)
    assert {one.query for one in every} == set(range(12)) - set(out.tolist())


class _Killed(BaseException):
    """Nothing catches it."""


class _Kill(TrainerCallback):
    """Ends the process, as far as the training can see, after a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step:
            raise _Killed


def _log(folder: Path) -> list[dict[str, Any]]:
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in one.items() if name != "seconds"} for one in entries]


@pytest.mark.parametrize("seconds", [0, 600])
def test_a_killed_training_ends_with_the_same_measures_and_the_same_best(
    job: _Job, selection: Selection, tmp_path: Path, seconds: int
) -> None:
    """From a checkpoint after the last measure, and from the start, behind which lie measures that were taken."""
    whole = job(tmp_path / "whole", selection)
    weights = _copy(job.student)
    for step in (1, 7):
        with pytest.raises(_Killed):
            job(tmp_path / "killed", selection, _Kill(step), checkpoint_seconds=seconds)
    left = BestState.read(checkpoint_folder(tmp_path / "killed"))
    assert left.measures == whole.measures[:3]
    state = job(tmp_path / "killed", selection, checkpoint_seconds=seconds)
    assert state.measures == whole.measures and state.kept == whole.kept
    assert _same(_copy(job.student), weights)
    assert _log(tmp_path / "killed") == _log(tmp_path / "whole")
    kept = list((tmp_path / "killed" / "checkpoints").glob("best-*"))
    assert [file.name for file in kept] == [f"best-{state.kept[0]}.safetensors"]


def test_measures_of_another_training_are_forgotten(job: _Job, selection: Selection, tmp_path: Path) -> None:
    other = Selection(**{**vars(selection), "queries": selection.queries[:4], "own": selection.own[:4]})
    with pytest.raises(_Killed):
        job(tmp_path / "both", other, _Kill(4), learning_rate=RUIN)
    state = job(tmp_path / "both", selection, learning_rate=RUIN)
    assert state.measures == job(tmp_path / "one", selection, learning_rate=RUIN).measures


@pytest.mark.parametrize(
    ("kind", "towers"),
    [("dense", "separate"), ("multi-vector", "shared"), ("sparse", "shared"), ("sparse", "inference-free")],
)
def test_the_pool_is_ranked_as_an_evaluation_ranks_it(
    kind: str, towers: str, tiny: Collection, tmp_path: Path, minilm_path: str, mlm_path: str
) -> None:
    name = mlm_path if kind == "sparse" else minilm_path
    student = load_student(
        name, kind=kind, towers=towers, max_length=32, device="cpu", layers=None if kind == "sparse" else 1
    )
    student.save_pretrained(str(tmp_path / "student"), create_model_card=False)
    selection = select(tiny)
    own = np.full(len(selection.queries), -1)
    own[0] = 3
    ranking = PoolRanking(student, tiny, Selection(**{**vars(selection), "own": own}), tmp_path)
    student.train()
    student[0].eval()
    modes, state = [module.training for module in student.modules()], torch.get_rng_state()
    found = ranking.run(ranking.scores())
    assert modes == [module.training for module in student.modules()] and torch.equal(state, torch.get_rng_state())
    wanted = search_student(tmp_path / "student", tiny, selection.queries, depth=len(tiny.corpus))
    for place in range(len(wanted)):
        rows, scores = wanted.of(place)
        kept = rows != own[place]
        assert len(found.of(place)[0]) == kept.sum() > 0
        ours: dict[int, float] = dict(zip(*(values.tolist() for values in found.of(place)), strict=True))
        assert [ours[row] for row in rows[kept].tolist()] == pytest.approx(scores[kept].tolist(), rel=1e-4, abs=1e-4)
        assert _first(found.of(place)[0]) == _first(rows[kept])
    assert 0 < ranking.measure() <= 1


def _first(rows: Rows) -> int:
    return int(rows[0])


def test_scores_that_are_not_finite_are_told(
    student: Any, tiny: Collection, selection: Selection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with torch.no_grad():
        next(student.parameters()).fill_(float("nan"))
    assert PoolRanking(student, tiny, selection, tmp_path).measure() == 0.0
    assert "scores that are not finite: measured as 0" in capsys.readouterr().err


def test_a_joint_teacher_is_kept_from_the_same_step_through_a_kill(
    job: _Job, selection: Selection, tmp_path: Path, minilm_path: str
) -> None:
    """By a learning rate that ruins both: the first state is the best one."""
    spec = LayerSpec(teacher={"dense": minilm_path}, joint=True, count=1)
    layers = [
        LayerTraining(spec, teacher=load_student(minilm_path, layers=2, max_length=16, device="cpu")) for _ in range(2)
    ]
    start = _copy(layers[0].teacher)
    options = {"learning_rate": RUIN, "checkpoint_seconds": 0, "in_batch": "all", "epochs": 2}
    with pytest.raises(_Killed):
        job(tmp_path, selection, _Kill(4), signals=layers[:1], **options)
    assert not _same(_copy(layers[0].teacher), start)
    state = job(tmp_path, selection, signals=layers[1:], **options)
    assert state.kept[0] == 0 and [step for step, _ in state.measures] == [0, 2, 3, 4, 6]
    assert _same(_copy(job.student), job.start) and _same(_copy(layers[1].teacher), start)


def test_two_processes_measure_as_one_and_stop_together(tiny: Collection, tmp_path: Path) -> None:
    settings = {**SETTINGS, "selection": True, "dropout": 0.0, "student": {"model": few_words()}}
    changes: dict[str, dict[str, Any]] = {"good": {}, "ruined": {"learning_rate": RUIN, "patience": 1}}
    jobs = {
        by: [[str(tmp_path / by / name), {**settings, **change}, "kl"] for name, change in changes.items()]
        for by in ("one", "two")
    }
    both = Two(tiny.path, json.dumps(jobs["two"]), program=WORKER)
    one = Apart(tiny.path, json.dumps(jobs["one"]), program=WORKER)
    assert one.wait() == 0, one.written()[-3000:]
    done = both.wait()
    assert done.returncode == 0, done.stderr[-3000:]
    for name in changes:
        alone, two = (BestState.read(checkpoint_folder(tmp_path / by / name)) for by in ("one", "two"))
        assert [step for step, _ in alone.measures] == [step for step, _ in two.measures]
        assert [value for _, value in two.measures] == pytest.approx([value for _, value in alone.measures], abs=1e-2)
        assert alone.kept[0] == two.kept[0]
        weights = [torch.load(tmp_path / by / name / "weights.pt") for by in ("one", "two")]
        assert all(torch.allclose(value, weights[1][key], atol=1e-4) for key, value in weights[0].items())
    assert [step for step, _ in two.measures] == [0, 3]
