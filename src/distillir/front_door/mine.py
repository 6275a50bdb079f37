"""``distillir.mine``."""

import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from distillir.front_door.forms import as_collection, plain, query_rows
from distillir.front_door.one_line import one_line
from distillir.front_door.stages import saved_student, student_spec

if TYPE_CHECKING:
    from distillir.collections import Collection
    from distillir.collections.table import Rows
    from distillir.front_door.candidates import Candidates


@one_line
def mine(
    collection: "Collection | str | os.PathLike[str] | Mapping[str, Any]",
    sources: "str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]",
    depth: int = 50,
    *,
    queries: "str | Sequence[str] | Sequence[int] | Rows | None" = "train",
    student: "str | os.PathLike[str] | Mapping[str, Any] | None" = None,
    fusion: str = "rrf",
    weights: Sequence[float] | None = None,
    exclude_judged: bool = False,
    add_judged: bool = False,
    size: int | None = None,
    sample: str = "top",
    seed: int = 0,
    own_document: str = "leave_out",
    allow_code: bool = False,
) -> "Candidates":
    """Find candidates: for each query, the documents that a teacher will be asked about.

    Nothing is written but indices and vectors, into the cache that the command line shares.

    Args:
        collection: A collection, or any form of one.
        sources: One or several as a recipe has them under ``candidates: {from: ...}``: ``"bm25"``,
            ``{"dense": model}``, ``{"multi-vector": model}``, ``{"sparse": model}``, ``{"trec": file}``
            (docs/mine.md). Several are fused.
        depth: Documents a query.
        queries: A split, whose judged queries are taken; query ids or rows; or None for all queries.
        student: What ``"dense"`` without a model stands for: the student before training, as a recipe names it.
        fusion: ``rrf``, ``zscore``, ``minmax`` or ``union``.
        weights: One a source, for the fusion.
        exclude_judged: Leave out documents that the split judges relevant.
        add_judged: Put them in where they were not found.
        size: Candidates kept of the ``depth``; None: all.
        sample: Which are kept: the ``top`` ones, or ``random`` ones.
        seed: Of ``random``.
        own_document: ``leave_out``, or ``keep``, the document that a query itself is.
        allow_code: Whether Python code runs that is named as ``module:NAME``: read it before.

    Returns:
        Candidates: a run (``queries`` [Q], ``lists``: document rows of each, best first) with ``ids()``, ``texts()``
        and ``write(file)``.

    Raises:
        DistillirError: An unknown source, split or option, or a model that cannot be loaded.

    Example:
        ```python
        import distillir

        collection = distillir.load_collection("mytext")
        candidates = distillir.mine(collection, ["bm25", {"dense": "all-MiniLM-L6-v2"}], depth=10)
        print(candidates, candidates.ids()["q1"][:3])
        ```
    """
    from distillir.front_door.candidates import Candidates
    from distillir.retrieval.recipe_form import mine_from_spec, validate_candidates_spec

    opened = as_collection(collection)
    split = queries if isinstance(queries, str) else None
    form = {"from": plain(sources), "depth": depth, "fusion": fusion, "exclude_judged": exclude_judged}
    form |= {"add_judged": add_judged, "sample": sample, "seed": seed}
    form |= {key: value for key, value in (("weights", plain(weights)), ("size", size)) if value is not None}
    validate_candidates_spec(form, "mine")
    rows = query_rows(opened, queries)
    spec = None if student is None else student_spec(student)
    with nullcontext() if spec is None else saved_student(spec) as folder:
        run = mine_from_spec(
            opened,
            rows,
            form,
            default_model=None if folder is None else str(folder),
            trust_default=spec is not None and spec.trust_remote_code,
            qrels=None if split is None else opened.qrels(split),
            own_document=own_document,
            queries="queries" if split is None else f"{split} queries",
        )
    return Candidates.of_run(run, opened, split)
