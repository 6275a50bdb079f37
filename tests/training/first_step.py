"""First step of a training, by every objective: its loss, the loss's parts and the gradient.

As a program, which `torchrun` gives twins: first_step.py COLLECTION FOLDER MODEL
"""

import copy
import gc
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import TrainerCallback

from dark_examples import make_dark_set, raise_positives
from distillir.base.processes import barrier, first_process_first, rank
from distillir.batches.gather import average_gradients
from distillir.collections import Collection
from distillir.objectives.weighted_sum import parse_objective
from distillir.plans.graded_lists import GradedLists
from distillir.plans.plain_lists import PlainLists
from distillir.plans.settings import TrainingSettings
from distillir.signals.dark_examples.dark_example_lists import DarkExampleLists
from distillir.signals.dark_examples.dark_example_set import open_dark_set
from distillir.signals.dark_examples.spec import DarkSpec, GateSpec
from distillir.signals.dark_examples.training import DarkTraining
from distillir.signals.layers.layer_set import LayerSet
from distillir.signals.layers.spec import LayerSpec
from distillir.signals.layers.training import LayerTraining
from distillir.signals.preferences.pair_lists import PairLists
from distillir.signals.preferences.pair_set import Pairs
from distillir.signals.preferences.training import PairTraining
from distillir.signals.scores.training import ScoresTraining
from distillir.signals.signal_training import Batch, Output, SignalTraining
from distillir.signals.vectors.spec import VectorSpec
from distillir.signals.vectors.teacher_vectors import MadeVectors
from distillir.signals.vectors.training import VectorTraining
from distillir.students.kept_documents.named_kind import kept_kind
from distillir.students.kept_documents.spec import DocumentsSpec
from distillir.students.load import load_student
from distillir.teaching.text_lists import TextLists
from distillir.training import trainer
from distillir.training.train import train_student
from example_lists import ExampleLists

QUERIES = 12
#: Scores are float32: divided by less, what they are rounded by would show.
KL = {"student_temperature": 0.5}
WIDE = {"student_temperature": 8.0}
GATE = {"schedule": "quantile", "start": 0.5, "end": 0.5, "lists": True}


@dataclass(frozen=True)
class Case:
    """What is trained.

    Attributes:
        objective: As a recipe writes it; empty with texts alone.
        kind: Of student.
        beside: What stands beside the lists: ``dark``, ``layers``, ``pairs``, ``vectors``.
        texts: In place of lists: how many queries and how many documents alone.
        graded: Lists as in CL-DRD, whose remaining candidates tie with other lists' documents.
        in_batch: How documents of other lists join.
    """

    objective: Any
    kind: str = "dense"
    beside: str = ""
    graded: bool = False
    in_batch: tuple[bool | str, ...] = (False, True)
    texts: tuple[int, int] | None = None


