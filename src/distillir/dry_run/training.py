"""The cost of training in a run: steps of the trainer itself on lists of the plan, timed after a warm start."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.batches.tokens import TokenStore, tokenise
from distillir.composition.composed_stage import ComposedStage
from distillir.dry_run.folder import DryFolder
from distillir.dry_run.lists import DryLists
from distillir.dry_run.signal_costs import SignalCosts
from distillir.dry_run.speed import some
from distillir.plans.example_stream import ExampleStream
from distillir.students.chunks import chunks
from distillir.students.load import load_student_of
from distillir.teaching.text_lists import TextLists
from distillir.training.train import reading_at_most, train_student

#: Seconds of steps that are timed, besides the warm start.
ENOUGH = 6.0
#: Steps that are timed where they are quick, and lists that they are made of at most.
MOST_STEPS, MOST_LISTS = 12, 64


@dataclass(frozen=True)
class StepCost:
    """Seconds of a stage's step, and of what comes before the first.

    Attributes:
        step: Seconds of a step: collation, forwards, backwards, optimiser.
        before: Seconds of loading the student and of reading a text into tokens, of all texts.
        candidates: Candidates a query, dark examples included.
    """

    step: float
    before: float
    candidates: float


class Clock(TrainerCallback):
    """Times whole steps and the optimiser's part of each, and ends the training when enough are timed.

    Args:
        enough: Seconds after the first step at which to stop.
        most: Steps after the first at which to stop.
    """

    def __init__(self, enough: float, most: int) -> None:
        self.enough, self.most = enough, most
        self.wholes: list[float] = []
        self.updates: list[float] = []
        self._end: float | None = None
        self._update = 0.0

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The gradient is there."""
        self._update = time.monotonic()

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The weights are new."""
        self._update = time.monotonic() - self._update

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """A step is done; the first one, which builds kernels and the optimiser's state, is not counted."""
        now = time.monotonic()
        if self._end is not None:
            self.wholes.append(now - self._end)
            self.updates.append(self._update)
        self._end = now
        if len(self.wholes) >= self.most or sum(self.wholes) > self.enough:
            control.should_training_stop = True


