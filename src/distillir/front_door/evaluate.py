"""``distillir.evaluate``."""

import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError
from distillir.front_door.forms import as_collection, as_path
from distillir.front_door.one_line import one_line
from distillir.front_door.stages import judged_split, rank_with, saved_model

if TYPE_CHECKING:
    from distillir.collections import Collection
    from distillir.collections.table import Rows
    from distillir.front_door.measures import Measures
    from distillir.retrieval.run import Run


@one_line
def evaluate(
    collection: "Collection | str | os.PathLike[str] | Mapping[str, Any]",
    student: Any,
    *,
    split: str = "test",
    measures: str | Sequence[str] = ("nDCG@10", "MRR@10", "recall@100", "MAP@100"),
    depth: int = 100,
    before: Any = None,
    kind: str | None = None,
    candidates: "Run | None" = None,
    precision: str = "float32",
    own_document: str = "leave_out",
    trust_remote_code: bool = False,
    allow_code: bool = False,
) -> "Measures":
    """Measure a student: exact search of the whole collection, and what ir-measures makes of it.

    Args:
        collection: A collection, or any form of one.
        student: A loaded model, the folder or name of one, or a run (such as `distillir.mine` gave, for the queries of
            this split).
        split: Whose judged queries are asked.
        measures: One or several: ``nDCG@10``, ``MRR@10``, ``recall@100``, ``MAP@100``, or any of ir-measures
            (docs/evaluate.md). The first is the main one.
        depth: Documents retrieved a query.
        before: What it is compared with: another student in any of these forms, or what an earlier call gave.
        kind: The kind of student (docs/students.md), where it is one that ranks candidates, or your own. Default: what
            the model's files say.
        candidates: What a student ranks that does not search: a run for the queries of this split.
        precision: What the student encodes in: ``float32``, ``bf16`` or ``auto``.
        own_document: ``leave_out``, or ``keep``, the document that a query itself is.
        trust_remote_code: Whether code that comes with the model runs.
        allow_code: Whether Python code runs that ``kind`` names as ``module:NAME``.

    Returns:
        Means over queries by measure, each in 0 to 1; ``per_query`` has the single values [Q], ``run`` the ranking,
        and ``comparison``, where ``before`` was given, differences with 95 % intervals and p-values.

    Raises:
        DistillirError: No such split or measure, no judgements, a model that cannot be loaded, or a ``before`` of other
            queries.

    Example:
        ```python
        import distillir

        collection = distillir.load_collection("mytext")
        bm25 = distillir.evaluate(collection, distillir.mine(collection, "bm25", depth=100, queries="test"))
        measures = distillir.evaluate(collection, "all-MiniLM-L6-v2", before=bm25)
        print(measures["nDCG@10"], measures.comparison[0].p_value)
        ```
    """
    from distillir.evaluation.measures import check_measures
    from distillir.evaluation.measures import evaluate as measure
    from distillir.evaluation.significance import compare
    from distillir.front_door.measures import Measures

    opened = as_collection(collection)
    names = list(dict.fromkeys([measures] if isinstance(measures, str) else measures))
    check_measures(names)
    qrels = judged_split(opened, split)
    options: dict[str, Any] = {"precision": precision, "trust_remote_code": trust_remote_code}
    options |= {"own_document": own_document, "candidates": candidates, "kind": kind}

    def measured(asked: Any) -> "Measures":
        if isinstance(asked, Measures):
            return asked
        run = _search(asked, opened, qrels.query_rows, depth, options)
        return Measures(opened.name, split, measure(run, qrels, names), run)

    former = None if before is None else measured(before)
    now = measured(student)
    if former is None:
        return now
    for name in names:
        if name not in former.evaluation.values:
            raise DistillirError(f"{name} was not measured", where="before", remedy="measure the same ones")
    compared = [compare(former.evaluation, now.evaluation, name) for name in names]
    return Measures(opened.name, split, now.evaluation, now.run, compared)


def _search(student: Any, collection: "Collection", rows: "Rows", depth: int, options: Mapping[str, Any]) -> "Run":
    """Rank the collection for query rows [Q] with whatever stands for a student."""
    from distillir.front_door.kept_sets import check_candidates
    from distillir.retrieval.run import Run

    if isinstance(student, Run):
        check_candidates(student, collection)
        return student.top(depth)
    if isinstance(student, str | os.PathLike):
        named = nullcontext(student if isinstance(student, str) else as_path(student))
    elif hasattr(student, "save_pretrained"):
        named = saved_model(student)  # type: ignore[assignment]
    else:
        raise DistillirError(
            f"{type(student).__name__} is no student",
            where="student",
            remedy="give a model, a folder, a name or a run",
        )
    with named as model:
        return rank_with(model, collection, rows, depth, **options)
