"""``--dry-run``: what a run would do, and about how long each stage would take on this machine."""

from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from distillir.collections import Collection, load_collection
from distillir.collections.generated import check_titles
from distillir.errors import DistillirError
from distillir.methods.compose import compose
from distillir.pipeline.cut_texts import say_cut_texts
from distillir.pipeline.named_models import check_named_models
from distillir.pipeline.speed import BM25_QUERIES_PER_SECOND, scoring_seconds, texts_per_second, training_seconds
from distillir.pipeline.split_advice import check_splits
from distillir.progress import console, say
from distillir.recipe import Recipe
from distillir.retrieval.sources import MODEL_SOURCES, read_sources

#: Forwards and backwards take about so many times as long as forwards alone.
BACKWARDS = 3.0


@dataclass(frozen=True)
class Step:
    """One line of the plan: the stage, what it does, and its seconds (None: cannot be told)."""

    stage: str
    work: str
    seconds: float | None


def print_plan(recipe: Recipe, output: Path) -> None:
    """Load the collection and the models, time a few texts, and print the plan.

    Raises:
        DistillirError: The collection or a model cannot be loaded.
    """
    collection = load_collection(recipe.collection)
    steps = plan(recipe, collection)
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("stage")
    table.add_column("work")
    table.add_column("about", justify="right")
    for step in steps:
        table.add_row(step.stage, step.work, duration(step.seconds))
    known = sum(step.seconds for step in steps if step.seconds is not None)
    table.add_row("all", f"into {output}", duration(known))
    console.print(table)
    say_cut_texts(recipe, collection)
    say("Estimates come from a few texts timed here and now; what is in the cache already takes no time.")


def plan(recipe: Recipe, collection: Collection) -> list[Step]:
    """The steps of a recipe on a collection, with measured estimates."""
    check_named_models(recipe)
    check_splits(recipe, collection)
    wanted, training = recipe.queries, recipe.training
    split = recipe.evaluation.split
    evaluated = recipe.evaluation.held_out if split is None else len(collection.qrels(split).query_rows)
    own = len(collection.qrels(wanted.split).query_rows) if wanted.split else 0
    if wanted.unjudged:
        own += len(collection.queries) - sum(len(collection.qrels(name).query_rows) for name in collection.splits)
    own = min(own, wanted.limit or own)
    if wanted.titles:
        check_titles(collection)
    queries = own + wanted.makes
    if split is None:
        pool = own or wanted.makes
        if pool < 2 * evaluated:
            raise DistillirError(
                f"{evaluated} of {pool} queries would be held out for evaluation",
                where="evaluation.held_out",
                remedy=f"choose at most {pool // 2}",
            )
        queries -= evaluated
    if not queries and recipe.teaching is None:
        raise DistillirError("there is no training query", where="queries", remedy="name a split, or make some")
    student = recipe.student
    rate = texts_per_second(
        collection, student.model, student.kind, student.layers, student.max_length, student.options
    )
    documents = len(collection.corpus)
    method = compose(recipe)
    stages, dark = method.stages, method.dark
    steps = []
    if recipe.teaching is None:
        models = sum(kind in MODEL_SOURCES for kind, _ in read_sources(recipe.candidates.from_))
        seconds = (queries + evaluated) / BM25_QUERIES_PER_SECOND + models * documents / rate
        work = f"{recipe.candidates.depth} candidates for {queries} training and {evaluated} evaluation queries"
        steps.append(Step("mine", work, seconds))
        if recipe.teacher is not None:
            steps.append(
                _scoring(recipe, collection, "score", (queries + evaluated) * recipe.candidates.depth, documents)
            )
            if dark is not None:
                made = queries * (dark.reinforced + dark.noisy)
                steps.append(_scoring(recipe, collection, "dark", made, made))
    else:
        steps.append(Step("score", f"take the teaching set {recipe.teaching}", 0.0))
    if method.pairs is not None:
        asked = queries * method.pairs.per_query * (2 if method.pairs.both_orders else 1)
        again = (
            f", and what is new in each of {recipe.method.rounds - 1} further rounds"
            if recipe.method.rounds > 1
            else ""
        )
        steps.append(Step("pairs", f"{asked} questions to the pairwise teacher{again}", None))
    if method.layers is not None and not method.layers.joint:
        pairs = queries * recipe.candidates.depth
        once = scoring_seconds(method.layers.teacher, collection, pairs, min(pairs, documents))
        steps.append(Step("layers", f"{pairs} pairs by each layer of the teacher", once))
    steps.append(Step("before", f"encode {documents} documents, search {evaluated} queries", documents / rate))
    factor = 4 / 3 if training.grad_cache else 1
    seconds = training_seconds(collection, student, training)
    for number, stage in enumerate(stages, 1):
        lessons = stage.training.epochs * queries * len(stage.forms)
        depth = recipe.candidates.depth
        candidates = sum(min(form.size or depth, depth) for form in stage.forms) / len(stage.forms)
        candidates += dark.count + 1 if dark is not None else 0
        name = "train" if len(stages) == 1 else f"train, stage {number}"
        work = f"{round(lessons / training.queries_per_step)} steps of {training.queries_per_step} x {candidates:g}"
        spent = factor * lessons * (candidates + 1) * seconds
        if method.layers is not None and method.layers.joint:
            read = round(lessons * candidates)
            once = scoring_seconds(method.layers.teacher, collection, read, read)
            work, spent = f"{work}, and the teacher's", spent + BACKWARDS * factor * (once or 0.0)
        steps.append(Step(name, work, spent))
    steps.append(Step("evaluate", f"encode {documents} documents, search {evaluated} queries", documents / rate))
    return steps


def _scoring(recipe: Recipe, collection: Collection, stage: str, pairs: int, texts: int) -> Step:
    from distillir.teachers.load import load_teacher

    assert recipe.teacher is not None
    work = f"{pairs} pairs by the teacher {load_teacher(recipe.teacher).name}"
    return Step(stage, work, scoring_seconds(recipe.teacher, collection, pairs, texts))


def duration(seconds: float | None) -> str:
    """Seconds as people read them: ``45 s``, ``12 min``, ``3.5 h``."""
    if seconds is None:
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
