"""Train one layer of MiniLM on example lists; run by the tests in processes of its own.

Usage: worker.py COLLECTION WORK SETTINGS(JSON) OBJECTIVE [SECONDS A STEP]
"""

import json
import sys
import time
from pathlib import Path

import torch
from transformers import TrainerCallback

from distillir.collections import Collection
from distillir.encoding.models import resolve_model
from distillir.objectives.weighted_sum import parse_objective
from distillir.parallel import rank
from distillir.students.load import load_student
from distillir.training import trainer
from distillir.training.settings import TrainingSettings
from distillir.training.train import train
from example_lists import ExampleLists

collection, work, settings, objective = sys.argv[1:5]
if len(sys.argv) > 5:

    class Slow(TrainerCallback):
        """Leave time to be killed."""

        def on_step_end(self, *args: object, **kwargs: object) -> None:
            """Wait."""
            time.sleep(float(sys.argv[5]))

    made = trainer.LessonTrainer.__init__

    def init(self: object, *args: object, **kwargs: object) -> None:
        made(self, *args, **kwargs)
        self.add_callback(Slow())  # type: ignore[attr-defined]

    trainer.LessonTrainer.__init__ = init  # type: ignore[method-assign]

torch.set_num_threads(1)
opened = Collection(Path(collection))
wanted = json.loads(settings)
towers = wanted.pop("towers", "shared")
model = load_student(resolve_model("all-MiniLM-L6-v2"), layers=1, max_length=32, towers=towers, device="cpu")
folder = Path(work)
folder.mkdir(parents=True, exist_ok=True)
train(
    model,
    opened,
    ExampleLists(opened),
    parse_objective(json.loads(objective)),
    TrainingSettings(**wanted),
    folder,
    folder / "log.jsonl",
)
if rank() == 0:
    torch.save(dict(model.state_dict()), folder / "weights.pt")