#: Lists are ragged, half of them have no positive, and processes have different documents: numbers of queries, of
#: pairs and of candidates differ between processes and accumulated batches.
CASES = {
    "kl": Case({"kl": KL}, in_batch=(False, True, "all")),
    "ckl": Case({"ckl": {**KL, "gamma": 1.0, "beta": 0.5, "bias": "linear"}}),
    "margin_mse": Case("margin_mse", in_batch=(False,)),
    "ranknet": Case({"ranknet": KL}, in_batch=(False, True, "all")),
    "info_nce": Case({"info_nce": {"temperature": 0.5}}),
    "info_nce, others": Case({"info_nce": {"own_negatives": False, "temperature": 0.5}}, in_batch=(True, "all")),
    "bce": Case({"bce": {"positive_weight": 3.0, **KL}}, in_batch=(False, True, "all")),
    "lambda_mrr": Case({"lambda_mrr": KL}, graded=True),
    "lambda_mrr, plain": Case("lambda_mrr"),
    "pair_kl": Case("pair_kl", beside="pairs"),
    "sum": Case({"kl": {**KL, "own_list": True}, "ranknet": 2.0, "info_nce": 0.3, "ckl": KL, "lambda_mrr": 0.5}),
    "dark": Case({"ranknet": 1.0, "kl": KL, "info_nce": 0.5}, beside="dark"),
    "layers": Case({"kl": KL, "lambda_mrr": 1.0}, beside="layers"),
    "vectors": Case({"kl": KL}, beside="vectors", in_batch=(False, True, "all")),
    "multi-vector": Case({"ranknet": 1.0, "kl": 0.1}, kind="multi-vector", in_batch=(True,)),
    "sparse": Case({"lambda_mrr": 1.0, "kl": 0.1}, kind="sparse", in_batch=(True,)),
    "kept": Case({"kl": KL, "ckl": KL, "info_nce": {"temperature": 0.5}}, kind="kept", in_batch=(True,)),
    "kept, graded": Case({"lambda_mrr": KL}, kind="kept", graded=True, in_batch=(False,)),
    "kept, dark": Case({"ranknet": 1.0, "kl": KL}, kind="kept", beside="dark", in_batch=(True,)),
    "kept, layers": Case({"kl": KL, "margin_mse": 0.5}, kind="kept", beside="layers", in_batch=(False,)),
    "kept, pairs": Case({"pair_kl": 1.0, "kl": KL}, kind="kept", beside="pairs", in_batch=(True,)),
    "kept tokens": Case({"kl": KL, "ckl": KL, "info_nce": {"temperature": 0.5}}, kind="kept tokens"),
    "kept tokens, dark": Case({"ranknet": 1.0, "kl": KL}, kind="kept tokens", beside="dark", in_batch=(True,)),
    "kept tokens, layers": Case({"kl": KL, "margin_mse": 0.5}, "kept tokens", "layers", in_batch=(False,)),
    "kept tokens, pairs": Case({"pair_kl": 1.0, "kl": KL}, "kept tokens", "pairs", in_batch=(False,)),
    # Weights of words add up to large scores.
    "kept words": Case({"kl": WIDE, "ckl": WIDE, "info_nce": {"temperature": 8.0}}, "kept words", in_batch=(True,)),
    "kept words, dark": Case({"ranknet": 1.0, "kl": WIDE}, "kept words", "dark", in_batch=(True,)),
    "kept words, pairs": Case({"pair_kl": 1.0, "kl": WIDE}, "kept words", "pairs", in_batch=(False,)),
    "cross-encoder": Case(
        {"kl": KL, "ckl": KL, "margin_mse": 0.5, "ranknet": 2.0, "info_nce": 0.3, "lambda_mrr": 0.5, "bce": 1.0},
        kind="cross-encoder",
        in_batch=(False,),
    ),
    "cross-encoder, dark": Case({"ranknet": 1.0, "kl": KL}, "cross-encoder", "dark", in_batch=(False,)),
    "cross-encoder, layers": Case({"kl": KL}, "cross-encoder", "layers", in_batch=(False,)),
    "cross-encoder, pairs": Case({"pair_kl": 1.0, "kl": KL}, "cross-encoder", "pairs", in_batch=(False,)),
    "queries alone": Case({}, in_batch=(False,), texts=(12, 0)),
    "documents alone": Case({}, in_batch=(False,), texts=(0, 12)),
    "texts alone": Case({}, in_batch=(False,), texts=(5, 7)),
    "texts alone, multi-vector": Case({}, "multi-vector", in_batch=(False,), texts=(5, 7)),
    # A batch of two texts often holds one side alone, in one process and not in the other.
    "texts alone, towers": Case({}, "towers", in_batch=(False,), texts=(5, 7)),
    "queries alone, towers": Case({}, "towers", in_batch=(False,), texts=(12, 0)),
    "texts alone, vectors": Case({}, beside="vectors", in_batch=(False,), texts=(5, 7)),
    "documents alone, sparse": Case({}, "sparse", in_batch=(False,), texts=(0, 12)),
}
#: Accumulated batches, each encoded in chunks.
PARTS: dict[str, Any] = {"gradient_accumulation": 3, "token_budget": 96, "grad_cache": True}


@dataclass
class Step:
    """What a step did.

    Attributes:
        log: Loss and its parts by name.
        gradient: Of all parameters, one after the other, before it is clipped.
        positives: Whether lists were drawn so that they hold a judged positive.
    """

    log: dict[str, float] = field(default_factory=dict)
    gradient: torch.Tensor | None = None
    positives: bool = False


class Lengths(SignalTraining):
    """Learns from every text's encoding by itself."""

    name = "lengths"

    def collate(self, batch: Batch) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {"lengths": torch.tensor(float(len(batch.queries) + len(batch.documents)))}

    def counts(self, label: Any) -> dict[str, torch.Tensor]:
        return {"lengths": label["lengths"]}

    def terms(self, output: Output, inputs: Any, label: Any, counts: Any, step: int) -> dict[str, torch.Tensor]:
        texts = [*output.queries, *output.documents]
        return {"lengths": torch.stack([encoded.flatten()[::2].square().sum() for encoded in texts]).sum()}


class _Kept(TrainerCallback):
    """Keeps the first step's gradient and log."""

    def __init__(self, step: Step) -> None:
        self.step = step

    def on_pre_optimizer_step(self, *args: Any, model: Any, **kwargs: Any) -> None:
        given = [one.grad.flatten() for _, one in sorted(model.named_parameters()) if one.grad is not None]
        self.step.gradient = torch.cat(given).clone()

    def on_log(self, *args: Any, logs: dict[str, float], **kwargs: Any) -> None:
        if "loss" in logs:
            self.step.log = {name: logs[name] for name in logs if name not in ("grad_norm", "learning_rate", "epoch")}


class _KeepingTrainer(trainer.ExampleTrainer):
    """Hands what it kept to whoever asks last."""

    last = Step()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _KeepingTrainer.last = Step()
        self.add_callback(_Kept(_KeepingTrainer.last))


def names() -> list[str]:
    """Of every step: the case, and how documents join."""
    return [f"{case}/{join}" for case, given in CASES.items() for join in given.in_batch]


