"""``--dry-run``: what a run would do, and an estimate of how long each stage would take on this machine."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from rich.table import Table

from distillir.base.progress import console, say
from distillir.collections.table import Rows
from distillir.dry_run.encoding import Encoder, Encodings
from distillir.dry_run.folder import DryFolder, open_dry
from distillir.dry_run.held_out import held_out_count
from distillir.dry_run.lists import DryLists, evaluation_lists, training_lists
from distillir.dry_run.search import Searches
from distillir.dry_run.teacher import TeacherCosts
from distillir.encoding.model_options import ModelOptions
from distillir.methods.compose import Composition, compose
from distillir.pipeline.also import other_run
from distillir.pipeline.cut_texts import say_cut_texts
from distillir.pipeline.mine import prepare_initial
from distillir.pipeline.queries import evaluation_queries, training_queries
from distillir.pipeline.selection import pool_size
from distillir.pipeline.selection_candidates import DEPTH
from distillir.pipeline.selection_queries import dev_queries
from distillir.plans.settings import TrainingSettings
from distillir.recipe import Recipe
from distillir.retrieval.sources import read_sources
from distillir.training.selection import measure_steps

#: Behind the work of a stage whose files are there.
THERE = " (there already)"
ABOUT = (
    "Times are an estimate from steps and texts timed here and now, within a factor of 2 on a machine that does "
    "nothing else; imports and building BM25 indices are left out, and what is in the cache already takes no time."
)


@dataclass(frozen=True)
class Step:
    """One line of the plan: the stage, what it does, and its seconds (None: cannot be told)."""

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
        steps = plan(folder, Encodings())
        say_cut_texts(recipe, folder.collection)
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("stage", no_wrap=True)
    table.add_column("work")
    table.add_column("estimate", justify="right")
    for step in steps:
        table.add_row(step.stage, step.work, duration(step.seconds))
    known = sum(step.seconds for step in steps if step.seconds is not None)
    unknown = any(step.seconds is None for step in steps)
    table.add_row("all", f"into {output}", duration(known) + (" + ?" if unknown else ""))
    console.print(table)
    say(ABOUT)


def plan(folder: DryFolder, encodings: Encodings) -> list[Step]:
    """The steps of a run, with measured estimates.

    Args:
        folder: Of the plan (`distillir.dry_run.folder.open_dry`).
        encodings: What is encoded by then; plans that are run one after another share them.

    Raises:
        DistillirError: A model cannot be loaded, or there is no query to learn from.
    """
    with quiet():
        return list(_Plan(folder, encodings).steps())


class _Plan:
    def __init__(self, folder: DryFolder, encodings: Encodings) -> None:
        self.folder, self.recipe, self.encodings = folder, folder.recipe, encodings
        self.method: Composition = compose(folder.recipe)
        if not folder.initial_student.is_dir():
            folder.initial_student = folder.scratch / "initial-student"
            prepare_initial(folder)
        self.evaluated: Rows = evaluation_queries(folder)
        self.queries: Rows = training_queries(folder) if self.recipe.teaching is None else np.empty(0, dtype=np.int64)
        self.searches = Searches(folder, encodings)
        self.lists: DryLists = training_lists(folder, self.searches, self.queries)
        self.teacher = TeacherCosts(self.searches, self.lists)
        self.chosen = dev_queries(folder)
        self.held_out = 0 if self.chosen is not None else held_out_count(folder, self.lists)

    def steps(self) -> Iterator[Step]:
        """Every stage in the order of a run."""
        recipe, folder, evaluation = self.recipe, self.folder, self.recipe.evaluation
        if folder.unanswered:
            yield Step("queries", f"{folder.unanswered} queries by the language model, at most", None)
        if recipe.teaching is not None:
            yield Step("score", f"take the {self.lists.total} lists of the teaching set {recipe.teaching}", 0.0)
        else:
            yield self._mine()
            if recipe.teacher is not None:
                yield self._score()
        yield from self._signals()
        searched = f"encode {len(folder.collection.corpus)} documents, search {len(self.evaluated)} queries"
        student = Encoder(
            recipe.student.kind,
            str(folder.initial_student),
            None,
            evaluation.precision,
            ModelOptions(trust_remote_code=recipe.student.trust_remote_code),
        )

        def search(trained: str = "") -> float:
            return self.searches.model_seconds(student, self.evaluated, evaluation.depth, trained=trained)

        yield _step(folder.before_run.is_file(), "before", searched, search)
        yield from self._others(student, "before")
        yield from self._train(student)
        yield _step(folder.after_run.is_file(), "evaluate", searched, lambda: search(self._trained("after")))
        yield from self._others(student, "after")

    def _others(self, student: Encoder, when: str) -> Iterator[Step]:
        """Searches of other collections, ``before`` or ``after``."""
        folder, depth = self.folder, self.recipe.evaluation.depth
        stage, trained = ("before", "") if when == "before" else ("evaluate", self._trained("after"))
        for other in folder.others:
            work = f"encode {len(other.collection.corpus)} documents, search {len(other.rows)} queries"
            searches = Searches(folder, self.encodings, other.collection)
            there = other_run(folder, other, when).is_file()
            yield _step(
                there,
                f"{stage} on {other.name}",
                work,
                partial(searches.model_seconds, student, other.rows, depth, trained=trained),
            )

    def _trained(self, when: str) -> str:
        """A word for the weights of this plan's student at some time: no other plan's are the same."""
        return f"{when} {self.folder.scratch}"

    def _mine(self) -> Step:
        recipe, folder = self.recipe, self.folder
        deep = recipe.evaluation.teacher_depth or recipe.evaluation.depth
        work = (
            f"{recipe.candidates.depth} candidates for {len(self.queries)} training queries, "
            f"{deep} for {len(self.evaluated)} evaluation queries"
        )
        there = folder.candidates.is_file() and folder.evaluation_candidates.is_file()
        dev = np.empty(0, dtype=np.int64)
        if self.chosen is not None:
            dev, work = self.chosen.rows, f"{work}, {DEPTH} for {len(self.chosen.rows)} queries of {self.chosen.name}"
            there = there and folder.selection_candidates.is_file()
        wanted = ((self.queries, recipe.candidates.depth), (self.evaluated, deep), (dev, DEPTH))
        return _step(
            there, "mine", work, lambda: sum(self._sources(rows, depth) for rows, depth in wanted if len(rows))
        )

    def _sources(self, rows: Rows, depth: int) -> float:
        named = self.recipe.candidates.from_
        sources = named if isinstance(named, list | tuple) else [named]
        return sum(self.searches.source_seconds(source, rows, depth) for source in sources)

    def _score(self) -> Step:
        from distillir.teachers.load import load_teacher

        folder, spec = self.folder, self.recipe.teacher
        assert spec is not None
        lists = [self.lists, evaluation_lists(folder, self.searches, self.evaluated)]
        work = f"about {sum(one.pairs for one in lists)} pairs by the teacher {load_teacher(spec).name}"
        there = folder.teaching.is_dir() and folder.teacher_run.is_file()
        return _step(there, "score", work, lambda: self.teacher.seconds(spec, lists))

    def _signals(self) -> Iterator[Step]:
        """Dark examples, pairs and layers."""
        recipe, method, folder = self.recipe, self.method, self.folder
        if method.dark is not None:
            made = self.lists.total * (method.dark.reinforced + method.dark.noisy)
            work = f"at most {made} dark examples and their scores"
            yield _step(folder.dark.is_dir(), "dark", work, lambda: self.teacher.new_texts(recipe.teacher, made))
        if method.pairs is not None:
            asked = self.lists.total * method.pairs.per_query * (2 if method.pairs.both_orders else 1)
            rounds = recipe.method.rounds - 1
            again = f", and what is new in each of {rounds} further rounds" if rounds > 0 else ""
            work = f"{asked} questions to the pairwise teacher{again}"
            yield _step(folder.pairs.is_dir(), "pairs", work, lambda: None)
        spec = method.layers
        if spec is not None and not spec.joint:
            work = f"about {self.lists.pairs} pairs by each layer of the teacher"
            yield _step(folder.layers.is_dir(), "layers", work, lambda: self.teacher.layers(spec.teacher, self.lists))

    def _train(self, student: Encoder) -> Iterator[Step]:
        from distillir.dry_run.training import TrainingCosts

        several = len(self.method.stages) > 1
        costs = TrainingCosts(self.folder, self.lists)
        there = self.folder.student.is_dir()
        for number, stage in enumerate(self.method.stages, 1):
            name = f"train, stage {number}" if several else "train"
            if stage.mine:
                yield self._mine_anew(student, number, there)
            settings = stage.training
            learnt = self.lists.usable - self.held_out
            steps = round(settings.epochs * learnt * len(stage.forms)) // settings.queries_per_step
            out = f"; {self.held_out} queries held out" if self.held_out else ""
            if there:
                yield Step(name, f"{steps} steps{out}{THERE}", 0.0)
                continue
            cost = costs.of(self.method, stage)
            work = f"{steps} steps of {settings.queries_per_step} x {cost.candidates:.3g}"
            if self.method.layers is not None and self.method.layers.joint:
                work += ", and the teacher's"
            measured, seconds = self._measured(student, settings, steps)
            yield Step(name, work + out + measured, cost.before + steps * cost.step + seconds)

    def _measured(self, student: Encoder, settings: TrainingSettings, steps: int) -> tuple[str, float]:
        """Words for the plan on measuring the student in a stage of ``steps`` steps, and the seconds that it takes."""
        queries = len(self.chosen.rows) if self.chosen is not None else self.held_out
        if not queries:
            return "", 0.0
        times = 1 + len(measure_steps(steps, settings.select_measures))
        corpus = np.arange(len(self.folder.collection.corpus), dtype=np.int64)
        size = min(len(corpus), pool_size(self.method, lists=self.lists.total - self.held_out, queries=queries))
        rows = self.chosen.rows if self.chosen is not None else self.lists.queries
        seconds = size * self.encodings.each(student, self.folder.collection.corpus, corpus, "document")
        seconds += queries * self.encodings.each(student, self.folder.collection.queries, rows, "query")
        if student.kind != "dense":
            seconds += queries * size * self.searches.pair_seconds(student, rows)
        told = f"; measured at most {times} times, {queries} queries on {size} documents, {duration(times * seconds)}"
        return told, times * seconds

    def _mine_anew(self, student: Encoder, number: int, there: bool) -> Step:
        """Candidates and scores of a later round: the student of the round before encodes the corpus anew."""
        recipe, trained = self.recipe, self._trained(f"round {number}")
        name, work = f"train, stage {number}: mine", "candidates and scores anew, the student so far measured"
        if there:
            return Step(name, work + THERE, 0.0)
        depth = recipe.candidates.depth
        spent = self.searches.model_seconds(student, self.evaluated, recipe.evaluation.depth, trained=trained)
        for source in read_sources(recipe.candidates.from_):
            kind, options = source
            if kind == student.kind and options.get("model") is None:
                encoder = Encoder.of(kind, options, student.model, student.options.trust_remote_code)
                first = options.get("first"), int(options.get("first_depth", 1000))
                spent += self.searches.model_seconds(encoder, self.queries, depth, first=first, trained=trained)
            else:
                spent += self.searches.source_seconds({kind: options} if options else kind, self.queries, depth)
        scored = self.teacher.seconds(recipe.teacher, [self.lists]) if recipe.teacher is not None else 0.0
        if scored is not None and self.method.dark is not None:
            made = self.lists.total * (self.method.dark.reinforced + self.method.dark.noisy)
            scored += self.teacher.new_texts(recipe.teacher, made) or 0.0
        return Step(name, f"{work}, at most", None if scored is None else spent + scored)


def _step(there: bool, stage: str, work: str, seconds: Callable[[], float | None]) -> Step:
    """A line of the plan; nothing is measured for what is there."""
    return Step(stage, work + THERE, 0.0) if there else Step(stage, work, seconds())


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing is printed in the block: what stages' code says belongs to a run."""
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
