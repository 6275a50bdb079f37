"""``list`` and ``schema``: the names and keys that a recipe may have."""

import json

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text


def register(app: typer.Typer) -> None:
    """Add the verbs to the application."""
    app.command("list")(list_names)
    app.command()(schema)


def list_names() -> None:
    """Name every method, objective, plan, signal, teacher, student, source of candidates, collection and engine."""
    from distillir.collections.kind import COLLECTIONS
    from distillir.engines.registry import ENGINES
    from distillir.methods.registry import METHODS, PLANS
    from distillir.objectives.registry import OBJECTIVES
    from distillir.retrieval.sources import retriever_kinds
    from distillir.signals.registry import SIGNALS
    from distillir.students.registry import STUDENTS
    from distillir.teachers.load import teacher_kinds
    from distillir.teachers.load_pairwise import pairwise_kinds
    from distillir.teaching.formats import FORMATS

    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("kind", "name", "what it is"):
        table.add_column(column, overflow="fold")
    own = COLLECTIONS.builtin()
    groups = {
        "method": METHODS.descriptions(),
        "objective": OBJECTIVES.descriptions(),
        "plan": PLANS.descriptions(),
        "signal": SIGNALS.descriptions(),
        "teacher": teacher_kinds(),
        "pairwise teacher": pairwise_kinds(),
        "student": STUDENTS.descriptions(),
        "candidates": retriever_kinds(),
        "collection": {**FORMS, **{name: said for name, said in COLLECTIONS.descriptions().items() if name not in own}},
        "engine": ENGINES.descriptions(),
        "format": {name: form.description for name, form in FORMATS.items()},
    }
    for kind, names in groups.items():
        for name, description in names.items():
            table.add_row(kind, name, Text(description))
    Console().print(table)


#: The ways to name the package's own collections.
FORMS = {
    "stdlib": "finding code by description in the standard library of the running Python; needs no download",
    "FOLDER": "a BEIR folder (corpus.jsonl, queries.jsonl, qrels/*.tsv), or an imported collection",
    "irds:ID": "a data set of ir_datasets, for example irds:beir/scifact (extra: irds)",
    "hf:NAME": "a Hub data set in BEIR form, for example hf:BeIR/scifact, or such a folder",
    "{documents, queries, qrels}": "MS MARCO files (tsv)",
}


def schema() -> None:
    """Print the JSON schema of recipes, for editors."""
    from distillir.recipe.schema import recipe_schema

    typer.echo(json.dumps(recipe_schema(), indent=2))
