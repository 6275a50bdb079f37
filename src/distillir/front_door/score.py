"""``distillir.score``."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError
from distillir.front_door.forms import as_collection, judgements_of, plain
from distillir.front_door.one_line import one_line

if TYPE_CHECKING:
    from distillir.collections import Collection
    from distillir.retrieval.run import Run
    from distillir.teachers.counted import CountedTeacher
    from distillir.teaching.teaching_set import TeachingSet


@one_line
def score(
    collection: "Collection | str | os.PathLike[str] | Mapping[str, Any]",
    candidates: "Run",
    teacher: "str | Mapping[str, Any] | CountedTeacher",
    *,
    guard: Mapping[str, float] | None = None,
    judgements: str | Sequence[str] | None = None,
    output: "str | os.PathLike[str] | None" = None,
    allow_code: bool = False,
) -> "TeachingSet":
    """Ask a teacher about candidates: a teaching set, from which students learn.

    A teacher is never asked twice about the same texts: its scores are kept in the cache that the command line shares.

    Args:
        collection: A collection, or any form of one.
        candidates: What `distillir.mine` gave, or any run of this collection's rows.
        teacher: As a recipe has it under ``teacher:``: ``"bm25"``, ``{"dense": model}``, ``{"cross-encoder": model}``,
            ``{"ensemble": [...]}``, a language model (docs/score.md).
        guard: ``{"share": 0.95}`` or ``{"margin": 2.0}`` drops likely false negatives (docs/mine.md).
        judgements: Split, or splits, whose judgements say which candidates are relevant. Default: the split that the
            candidates were mined for, else all splits.
        output: Folder of the teaching set. Default: one in the cache, of the content's name.
        allow_code: Whether Python code runs that is named as ``module:NAME``: read it before.

    Returns:
        The teaching set: ``len``, ``queries`` [Q]; for its ``index``-th list, ``documents(index)`` (rows [N]),
        ``scores(index)`` (raw, float32 [N]) and ``relevant(index)`` (bool [N]).

    Raises:
        DistillirError: Candidates of another collection, a teacher that cannot be loaded or gives no number, or an
            output that holds something else.

    Example:
        ```python
        import distillir

        collection = distillir.load_collection("mytext")
        candidates = distillir.mine(collection, "bm25", depth=10, add_judged=True)
        teaching = distillir.score(collection, candidates, teacher={"cross-encoder": "my-teacher"})
        print(len(teaching), teaching.documents(0), teaching.scores(0))
        ```
    """
    from distillir.front_door.kept_sets import check_candidates, keep_set
    from distillir.retrieval.recipe_form import validate_candidates_spec
    from distillir.teachers.counted import CountedTeacher
    from distillir.teachers.load import load_teacher
    from distillir.teachers.score_candidates import say_scores, score_candidates
    from distillir.teaching.relevance import judged_relevant

    opened = as_collection(collection)
    check_candidates(candidates, opened)
    if guard is not None:
        validate_candidates_spec({"from": "bm25", "guard": plain(guard)}, "score")
    if teacher is None:
        raise DistillirError("is missing", where="teacher", remedy='give for example teacher="bm25"')
    asked = teacher if isinstance(teacher, CountedTeacher) else load_teacher(plain(teacher))
    splits = getattr(candidates, "split", None) if judgements is None else judgements
    qrels = judgements_of(opened, splits)
    run, scores = score_candidates(opened, candidates, asked, qrels, guard)
    relevant = judged_relevant(qrels, run.queries, run.lists)
    say_scores(asked.name, scores, relevant, asked.calls())
    info = {"teacher": asked.name, "teacher_fingerprint": asked.fingerprint(opened)}
    return keep_set(opened, run.queries, run.lists, scores, relevant, info, output)
