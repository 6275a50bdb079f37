"""The identity of a training, kept beside its checkpoints: those of another one are refused, never gone on from."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distillir.base.best_state import forget_best
from distillir.base.errors import DistillirError
from distillir.base.files import write_json
from distillir.base.processes import first_decides
from distillir.collections import Collection
from distillir.encoding.fingerprint import model_fingerprint
from distillir.plans.example_stream import ExampleStream
from distillir.plans.settings import IDLE, TrainingSettings
from distillir.signals.signal_training import SignalTraining
from distillir.students.loaded import student_of
from distillir.teaching.fingerprint import lists_fingerprint
from distillir.teaching.text_lists import TextLists

if TYPE_CHECKING:
    from distillir.training.selection import Selection

IDENTITY = "made-from.json"
#: Settings under which a training goes on to the same weights.
_NO_MATTER = {"checkpoint_seconds", "select", "select_queries", "select_measures", "patience", *IDLE}


def training_identity(
    model: Any,
    collection: Collection,
    examples: ExampleStream,
    settings: TrainingSettings,
    *,
    signals: Sequence[SignalTraining],
    penalties: tuple[Mapping[str, float], float],
    selection: "Selection | None" = None,
    seed: int,
) -> dict[str, Any]:
    """Everything that decides the weights at the end of a training, by a name for messages.

    Args:
        model: The student before the first step; arguments otherwise as `distillir.training.train.train_student`.
        collection: Where the texts are.
        examples: Lists and forms.
        settings: See `TrainingSettings`.
        signals: What is learnt from.
        penalties: Of sparse students.
        selection: What the best is chosen by; None: the last is kept.
        seed: Of order, sampling and dropout.
    """
    samplers = [f"{type(sampler).__name__} {vars(sampler)}" for sampler in examples.samplers]
    identity: dict[str, Any] = {
        "student": model_fingerprint(model),
        "texts": f"{collection.corpus.fingerprint} {collection.queries.fingerprint}",
        **(
            {"texts alone": examples.lists.fingerprint}
            if isinstance(examples.lists, TextLists)
            else {"candidate lists": lists_fingerprint(examples.lists)}
        ),
        "lists of the plan": samplers,
        "settings": {name: value for name, value in settings.model_dump().items() if name not in _NO_MATTER},
        "penalties": [dict(penalties[0]), penalties[1]],
        "seed": seed,
    }
    for signal in signals:
        identity |= signal.identity()
    if (kept := student_of(model).documents_identity) is not None:
        identity["kept documents"] = kept
    if selection is not None:
        identity["selection"] = [selection.fingerprint, settings.select_measures, settings.patience]
    return identity


def claim_checkpoints(folder: Path, identity: Mapping[str, Any]) -> None:
    """Note whose checkpoints a folder is to hold.

    Args:
        folder: Of the checkpoints; made if it is missing.
        identity: As `training_identity` gives it.

    Raises:
        DistillirError: It holds checkpoints of another training.
    """
    first_decides(lambda: _claim(folder, json.loads(json.dumps(identity))))


def _claim(folder: Path, identity: dict[str, Any]) -> None:
    file = folder / IDENTITY
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if any(folder.glob("checkpoint-*")):
        changed = ["what they are of is not noted"] if not isinstance(found, dict) else []
        if isinstance(found, dict):
            names = [*identity, *(name for name in found if name not in identity)]
            changed = [f"other {name}" for name in names if found.get(name) != identity.get(name)]
        if changed:
            raise DistillirError(
                f"holds checkpoints of another training ({', '.join(changed)})",
                where=folder,
                remedy="delete them, or train in another folder",
            )
    elif found != identity:
        forget_best(folder)  # measured before another training's first checkpoint
    write_json(file, identity)
