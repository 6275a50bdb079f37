"""``import`` and ``export``: teaching sets and collections in the forms other tools read."""

from pathlib import Path
from typing import Annotated

import typer

from distillir.base.errors import DistillirError
from distillir.cli.allow_code import AllowCode


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
    relevant: Annotated[
        str | None, typer.Option(help="which candidates count as judged: first, none, or a split's name")
    ] = None,
    skip_unknown: Annotated[bool, typer.Option(help="leave out ids that the collection does not have")] = False,
    scores: Annotated[Path | None, typer.Option(help="hard-negatives: the file with the teacher's scores")] = None,
    system: Annotated[
        list[str] | None, typer.Option(help="hard-negatives: take this system's candidates; may be repeated")
    ] = None,
    per_system: Annotated[int | None, typer.Option(min=1, help="hard-negatives: so many of each system")] = None,
    prompts: Annotated[str, typer.Option(help="prompts in the lines: drop, or keep them before the queries")] = "drop",
    skip_empty: Annotated[bool, typer.Option(help="leave out empty texts")] = False,
    skip_unscored: Annotated[bool, typer.Option(help="leave out lists without scores where others have them")] = False,
    allow_code: AllowCode = False,
) -> None:
    """Make a teaching set of other programs' training files; `distillir list` names the forms."""
    from distillir.collections import load_collection
    from distillir.teaching.formats import import_teaching

    if output.exists():
        raise DistillirError("is there already", where=output, remedy="choose another --output")
    if prompts not in ("drop", "keep"):
        raise DistillirError(f"{prompts!r} is no choice", where="--prompts", remedy="choose drop or keep")
    import_teaching(
        form,
        source,
        load_collection(collection) if collection else None,
        output,
        relevant=relevant,
        unknown="skip" if skip_unknown else "error",
        scores=scores,
        systems=system,
        per_system=per_system,
        prompts="keep" if prompts == "keep" else "drop",
        skip_empty=skip_empty,
        skip_unscored=skip_unscored,
    )


def export(
    source: Annotated[Path, typer.Argument(help="teaching set, run folder, collection or student")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="PATH", help="what to write")],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="a format of `distillir list`, parquet, beir for a collection, pylate or servers for a student",
        ),
    ],
    collection: CollectionSpec = None,
    allow_code: AllowCode = False,
) -> None:
    """Write a teaching set, a collection (beir), a multi-vector (pylate) or dense student (servers) for other tools."""
    from distillir.base.progress import say
    from distillir.base.suggestions import nearest
    from distillir.collections import load_collection
    from distillir.collections.export import write_beir
    from distillir.teaching.formats import FORMATS, export_teaching, writable
    from distillir.teaching.teaching_set import open_teaching_set

    if output.exists():
        raise DistillirError("is there already", where=output, remedy="choose another --output")
    known = ["beir", "pylate", "servers", *writable()]
    if form not in known and form not in FORMATS:
        raise DistillirError(f"no format {form!r}", where="--format", remedy=nearest(form, known))
    if form != "beir" and not source.exists():
        raise DistillirError("no such folder", where=source, remedy="check the path")
    if form == "beir":
        write_beir(load_collection(collection or source), output)
    elif form == "pylate":
        from distillir.students.multi_vector.pylate import write_pylate

        write_pylate(str(_student_of(source)), output)
    elif form == "servers":
        from distillir.students.dense.servers import write_for_servers

        write_for_servers(str(_student_of(source)), output)
    else:
        folder = source / "teaching" if (source / "teaching").is_dir() else source
        lists = open_teaching_set(folder)
        if form == "parquet":
            lists.to_parquet(output)
        else:
            export_teaching(form, lists, load_collection(collection) if collection else lists.open_collection(), output)
    say(f"Written: {output}")


def _student_of(source: Path) -> Path:
    """The folder of a student: itself, or a run's."""
    from distillir.pipeline.trained import is_run, trained_student

    if is_run(source):
        return trained_student(source)
    return source / "student" if (source / "student").is_dir() else source
