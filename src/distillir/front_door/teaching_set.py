"""``distillir.teaching_set``."""

import os
from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError
from distillir.front_door.forms import as_collection, judgements_of, rows_of_ids
from distillir.front_door.one_line import one_line

if TYPE_CHECKING:
    from distillir.collections import Collection
    from distillir.collections.run import Run
    from distillir.teaching.teaching_set import TeachingSet


@one_line
def teaching_set(
    lists: "Run | Mapping[str, Sequence[str]]",
    scores: "Sequence[Any] | Mapping[str, Any] | None",
    *,
    collection: "Collection | str | os.PathLike[str] | Mapping[str, Any] | None" = None,
    judgements: str | Sequence[str] | None = None,
    output: "str | os.PathLike[str] | None" = None,
) -> "TeachingSet":
    """Make a teaching set of scores of your own: of any model, service or people.

    Args:
        lists: What `distillir.mine` gave, or document ids by query id.
        scores: Per list, a score for each of its documents (array [N], higher is better, any scale); or a mapping by
            query id of such arrays, or of scores by document id. None: no scores, for objectives of judgements alone.
        collection: Whose ids these are; not needed for what `distillir.mine` gave.
        judgements: Split, or splits, whose judgements say which candidates are relevant. Default: the split that the
            candidates were mined for, else all splits.
        output: Folder of the teaching set. Default: one in the cache, of the content's name.

    Returns:
        The teaching set, as `distillir.score` gives it.

    Raises:
        DistillirError: An unknown id, a list without scores or of another length than they, or a score that is no
            number; the message names query and document.

    Example:
        ```python
        import distillir

        def shared_words(query, text):
            return len(set(query.split()) & set(text.split()))

        candidates = distillir.mine(distillir.load_collection("mytext"), "bm25", depth=10, add_judged=True)
        scores = [[shared_words(query, text) for text in texts] for query, texts in candidates.texts()]
        teaching = distillir.teaching_set(candidates, scores)
        print(len(teaching), teaching.scores(0))
        ```
    """
    import numpy as np

    from distillir.front_door.kept_sets import check_candidates, keep_set
    from distillir.teaching.diagnosis import say_set
    from distillir.teaching.relevance import judged_relevant

    if collection is None and getattr(lists, "collection", None) is None:
        raise DistillirError("is missing", where="collection", remedy="give the collection whose ids these are")
    opened = as_collection(lists.collection if collection is None else collection)  # type: ignore[union-attr]
    if isinstance(lists, Mapping):
        for query, found in lists.items():
            if isinstance(found, str | Set | Mapping):
                raise DistillirError(
                    f"those of query {query!r} have no order ({type(found).__name__})",
                    where="lists",
                    remedy="give a list of document ids, so that scores belong to them by their place",
                )
        queries = rows_of_ids(opened.queries, list(lists), "lists")
        documents = [rows_of_ids(opened.corpus, found, f"lists: {query}") for query, found in lists.items()]
    else:
        check_candidates(lists, opened)
        queries, documents = lists.queries, lists.lists
    values = None
    if scores is not None:
        names = opened.queries.ids(queries)
        values = [
            _scores(found, opened, rows, name)
            for found, rows, name in zip(_by_list(scores, names), documents, names, strict=True)
        ]
    splits = getattr(lists, "split", None) if judgements is None else judgements
    relevant = judged_relevant(judgements_of(opened, splits), np.asarray(queries), documents)
    kept = keep_set(opened, queries, documents, values, relevant, {"teacher": "own scores"} if values else {}, output)
    say_set(kept)
    return kept


def _by_list(scores: Any, names: list[str]) -> list[Any]:
    """The scores of each list, in the order of the lists' query ids."""
    if isinstance(scores, Mapping):
        lacking = [name for name in names if name not in scores]
        if lacking:
            raise DistillirError(
                f"{len(lacking)} of {len(names)} queries have none, for example {lacking[0]!r}", where="scores"
            )
        unknown = [name for name in scores if name not in set(names)]
        if unknown:
            raise DistillirError(
                f"{len(unknown)} queries have no list, for example {unknown[0]!r}",
                where="scores",
                remedy="give them lists, or leave them out",
            )
        return [scores[name] for name in names]
    found = list(scores)
    if len(found) != len(names):
        raise DistillirError(f"there are {len(found)} for {len(names)} lists", where="scores", remedy="give one a list")
    return found


def _scores(values: Any, collection: "Collection", rows: Any, name: str) -> Any:
    """Scores [N] of one list, float32."""
    from distillir.base.arrays import as_scores

    if isinstance(values, Mapping):
        ids = collection.corpus.ids(rows)
        lacking = [document for document in ids if document not in values]
        if lacking:
            raise DistillirError(f"query {name!r} has none of document {lacking[0]!r}", where="scores")
        values = [values[document] for document in ids]
    try:
        found = as_scores(values.tolist() if hasattr(values, "tolist") else list(values))
    except (TypeError, ValueError):
        raise DistillirError(f"those of query {name!r} are no numbers", where="scores") from None
    if found.ndim != 1:
        raise DistillirError(
            f"those of query {name!r} have the shape {found.shape}", where="scores", remedy="give one number a document"
        )
    return found
