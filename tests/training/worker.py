"""Train one layer of MiniLM on example lists: `job`, or as a program, which can be killed and have a twin.

Usage: worker.py COLLECTION JOBS [SECONDS A STEP]

JOBS is a JSON list of [WORK, SETTINGS, OBJECTIVE], done one after the other.
"""

import gc
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import TrainerCallback

from dark_examples import make_dark_set, raise_positives
from distillir.base.processes import barrier, rank
from distillir.collections import Collection
from distillir.objectives.weighted_sum import WeightedSum, parse_objective
from distillir.plans.settings import TrainingSettings
from distillir.signals.dark_examples.dark_example_lists import DarkExampleLists
from distillir.signals.dark_examples.dark_example_set import open_dark_set
from distillir.signals.dark_examples.spec import DarkSpec
from distillir.signals.dark_examples.training import DarkTraining
from distillir.signals.layers.layer_set import LayerSet
from distillir.signals.layers.spec import LayerSpec
from distillir.signals.layers.training import LayerTraining
from distillir.signals.scores.training import ScoresTraining
from distillir.signals.signal_training import SignalTraining
from distillir.students.kept_documents.named_kind import kept_kind
from distillir.students.kept_documents.spec import DocumentsSpec
from distillir.students.load import load_student
from distillir.teachers.load_layered import load_joint
from distillir.training import trainer
from distillir.training.selection import Selection
from distillir.training.train import train_student
from example_lists import ExampleLists


def job(opened: Collection, folder: Path, settings: dict[str, Any], objective: Any) -> None:
    """Train, and keep the weights."""
    wanted = dict(settings)
    student = {"kind": "dense", "towers": "shared", **wanted.pop("student")}
    selection = select(opened) if wanted.pop("selection", False) else None
    if (documents := student.pop("documents", None)) is not None:
        student["kind"] = kept_kind(DocumentsSpec.model_validate(documents))
    spec, layered = wanted.pop("dark", None), wanted.pop("layers", None)
    lists = ExampleLists(opened)
    signals: list[SignalTraining] = []
    model = load_student(student.pop("model"), layers=student.pop("layers", 1), max_length=32, device="cpu", **student)
    folder.mkdir(parents=True, exist_ok=True)
    compared = parse_objective(objective)
    if spec is not None:
        if rank() == 0:
            make_dark_set(opened, lists, folder / "dark")
        barrier()
        raise_positives(lists)
        learnt = DarkExampleLists(open_dark_set(folder / "dark"), lists, DarkSpec(**spec), len(opened.corpus))
        teaching = WeightedSum([part for part in compared.parts if part[0].needs & {"teacher", "labels"}])
        signals.append(DarkTraining(learnt, teaching, 0.7))
    teacher = None
    if layered is not None:
        by_layer = LayerSpec(**layered)
        if by_layer.joint:
            teacher = load_joint(by_layer.teacher)
            signals.append(LayerTraining(by_layer, teacher=teacher, log=folder / "layers.jsonl"))
        else:
            drawn = np.random.default_rng(1)
            sizes = [len(lists.documents(index)) for index in range(len(lists.queries))]
            found = LayerSet(4, [drawn.normal(size=(4, size)).astype(np.float32) for size in sizes])
            signals.append(LayerTraining(by_layer, found, log=folder / "layers.jsonl"))
    train_student(
        model,
        opened,
        lists,
        TrainingSettings(**wanted),
        folder,
        folder / "log.jsonl",
        signals=[ScoresTraining(compared, wanted.get("pseudo_positives", False)), *signals],
        selection=selection,
    )
    if rank() == 0:
        weights = dict(model.state_dict())
        if teacher is not None:
            weights |= {f"teacher.{name}": value for name, value in teacher.state_dict().items()}
        torch.save(weights, folder / "weights.pt")


def select(opened: Collection) -> Selection:
    """The dev queries, and every document."""
    qrels = opened.qrels("dev")
    rows = qrels.query_rows
    everything = np.arange(len(opened.corpus), dtype=np.int64)
    return Selection("dev", rows, everything, qrels, np.full(len(rows), -1), np.empty(0, dtype=np.int64))


def _slow_down(seconds: float) -> None:
    """Leave time to be killed after each step."""

    class Slow(TrainerCallback):
        def on_step_end(self, *args: object, **kwargs: object) -> None:
            time.sleep(seconds)

    made = trainer.ExampleTrainer.__init__

    def init(self: trainer.ExampleTrainer, *args: object, **kwargs: object) -> None:
        made(self, *args, **kwargs)
        self.add_callback(Slow())

    trainer.ExampleTrainer.__init__ = init  # type: ignore[method-assign]


if __name__ == "__main__":
    gc.freeze()  # of the libraries, which each training would have it walk through
    torch.set_num_threads(1)
    if len(sys.argv) > 3:
        _slow_down(float(sys.argv[3]))
    for place, given, aim in json.loads(sys.argv[2]):
        job(Collection(Path(sys.argv[1])), Path(place), given, aim)
