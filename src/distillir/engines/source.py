"""Sources of an index: a run's folder, or a model and a collection; and the queries that the engine is asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.collections import Collection, Qrels, load_collection
from distillir.encoding.model_options import ModelOptions
from distillir.engines.encodings import DenseEncodings, IndexedEncodings, SparseEncodings, TokenEncodings
from distillir.recipe import RECIPE_FILE

if TYPE_CHECKING:
    from distillir.pipeline.run_folder import RunFolder
    from distillir.students.kind import StudentKind

#: Splits that are asked where none is named, in this order.
_SPLITS = ("test", "dev", "validation", "train")


@dataclass(frozen=True)
class IndexSource:
    """Documents, the model that encodes them, and queries.

    Attributes:
        name: Of the table where none is given.
        model: Of the student, for people.
        collection: The documents and the queries.
        queries: Rows of the queries that may be asked [Q].
        qrels: Their judgements, None where there are none.
        own_document: ``leave_out`` or ``keep``, for measures.
        encoding: ``dense``, ``sparse`` or ``multi-vector``.
        made_from: Fingerprints of the documents' vectors, by what messages call them.
        folder: Where the index goes by default; None: it must be said.
        encode: ``(query rows, width)``: the encodings, from the cache where they are there.
        asked_by: Fingerprint of what encodes the queries: of documents that are kept not the documents' own model.
    """

    name: str
    model: str
    collection: Collection
    queries: Rows
    qrels: Qrels | None
    own_document: str
    encoding: str
    made_from: Mapping[str, str]
    folder: Path | None
    encode: Callable[[Rows, int | None], IndexedEncodings]
    asked_by: str = ""


def source_of(
    run: str, collection: Any = None, split: str | None = None, *, before: bool = False, trust_remote_code: bool = False
) -> IndexSource:
    """A run's student, or a model with a collection.

    Args:
        run: Folder of a run, or a model's folder or name.
        collection: With a model: any form of one.
        split: With a model: whose queries are asked.
        before: With a run: whether the student as it was before training is meant.
        trust_remote_code: With a model: whether code that comes with it may run.

    Raises:
        DistillirError: Neither, or arguments that belong to the other.
    """
    from distillir.pipeline.trained import is_run

    if is_run(Path(run).expanduser()):
        if collection is not None or split is not None:
            raise DistillirError(
                "is a run, which has a collection and a split",
                where=run,
                remedy=f"leave them out, or name its student: {Path(run) / 'student'}",
            )
        return source_of_run(Path(run).expanduser(), before=before)
    if collection is None:
        raise DistillirError(
            "is no folder of a run", where=run, remedy="check the path; with a model give --collection too"
        )
    if before:
        raise DistillirError("--before is of a run, and this is a model", where=run, remedy="leave it out")
    return source_of_model(run, collection, split=split, trust_remote_code=trust_remote_code)


def source_of_run(path: Path, *, before: bool = False) -> IndexSource:
    """The student of a run, its collection and evaluation queries.

    Args:
        path: The run's folder.
        before: Whether the student as it was before training is meant.

    Raises:
        DistillirError: There is no student, it searches nothing, or the folder's files are not as the run made them.
    """
    from distillir.pipeline.open_run import READ_ONLY, open_run
    from distillir.pipeline.trained import trained_student
    from distillir.recipe.read import read_recipe

    recipe = read_recipe(path / RECIPE_FILE)
    student, kind = recipe.student, recipe.student.own_kind
    if not kind.searches:
        raise DistillirError(
            f"its student is a {kind.name}, which reads query and document together and has no vectors to be kept",
            where=path,
            remedy="index the student of another run, and let this one re-rank what the engine finds",
        )
    folder_of = "work/initial-student" if before else "student"
    trained_student(path, folder_of)
    with open_run(path, recipe, READ_ONLY) as folder:
        queries, qrels = _asked(folder)
        collection = folder.collection
    model = str(path / folder_of)
    return _source(
        name=path.resolve().name + ("-before" if before else ""),
        model=model,
        kind=kind,
        collection=collection,
        queries=queries,
        qrels=qrels,
        own_document=recipe.queries.own_document,
        folder=path / "index",
        precision=recipe.evaluation.precision,
        options=ModelOptions(trust_remote_code=student.trust_remote_code),
    )


def source_of_model(
    model: str, collection: Any, *, split: str | None = None, trust_remote_code: bool = False
) -> IndexSource:
    """Any model that encodes documents, and a collection.

    Args:
        model: A folder or name.
        collection: Any form of one.
        split: Whose judged queries are asked; None: the first of test, dev, train that there is, else all queries.
        trust_remote_code: Whether code that comes with the model may run.

    Raises:
        DistillirError: The model encodes nothing, or there is no such collection or split.
    """
    from distillir.encoding.model_files import model_kind
    from distillir.students.registry import STUDENTS

    found = model_kind(model)
    kind = STUDENTS.get(found) if STUDENTS.knows(found) else None
    if kind is None or not kind.searches:
        raise DistillirError(
            f"is a {found} model, which has no vectors to be kept",
            where=model,
            remedy="name a dense, multi-vector or sparse model",
        )
    opened = collection if isinstance(collection, Collection) else load_collection(collection)
    chosen = split if split is not None else next((name for name in _SPLITS if name in opened.splits), None)
    qrels = None if chosen is None else opened.qrels(chosen)
    queries = np.arange(len(opened.queries), dtype=np.int64) if qrels is None else qrels.query_rows
    return _source(
        name=Path(model).name,
        model=model,
        kind=kind,
        collection=opened,
        queries=queries,
        qrels=qrels,
        own_document="leave_out",
        folder=None,
        precision="float32",
        options=ModelOptions(trust_remote_code=trust_remote_code),
    )


def _asked(folder: "RunFolder") -> tuple[Rows, Qrels | None]:
    """The evaluation queries of a run, and judgements where they can be had."""
    from distillir.pipeline.queries import evaluation_qrels, evaluation_queries

    queries = evaluation_queries(folder)
    if folder.recipe.evaluation.split is None and not folder.teacher_run.is_file():
        say(f"{folder.teacher_run} is missing: the evaluation queries have no judgements, and no measure is computed")
        return queries, None
    return queries, evaluation_qrels(folder)


def _source(
    *, model: str, kind: "StudentKind", collection: Collection, precision: str, options: ModelOptions, **more: Any
) -> IndexSource:
    """A source whose texts are encoded as evaluation encodes them, so that its vectors are found in the cache."""
    from distillir.encoding.device import pick_device
    from distillir.encoding.identity import model_identity
    from distillir.encoding.precision import resolve_precision

    corpus, resolved = collection.corpus, resolve_precision(precision, pick_device())
    kept, reader = kind.kept(), kind.query_encoder(model)
    # Of separate towers the whole counts: which of its files encode documents, only its own code knows.
    vectors = kept or {"student": model_identity(model, options, ("document",)), "arithmetic of the encoder": resolved}
    encoding: dict[str, Any] = {"precision": precision, "options": options}

    index: Any = kind.index_kept

    def encode(rows: Rows, width: int | None) -> IndexedEncodings:
        if kind.model_kind == "sparse":
            from distillir.encoding.sparse_vectors import encode_sparse

            documents = (
                encode_sparse(model, corpus, kind="document", **encoding) if index is None else index.matrix(corpus)
            )
            return SparseEncodings(documents, encode_sparse(reader, collection.queries, rows, kind="query", **encoding))
        if kind.model_kind == "multi-vector":
            from distillir.encoding.token_vectors import encode_tokens

            tokens = (
                encode_tokens(model, corpus, kind="document", **encoding) if index is None else index.vectors(corpus)
            )
            asked = encode_tokens(reader, collection.queries, rows, kind="query", **encoding).of(rows)
            return TokenEncodings(tokens, asked)
        from distillir.encoding.vectors import encode_rows, encode_table

        held = encode_table(model, corpus, kind="document", **encoding) if index is None else index.vectors(corpus)
        queries = encode_rows(reader, collection.queries, rows, kind="query", **encoding)
        return DenseEncodings(held, queries, "cosine" if kind.cosines(model) else "dot", width)

    return IndexSource(
        model=model,
        collection=collection,
        encoding=kind.model_kind,
        made_from={**vectors, "collection": corpus.fingerprint},
        encode=encode,
        asked_by=model_identity(reader, options, ("query",)),
        **more,
    )
