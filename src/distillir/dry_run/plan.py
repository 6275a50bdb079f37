"""``--dry-run``: the plan of a run, and an estimate of each stage's time on this machine."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.table import Table

from distillir.base.arrays import Rows
from distillir.base.progress import console, say
from distillir.composition.compose import Composition, compose
from distillir.dry_run.encoding import Encoder, Encodings
from distillir.dry_run.folder import DryFolder, open_dry
from distillir.dry_run.held_out import held_out_count
from distillir.dry_run.lists import DryLists, evaluation_lists, planned_training_lists
from distillir.dry_run.search import Searches
from distillir.dry_run.signal_costs import SignalCosts
from distillir.dry_run.student import StudentCosts
from distillir.dry_run.teacher import TeacherCosts
from distillir.pipeline.also import other_run
from distillir.pipeline.checks import example_count
from distillir.pipeline.cut_texts import say_cut_texts
from distillir.pipeline.large_search import tell_large_search
from distillir.pipeline.mine import prepare_initial
from distillir.pipeline.mined_parts import evaluation_part, selection_part, training_part
from distillir.pipeline.products import BY_NAME, SIGNAL_FOLDERS, needs_lists
from distillir.pipeline.queries import evaluation_queries, training_queries
from distillir.pipeline.selection import pool_size
from distillir.pipeline.selection_queries import dev_queries
from distillir.pipeline.signal_place import SignalPlace
from distillir.pipeline.step import exists
from distillir.pipeline.steps import STEPS
from distillir.plans.settings import TrainingSettings
from distillir.recipe import Recipe
from distillir.retrieval.sources import read_sources
from distillir.teaching.text_lists import TextLists
from distillir.training.selection import measure_steps

#: Queries that are mined for, by the product that holds their candidates.
PARTS = {"candidates": training_part, "evaluation candidates": evaluation_part}
#: What the teacher's scores go into.
SCORED = ("teaching set", "teacher's run")
#: Behind the work of a stage whose files are there.
THERE = " (there already)"
ABOUT = (
    "Times are an estimate from steps and texts timed here and now, within a factor of 2 on a machine that does "
    "nothing else; imports and building BM25 indices are left out, and what is in the cache already takes no time."
)


@dataclass(frozen=True)
class Line:
    """One line of the plan: the stage, what it does, and its seconds (None: cannot be told).

    Attributes:
        step: Name of the step of a run that does it (`distillir.pipeline.steps.STEPS`).
        stage: What the plan calls it.
        work: What it does.
        seconds: An estimate.
    """

    step: str
    stage: str
    work: str
    seconds: float | None


def print_plan(recipe: Recipe, output: Path, *, anew: bool = False) -> None:
    """Count with the stages' own code, time the models on texts of the collection, and print the plan.

    Nothing is written into the output folder, and it is not locked.

    Args:
        recipe: A checked recipe.
        output: Folder of the run; what is there already takes no time.
        anew: Whether what is there may be deleted: then every stage counts.

    Raises:
        DistillirError: What a run would refuse before its first stage, or a model cannot be loaded.
    """
    with tempfile.TemporaryDirectory(prefix="distillir-dry-run-") as scratch:
        folder = open_dry(output, recipe, Path(scratch), anew=anew)
        say(f"distillir run --dry-run: {folder.collection.name}, an estimate; nothing is written into {output}")
        lines = plan(folder, Encodings())
        say_cut_texts(recipe, folder.collection)
        tell_large_search(folder)
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("stage", no_wrap=True)
    table.add_column("work")
    table.add_column("estimate", justify="right")
    for line in lines:
        table.add_row(line.stage, line.work, duration(line.seconds))
    known = sum(line.seconds for line in lines if line.seconds is not None)
    unknown = any(line.seconds is None for line in lines)
    table.add_row("all", f"into {output}", duration(known) + (" + ?" if unknown else ""))
    console.print(table)
    say(ABOUT)


def plan(folder: DryFolder, encodings: Encodings) -> list[Line]:
    """Lines of the steps of a run, in its order, with measured estimates.

    Args:
        folder: Of the plan (`distillir.dry_run.folder.open_dry`).
        encodings: What is encoded by then; plans that are run one after another share them.

    Raises:
        DistillirError: A model cannot be loaded, or there is no query to learn from.
    """
    with quiet():
        told = _Plan(folder, encodings)
        return [line for step in STEPS if step.name in LINES for line in LINES[step.name](told)]


class _Plan:
    def __init__(self, folder: DryFolder, encodings: Encodings) -> None:
        self.folder, self.recipe, self.encodings = folder, folder.recipe, encodings
        self.method: Composition = compose(folder.recipe)
        kept = folder.recipe.student.own_kind.index_kept
        if kept is not None:
            kept.check(folder.collection.corpus)
        if not folder.initial_student.is_dir():
            folder.initial_student = folder.scratch / "initial-student"
            prepare_initial(folder, folder.recipe.student.own_kind.roughly_ready(folder.recipe.student.model))
        self.evaluated: Rows = evaluation_queries(folder)
        self.searches = Searches(folder, encodings)
        self.lists: DryLists = planned_training_lists(folder, self.searches)
        #: What is learnt from where nothing needs candidates; None where something does.
        place = SignalPlace.of_run(folder)
        if folder.recipe.teaching is not None:  # no copy of it is made
            place = replace(place, teaching=Path(folder.recipe.teaching))
        self.texts = None if needs_lists(folder) else TextLists(*place.texts())
        #: Of each stage that learns from texts alone, by its number.
        self.alone = {
            number: place.text_lists(stage)
            for number, stage in enumerate(self.method.stages, 1)
            if not stage.needs_lists
        }
        self.teacher = TeacherCosts(self.searches, self.lists)
        self.costs = SignalCosts(self.recipe, self.lists, self.teacher, self.texts)
        self.chosen = dev_queries(folder)
        self.held_out = 0 if self.chosen is not None else held_out_count(folder, self.lists)
        self.student = StudentCosts(folder, encodings)

    def queries(self) -> Iterator[Line]:
        """Queries that a language model has still to write."""
        if self.folder.unanswered:
            yield Line("queries", "queries", f"{self.folder.unanswered} queries by the language model, at most", None)

    def before(self) -> Iterator[Line]:
        """Searches with the student before training."""
        yield self._search("before", "run before training", "")
        if (own := self.student.documents) is not None:
            rows, depth = self.evaluated, self.recipe.evaluation.depth
            work = f"the same for {len(rows)} queries by the documents' own encoder"
            seconds = partial(self.searches.kept_seconds, own, own, rows, depth)
            yield _line("before", self._there("run of the documents' model"), work, seconds)
        yield from self._others("before", "before", "")

    def evaluate(self) -> Iterator[Line]:
        """Searches with the trained student."""
        yield self._search("evaluate", "run after training", self._trained("after"))
        yield from self._others("evaluate", "after", self._trained("after"))

    def _search(self, step: str, product: str, trained: str) -> Line:
        """The search of the run's own collection."""
        depth = self.recipe.evaluation.depth
        work = self.student.work(len(self.folder.collection.corpus), len(self.evaluated))
        seconds = partial(self.student.seconds, self.searches, self.evaluated, depth, trained)
        return _line(step, self._there(product), work, seconds)

    def _there(self, *products: str) -> bool:
        """Tell whether all of some products are there, so that the step has nothing to do."""
        return all(exists(self.folder, product) for product in products)

    def _others(self, step: str, when: str, trained: str) -> Iterator[Line]:
        """Searches of other collections, ``before`` or ``after``."""
        folder, depth = self.folder, self.recipe.evaluation.depth
        for other in folder.others:
            work = self.student.work(len(other.collection.corpus), len(other.rows))
            searches = Searches(folder, self.encodings, other.collection)
            seconds = partial(self.student.seconds, searches, other.rows, depth, trained)
            there = other_run(folder, other, when).is_file()
            yield _line(step, there, work, seconds, stage=f"{step} on {other.name}")

    def _trained(self, when: str) -> str:
        """A word for the weights of this plan's student at some time: no other plan's are the same."""
        return f"{when} {self.folder.scratch}"

    def mine(self) -> Iterator[Line]:
        """Candidates of every part of the queries."""
        folder = self.folder
        if self.recipe.teaching is not None:
            return
        selected = selection_part(folder)
        parts = [part_of(folder) for name, part_of in PARTS.items() if BY_NAME[name].wanted(folder)]
        parts += [] if selected is None else [selected]
        if not parts:
            return
        what = [" candidates", *[""] * len(parts)]
        work = ", ".join(
            f"{part.depth}{of} for {len(part.rows)} {part.queries}" for part, of in zip(parts, what, strict=False)
        )
        there = self._there(*(part.product for part in parts))
        yield _line(
            "mine", there, work, lambda: sum(self._sources(part.rows, part.depth) for part in parts if len(part.rows))
        )

    def _sources(self, rows: Rows, depth: int) -> float:
        named = self.recipe.candidates.from_
        sources = named if isinstance(named, list | tuple) else [named]
        return sum(self.searches.source_seconds(source, rows, depth) for source in sources)

    def score(self) -> Iterator[Line]:
        """The teacher's scores of all candidates, or the lists that the recipe brings."""
        from distillir.teachers.load import load_teacher

        spec, brought = self.recipe.teacher, self.recipe.teaching
        if brought is not None:
            yield Line("score", "score", f"take the {self.lists.total} lists of the teaching set {brought}", 0.0)
        elif spec is not None and BY_NAME["teacher's run"].wanted(self.folder):
            lists = [self.lists, evaluation_lists(self.folder, self.searches)]
            work = f"about {sum(one.pairs for one in lists)} pairs by the teacher {load_teacher(spec).name}"
            there = self._there(*(name for name in SCORED if BY_NAME[name].wanted(self.folder)))
            yield _line("score", there, work, lambda: self.teacher.seconds(spec, lists))
        elif spec is None and needs_lists(self.folder):
            work = f"{self.lists.total} lists with their judgements; no teacher is asked"
            yield _line("score", self._there("teaching set"), work, lambda: 0.0)

    def signals(self, folder: str) -> Iterator[Line]:
        """The questions of each signal of the method that is kept in a folder to its teacher."""
        for signal in self.method.signals:
            if signal.kind.folder == folder:
                for work, seconds in signal.work(self.costs):
                    yield _line(folder, self._there(signal.kind.product), work, seconds)

    def train(self) -> Iterator[Line]:
        """Every stage of the plan, and what is mined anew before it."""
        from distillir.dry_run.training import TrainingCosts

        several = len(self.method.stages) > 1
        costs = TrainingCosts(self.folder, self.lists)
        there = self._there("student")
        for number, stage in enumerate(self.method.stages, 1):
            name = f"train, stage {number}" if several else "train"
            if stage.mine:
                yield self._mine_anew(number, there)
            settings = stage.training
            texts = self.alone.get(number)
            learnt = self.lists.usable - self.held_out if texts is None else len(texts)
            steps = example_count(stage, learnt) // settings.queries_per_step
            out = f"; {self.held_out} queries held out" if self.held_out and texts is None else ""
            if there:
                yield Line("train", name, f"{steps} steps{out}{THERE}", 0.0)
                continue
            if texts is not None:
                work = f"{steps} steps of {settings.queries_per_step} of {learnt} texts"
                yield Line("train", name, work, costs.of_texts(stage, texts, steps))
                continue
            cost = costs.of(stage)
            work = f"{steps} steps of {settings.queries_per_step} x {cost.candidates:.3g}"
            for along in (name for signal in self.method.signals for name in signal.trains_along):
                work += f", and the {along}'s"
            measured, seconds = self._measured(settings, steps)
            yield Line("train", name, work + out + measured, cost.before + steps * cost.step + seconds)

    def _measured(self, settings: TrainingSettings, steps: int) -> tuple[str, float]:
        """Words for the plan on measuring the student in a stage of ``steps`` steps, and the seconds that it takes."""
        student, queries = self.student, len(self.chosen.rows) if self.chosen is not None else self.held_out
        if not queries:
            return "", 0.0
        times = 1 + len(measure_steps(steps, settings.select_measures))
        size = min(
            len(self.folder.collection.corpus),
            pool_size(self.method, lists=self.lists.total - self.held_out, queries=queries),
        )
        rows = self.chosen.rows if self.chosen is not None else self.lists.queries
        seconds = student.pool_seconds(self.searches, rows, queries, size)
        told = f"; measured at most {times} times, {queries} queries on {size} documents, {duration(times * seconds)}"
        return told, times * seconds

    def _mine_anew(self, number: int, there: bool) -> Line:
        """Candidates and scores of a later round: the student of the round before encodes the corpus anew."""
        recipe, student, trained = self.recipe, self.student, self._trained(f"round {number}")
        name, work = f"train, stage {number}: mine", "candidates and scores anew, the student so far measured"
        if there:
            return Line("train", name, work + THERE, 0.0)
        rows, depth = training_queries(self.folder), recipe.candidates.depth
        spent = student.seconds(self.searches, self.evaluated, recipe.evaluation.depth, trained)
        for source in read_sources(recipe.candidates.from_):
            kind, options = source
            if kind == student.kind.source and options.get("model") is None:
                encoder = Encoder.of(kind, options, student.model, student.options.trust_remote_code)
                first = options.get("first"), int(options.get("first_depth", 1000))
                spent += self.searches.model_seconds(encoder, rows, depth, first=first, trained=trained)
            else:
                spent += self.searches.source_seconds({kind: options} if options else kind, rows, depth)
        scored = self.teacher.seconds(recipe.teacher, [self.lists]) if recipe.teacher is not None else 0.0
        if scored is not None:
            works = (seconds for signal in self.method.signals for _, seconds in signal.work(self.costs))
            scored += sum(seconds() or 0.0 for seconds in works)
        return Line("train", name, f"{work}, at most", None if scored is None else spent + scored)


#: What is told of the steps of a run, by their names; nothing of those that only look, tell and report.
LINES: dict[str, Callable[[_Plan], Iterator[Line]]] = {
    "queries": _Plan.queries,
    "mine": _Plan.mine,
    "score": _Plan.score,
    **{folder: partial(_Plan.signals, folder=folder) for folder in SIGNAL_FOLDERS.values()},
    "before": _Plan.before,
    "train": _Plan.train,
    "evaluate": _Plan.evaluate,
}


def _line(step: str, there: bool, work: str, seconds: Callable[[], float | None], *, stage: str | None = None) -> Line:
    """A line of the plan; nothing is measured for what is there."""
    name = stage or step
    return Line(step, name, work + THERE, 0.0) if there else Line(step, name, work, seconds())


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the block: messages of the stages' code belong to a run."""
    before, console.quiet = console.quiet, True
    try:
        yield
    finally:
        console.quiet = before


def duration(seconds: float | None) -> str:
    """Seconds as people read them: ``45 s``, ``12 min``, ``3.5 h``."""
    if seconds is None:
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
