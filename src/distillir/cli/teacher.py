"""``train-teacher``: a cross-encoder of one's own, from any encoder, on judgements and mined negatives."""

from pathlib import Path
from typing import Annotated

import typer

from distillir.cli.allow_code import AllowCode
from distillir.cli.report_to import ReportTo


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("train-teacher")(train_teacher)


def train_teacher(
    collection: Annotated[str, typer.Argument(help="stdlib, a BEIR folder, irds:ID or hf:NAME")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="folder of the cross-encoder")],
    base: Annotated[str, typer.Option(help="encoder to start from: a folder, a hub name")] = "all-MiniLM-L6-v2",
    split: Annotated[str, typer.Option(help="split whose judgements are learnt from")] = "train",
    negatives_from: Annotated[
        str, typer.Option(help="where negatives are mined: bm25, or a dense model's name")
    ] = "all-MiniLM-L6-v2",
    negatives_per_positive: Annotated[
        int | None, typer.Option(min=1, help="mined negatives beside each positive: 2, of lists 7")
    ] = None,
    negative_depth: Annotated[int, typer.Option(min=1, help="negatives are drawn from this many candidates")] = 30,
    epochs: Annotated[float, typer.Option(min=0.0, help="times each pair is seen")] = 1.0,
    learning_rate: Annotated[float, typer.Option(help="peak learning rate")] = 7e-5,
    batch_size: Annotated[int, typer.Option(min=1, help="pairs in a step")] = 16,
    max_length: Annotated[int, typer.Option(min=8, help="tokens of query and document together")] = 192,
    max_pairs: Annotated[int | None, typer.Option(min=1, help="at most this many pairs")] = None,
    pairwise: Annotated[
        bool, typer.Option("--pairwise", help="one that compares two documents (for method.pairs)")
    ] = False,
    loss: Annotated[
        str | None,
        typer.Option(
            help="listwise (softmax over a list), the default; binary (pairs), the default of --pairwise; graded "
            "(grades, or --soft-labels)"
        ),
    ] = None,
    soft_labels: Annotated[
        str | None,
        typer.Option(
            metavar="TEACHER", help="with --loss graded: learn this teacher's scores; a name, a mapping, or a file"
        ),
    ] = None,
    select: Annotated[
        str | None,
        typer.Option(metavar="SPLIT", help="measure on this split and keep the best: --select dev"),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(min=1, help="with --select: stop after so many measures without a rise; default: never"),
    ] = None,
    keep_own_document: Annotated[
        bool, typer.Option("--keep-own-document", help="a document that is the query itself may be a negative")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="seed of everything random")] = 0,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="let Python code that comes with --base run")
    ] = False,
    report_to: ReportTo = None,
    allow_code: AllowCode = False,
) -> None:
    """Fine-tune a cross-encoder on qrels and mined negatives; use it as teacher: {cross-encoder: DIR}."""
    from distillir.base.errors import DistillirError
    from distillir.base.processes import rank
    from distillir.base.progress import say
    from distillir.base.tracker import NONE, check_tracker
    from distillir.collections import load_collection
    from distillir.pipeline.cut_texts import cut_by, cut_lines
    from distillir.pipeline.readers import teacher_in_training
    from distillir.retrieval.found_nothing import tell_found_nothing
    from distillir.retrieval.own_document import search
    from distillir.retrieval.sources import load_retriever
    from distillir.teachers.cross_encoder_training.dev_lists import dev_lists
    from distillir.teachers.cross_encoder_training.examples import check_loss
    from distillir.teachers.cross_encoder_training.soft_labels import read_soft_labels
    from distillir.teachers.load import load_teacher
    from distillir.teachers.train import train_cross_encoder

    check_tracker(report_to or NONE, "--report-to")
    if patience is not None and select is None:
        raise DistillirError("--patience counts what --select measures", where="train-teacher", remedy="add --select")
    if loss is None:
        loss = "binary" if pairwise else "listwise"
    check_loss(loss, soft=soft_labels is not None, pairwise=pairwise, select=select is not None)
    soft = load_teacher(read_soft_labels(soft_labels)) if soft_labels is not None else None
    opened = load_collection(collection)
    rows = opened.qrels(split).query_rows
    if rank() == 0:
        reader = teacher_in_training(base, max_length, pairwise=pairwise, trust_remote_code=trust_remote_code)
        for line in cut_lines(cut_by(reader, opened, seed), opened):
            say(line)
    retriever = load_retriever("bm25" if negatives_from == "bm25" else {"dense": negatives_from})
    # Twice as deep as drawn from: judged positives are taken out of it.
    own_document = "keep" if keep_own_document else "leave_out"
    run = search(retriever, opened, rows, 2 * negative_depth, own_document=own_document)
    tell_found_nothing(retriever, run, opened, rows, f"queries of split {split}")
    dev = None
    if select is not None:
        dev = dev_lists(
            opened,
            split,
            select,
            lambda wanted, depth: search(retriever, opened, wanted, depth, own_document=own_document),
            seed=seed,
        )
        tell_found_nothing(retriever, dev.run, opened, dev.run.queries, dev.name)
    train_cross_encoder(
        base,
        opened,
        output,
        split=split,
        negatives_run=run,
        negatives_per_positive=negatives_per_positive,
        negative_depth=negative_depth,
        epochs=epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
        max_length=max_length,
        max_pairs=max_pairs,
        pairwise=pairwise,
        loss=loss,
        soft=soft,
        dev=dev,
        patience=patience,
        own_document=own_document,
        seed=seed,
        trust_remote_code=trust_remote_code,
        report_to=report_to or NONE,
    )
    use = f"method: {{name: pairdistill, pairs: {{teacher: {{cross-encoder: {output}}}}}}}"
    say(f"Teacher: {output}; in a recipe: {use if pairwise else f'teacher: {{cross-encoder: {output}}}'}")
