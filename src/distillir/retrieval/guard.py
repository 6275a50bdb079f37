"""Guard against false negatives: unjudged candidates that the teacher scores as high as judged positives."""

from collections.abc import Sequence

import numpy as np

from distillir.base.arrays import Scores
from distillir.base.errors import DistillirError
from distillir.collections import Qrels
from distillir.collections.run import Run, from_lists


def false_negative_guard(
    run: Run,
    teacher_scores: Sequence[Scores],
    qrels: Qrels,
    *,
    share: float | None = None,
    margin: float | None = None,
    positive_scores: Sequence[Scores] | None = None,
) -> tuple[Run, list[Scores]]:
    """Drop candidates that the teacher scores about as high as judged positives: they are probably relevant.

    With ``share``, a candidate is dropped if its score > p - (1 - share) * |p|, p being the highest teacher score of
    the query's judged documents. For p > 0 this is share * p, TopK-PercPos of NV-Retriever (arXiv 2407.15831, which
    settled on 0.95). A share of a negative number would lie above it; the form with |p|, our extension, stays as far
    below p there as it does for |p|. Scores of cross-encoders are raw logits, whose zero means nothing: there
    ``margin`` (dropped if score > p - margin) says more clearly what is meant.

    Documents judged relevant are never dropped. Queries without a scored judged document are left alone.

    Args:
        run: The candidate lists.
        teacher_scores: Per query, scores aligned with its list.
        qrels: Which documents are judged relevant.
        share: Share of the positive's score, for example 0.95.
        margin: Distance to the positive's score, for example 2.0; exactly one of the two is given.
        positive_scores: Per query, scores of judged documents (default: those of the judged documents in the list).

    Returns:
        The run without the dropped documents, and the teacher scores that are left, aligned with it.

    Raises:
        DistillirError: Not exactly one of ``share`` and ``margin``, or one out of range.
    """
    if (share is None) == (margin is None):
        raise DistillirError("give a share or a margin", where="candidates.guard", remedy="write guard: {share: 0.95}")
    if (share is not None and not 0 < share <= 1) or (margin is not None and margin < 0):
        raise DistillirError(
            f"share {share}, margin {margin} out of range",
            where="candidates.guard",
            remedy="0 < share <= 1; margin >= 0",
        )
    documents, scores, left = [], [], []
    for place in range(len(run)):
        rows, values = run.of(place)
        teacher = np.asarray(teacher_scores[place], dtype=np.float32)
        judged = np.isin(rows, qrels.relevant(int(run.queries[place])))
        positives = teacher[judged] if positive_scores is None else positive_scores[place]
        keep = np.ones(len(rows), dtype=bool)
        if len(positives):
            best = float(np.max(positives))
            limit = best - margin if margin is not None else best - (1 - (share or 0)) * abs(best)
            keep = judged | (teacher <= limit)
        documents.append(rows[keep])
        scores.append(values[keep])
        left.append(teacher[keep])
    return from_lists(run.queries, documents, scores, run.name), left