def first_steps(opened: Collection, folder: Path, model: str, *, parts: bool) -> dict[str, Step]:
    """Every step by its name.

    Args:
        opened: The collection.
        folder: For tokens and dark examples, the same for all processes.
        model: Folder of a masked language model, which students are made of.
        parts: Cut steps into `PARTS`. Else they are whole; where other lists' documents join, of as many accumulated
            batches, since these are what lists share.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if rank() == 0:
        make_dark_set(opened, ExampleLists(opened, QUERIES), folder / "dark")
    barrier()
    students: dict[str, Any] = {}
    for kind in ("dense", "multi-vector", "sparse", "cross-encoder"):
        towers = "inference-free" if kind == "sparse" else "shared"
        # In double precision the encoder adds no rounding of its own.
        students[kind] = load_student(model, kind=kind, max_length=24, device="cpu", towers=towers).double()
    students["towers"] = load_student(model, max_length=24, device="cpu", towers="separate").double()
    # Queries are trained against the vectors of the model that they start from.
    late = folder / "late"
    with first_process_first():
        if not late.is_dir():
            load_student(model, kind="multi-vector", max_length=24, device="cpu").save_pretrained(str(late))
    starts = {"kept": ("dense", model), "kept tokens": ("multi-vector", str(late)), "kept words": ("sparse", model)}
    for name, (own, start) in starts.items():
        kept = kept_kind(DocumentsSpec.model_validate({own: {"model": start, "max_length": 24}}))
        students[name] = load_student(start, kind=kept, max_length=24, device="cpu").double()
    made, found = trainer.ExampleTrainer, {}
    trainer.ExampleTrainer = _KeepingTrainer  # type: ignore[misc]
    try:
        for name in names():
            case, join = name.split("/")
            in_batch = {"True": True, "False": False}.get(join, join)
            whole = {"gradient_accumulation": PARTS["gradient_accumulation"]} if in_batch else {}
            settings = {**(PARTS if parts else whole), "in_batch": in_batch}
            found[name] = _step(opened, folder, CASES[case], settings, students)
    finally:
        trainer.ExampleTrainer = made  # type: ignore[misc]
    return found


def _step(opened: Collection, folder: Path, case: Case, settings: dict[str, Any], students: dict[str, Any]) -> Step:
    lists: Any = ExampleLists(opened, QUERIES)
    signals: list[SignalTraining] = []
    if case.texts is None:
        signals.append(ScoresTraining(parse_objective(case.objective), settings.get("pseudo_positives", False)))
    else:
        lists = TextLists(*map(np.arange, case.texts))
        signals.append(Lengths())
    if case.beside == "dark":
        raise_positives(lists)
        learnt = DarkExampleLists(
            open_dark_set(folder / "dark"),
            lists,
            DarkSpec(count=2, gate=GateSpec.model_validate(GATE)),
            len(opened.corpus),
        )
        signals.append(DarkTraining(learnt, parse_objective({"ranknet": 1.0, "kl": KL}), 0.7))
    drawn = np.random.default_rng(1)
    if case.beside == "layers":
        sizes = [len(lists.documents(index)) for index in range(QUERIES)]
        scores = LayerSet(4, [drawn.normal(size=(4, size)).astype(np.float32) for size in sizes])
        signals.append(LayerTraining(LayerSpec(teacher={"dense": "any"}, count=1), scores))
    if case.beside == "pairs":
        some = np.repeat(np.arange(QUERIES), np.arange(QUERIES) % 3)
        odds = drawn.normal(size=len(some)).astype(np.float32)
        second = 1 + drawn.integers(0, 3, len(some))
        pairs = PairLists(Pairs(some, np.zeros_like(some), second, odds, np.full_like(odds, np.nan)))
        signals.append(PairTraining(pairs))
    if case.beside == "vectors":  # of another width than the student's
        targets = {side: MadeVectors(24) for side in ("queries", "documents")}
        signals.append(VectorTraining(VectorSpec(weight=2.0, loss="distance"), targets))
    examples = train_student(
        copy.deepcopy(students[case.kind]),
        opened,
        lists,
        TrainingSettings(
            epochs=1, queries_per_step=QUERIES, dropout=0.0, precision="float32", max_grad_norm=1e9, **settings
        ),
        folder / case.kind,
        folder / "log.jsonl",
        samplers=[GradedLists(2, 1, 2)] if case.graded else [PlainLists(5)],
        signals=signals,
    )
    _KeepingTrainer.last.positives = examples.positives
    return _KeepingTrainer.last


def averaged() -> list[list[float] | None]:
    """Means over two processes of gradients that both have, the second alone, and neither."""
    parameters = [torch.nn.Parameter(torch.zeros(2)) for _ in range(3)]
    for number, parameter in enumerate(parameters[:2]):
        if rank() >= number:
            parameter.grad = torch.tensor([1.0, rank() + 4.0])
    average_gradients(parameters, 2)
    return [None if one.grad is None else one.grad.tolist() for one in parameters]


if __name__ == "__main__":
    gc.freeze()  # of the libraries, which each training would have it walk through
    torch.set_num_threads(1)
    steps = first_steps(Collection(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3], parts=True)
    means = averaged()
    if rank() == 0:
        torch.save(({name: vars(step) for name, step in steps.items()}, means), Path(sys.argv[2]) / "two.pt")