class TrainingCosts:
    """Steps of stages, timed.

    Args:
        folder: Of the plan.
        lists: Some of the lists that are learnt from.
    """

    def __init__(self, folder: DryFolder, lists: DryLists) -> None:
        self.folder, self.lists = folder, lists
        self._known: dict[str, StepCost] = {}

    def of(self, stage: ComposedStage) -> StepCost:
        """Seconds of a stage's step; stages that differ in learning rate and epochs alone are timed once.

        Raises:
            DistillirError: The student cannot be loaded or trained.
        """
        settings = stage.training.model_dump(exclude={"epochs", "learning_rate", "checkpoint_seconds", "schedule"})
        key = json.dumps([repr(stage.samplers), settings, stage.objective.names])
        if key not in self._known:
            self._known[key] = self._measure(stage, self.folder.scratch / f"training-{len(self._known)}")
        return self._known[key]

    def of_texts(self, stage: ComposedStage, texts: TextLists, steps: int) -> float | None:
        """Seconds of a stage that learns from texts alone; None where one of its signals cannot be rehearsed.

        Raises:
            DistillirError: The student cannot be loaded or trained.
        """
        costs = SignalCosts(self.folder.recipe, self.lists)
        if any(signal.rehearsal(costs) is None for signal in stage.signals):
            return None
        settings = stage.training
        batch = max(1, settings.queries_per_step // settings.gradient_accumulation)
        few = TextLists(*(some(rows, max(2 * batch, MOST_LISTS)) for rows in (texts.asked, texts.read)))
        work = self.folder.scratch / "training-texts"
        update, others = self._steps(stage, few, work, min(batch, len(few)), MOST_STEPS)
        return steps * (update + settings.gradient_accumulation * others)

    def _measure(self, stage: ComposedStage, work: Path) -> StepCost:
        settings = stage.training
        batch = max(1, settings.queries_per_step // settings.gradient_accumulation)
        lists = self.lists.first(max(2 * batch, MOST_LISTS))
        if not len(lists):
            raise DistillirError(
                "no query has two candidates to compare", remedy="mine deeper (candidates.depth) or add queries"
            )
        before = self._tokens(lists, work, settings.max_length)
        kept = not self.folder.recipe.student.own_kind.encodes_documents
        store = TokenStore(work / ("query-tokens" if kept else "document-tokens"))
        dark = sum(signal.documents_beside() for signal in stage.signals)

        def shape(queries: int) -> tuple[float, float]:
            """Padded tokens and candidates of a batch of so many queries."""
            drawn = _examples(lists, stage, queries)
            steps = [
                [drawn[place] for place in range(start, start + queries)]
                for start in range(0, min(len(drawn) - queries + 1, 8 * queries), queries)
            ]
            size = float(np.mean([len(one.documents) for step in steps for one in step]))
            # Of what the student reads: where documents are kept that is queries alone.
            read = [[np.array([one.query]) if kept else one.documents for one in step] for step in steps]
            rows = [np.unique(np.concatenate(own)) for own in read]
            tokens = np.mean([_padded(store.lengths(own), settings.token_budget) for own in rows])
            return float(tokens) * (1.0 if kept else (size + dark) / size), size + dark

        whole, candidates = shape(batch)
        update, others = self._steps(stage, lists, work, 1, 2)
        tokens, _ = shape(1)
        # As many queries as a step has, or as fit into the time.
        # Where documents are kept a whole step is quick, and most of it does not grow with its queries.
        fitting = batch if kept else int(ENOUGH / 3 * tokens / max(others, 1e-9) * batch / whole)
        if batch > 1 and fitting > 1:
            part = min(batch, fitting, len(lists))
            update, others = self._steps(stage, lists, work, part, MOST_STEPS)
            tokens, _ = shape(part)
        tokens *= 1.0 if kept else (candidates - dark) / candidates  # dark examples are not among what was timed
        step = update + settings.gradient_accumulation * others * whole / tokens
        return StepCost(step, before, candidates)

    def _tokens(self, lists: DryLists, work: Path, max_length: int | None) -> float:
        """Seconds of loading the student and making tokens of all that the whole training reads."""
        folder = self.folder
        start = time.monotonic()
        model = load_student_of(folder.recipe.student, folder.initial_student)
        loading = time.monotonic() - start
        rows = np.unique(np.concatenate(lists.rows))
        with reading_at_most(model, max_length):
            tokenise(work / "query-tokens", model, folder.collection.queries, lists.queries, kind="query")
            start = time.monotonic()
            if folder.recipe.student.own_kind.encodes_documents:
                tokenise(work / "document-tokens", model, folder.collection.corpus, rows, kind="document")
            each = (time.monotonic() - start) / len(rows)
        return loading + each * len(self.lists.distinct())

    def _steps(
        self, stage: ComposedStage, lists: DryLists | TextLists, work: Path, queries: int, most: int
    ) -> tuple[float, float]:
        """Seconds of the optimiser's part and of the rest of a step of so many queries, of one batch."""
        steps = most + 1
        epochs = steps * queries / (len(lists) * len(stage.samplers))
        settings = stage.training.model_copy(
            update={"queries_per_step": queries, "gradient_accumulation": 1, "epochs": epochs * 1.001}
        )
        made_up = self.lists if isinstance(lists, TextLists) else lists
        clock, costs = Clock(ENOUGH, most), SignalCosts(self.folder.recipe, made_up)
        spec = self.folder.recipe.student
        train_student(
            spec.own_kind.rehearse(load_student_of(spec, self.folder.initial_student)),
            self.folder.collection,
            lists,
            settings.model_copy(update={"checkpoint_seconds": 1e9}),
            work,
            work / "log.jsonl",
            samplers=stage.samplers,
            signals=[one for signal in stage.learnt if (one := signal.rehearsal(costs)) is not None],
            penalties=spec.penalties(),
            stage=queries,
            watchers=[clock],
        )
        update = float(np.median(clock.updates))
        return update, max(float(np.mean(clock.wholes)) - update, 0.0)


def _examples(lists: DryLists, stage: ComposedStage, queries: int) -> ExampleStream:
    settings = stage.training
    return ExampleStream(
        lists,
        epochs=max(1.0, 2 * queries / len(lists)),
        queries_per_step=queries,
        samplers=stage.samplers,
        batches=settings.batches,
        positives=any(signal.needs_positive for signal in stage.learnt),
        pseudo_positives=settings.pseudo_positives,
    )


def _padded(lengths: Sequence[int] | Rows, budget: int) -> int:
    """Padded tokens of texts that are encoded together in chunks of a budget."""
    return sum((end - start) * width for start, end, width in chunks(np.sort(lengths).tolist(), budget))
