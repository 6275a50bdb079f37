"""``import`` and ``export``: teaching sets and collections in the forms other tools read."""

from pathlib import Path
from typing import Annotated

import typer

from distillir.errors import DistillirError


def register(app: typer.Typer) -> None:
    """Add the verbs to the application."""
    app.command("import")(import_)
    app.command()(export)


CollectionSpec = Annotated[
    str | None, typer.Option("--collection", "-c", help="collection the ids belong to: stdlib, a BEIR folder, ...")
]


def import_(
    source: Annotated[Path, typer.Argument(help="file or folder to read")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="teaching set to write")],
    form: Annotated[str, typer.Option("--format", "-f", help="see `distillir list`; auto recognises most")] = "auto",
    collection: CollectionSpec = None,
) -> None:
    """Make a teaching set of ColBERT, FlagEmbedding, msmarco-hard-negatives or MarginMSE files."""
    from distillir.collections import load_collection
    from distillir.progress import say
    from distillir.teaching.formats import import_teaching

    lists = import_teaching(form, source, load_collection(collection) if collection else None, output)
    say(f"{len(lists)} lists in {output}")


def export(
    source: Annotated[Path, typer.Argument(help="teaching set, run folder or collection")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="PATH", help="what to write")],
    form: Annotated[
        str, typer.Option("--format", "-f", help="a format of `distillir list`, parquet, or beir for a collection")
    ],
    collection: CollectionSpec = None,
) -> None:
    """Write a teaching set, or a collection (format beir), in a form that other tools read."""
    from distillir.collections import load_collection
    from distillir.collections.export import write_beir
    from distillir.progress import say
    from distillir.teaching.formats import export_teaching
    from distillir.teaching.teaching_set import open_teaching_set

    if output.exists():
        raise DistillirError("is there already", where=output, remedy="choose another --output")
    if form == "beir":
        write_beir(load_collection(collection or source), output)
    else:
        folder = source / "teaching" if (source / "teaching").is_dir() else source
        lists = open_teaching_set(folder)
        if form == "parquet":
            lists.to_parquet(output)
        else:
            export_teaching(form, lists, load_collection(collection) if collection else lists.open_collection(), output)
    say(f"Written: {output}")
