"""A teaching set made elsewhere, as a run learns from it: less own documents, and evaluated queries where wanted."""

import shutil

import numpy as np

from distillir.base.arrays import Flags
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory
from distillir.base.processes import rank
from distillir.base.progress import say
from distillir.collections.own_documents import own_documents
from distillir.pipeline.queries import evaluation_queries, repeated_queries
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.same_texts import tell_same_texts
from distillir.teaching.diagnosis import say_prompts, say_set
from distillir.teaching.teaching_set import TeachingSet
from distillir.teaching.writer import build_teaching_set

#: What a writer says of a set itself.
_FIXED = ("version", "collection", "signals", "lists", "candidates")


def kept_lists(folder: RunFolder, lists: TeachingSet) -> Flags:
    """Mask [Q] of the lists of a teaching set that a run takes: all, or those of queries that are not evaluated.

    Raises:
        DistillirError: It holds queries that are evaluated, and the recipe does not leave them out; or nothing is left.
    """
    kept: Flags = np.ones(len(lists), dtype=bool)
    if folder.recipe.evaluation.split is None:
        return kept
    evaluated, queries = evaluation_queries(folder), np.unique(lists.queries)
    shared = np.intersect1d(queries, evaluated)
    if not folder.recipe.queries.leave_out_evaluated:
        if len(shared):
            raise DistillirError(
                f"teaches {len(shared)} queries of the evaluation split, for example "
                f"{folder.collection.queries.id(int(shared[0]))!r}",
                where=lists.path,
                remedy="set queries.leave_out_evaluated to true: their lists are left out",
            )
        return kept
    kept = ~np.isin(lists.queries, [*shared, *repeated_queries(folder.collection, queries, evaluated)])
    if not kept.any():
        raise DistillirError("teaches evaluated queries alone", where=lists.path, remedy="name another split")
    return kept


def adopt_lists(folder: RunFolder, lists: TeachingSet) -> None:
    """Write ``teaching/`` of a teaching set: a copy, less what the recipe leaves out.

    That are the queries' own documents (unless ``queries.own_document`` keeps them), and with
    ``queries.leave_out_evaluated`` the lists of queries that are evaluated.

    Raises:
        DistillirError: It holds queries that are evaluated, and the recipe does not leave them out; or nothing is left.
    """
    collection, wanted = folder.collection, folder.recipe.queries
    say(f"Teaching set {lists.path}: {len(lists)} lists")
    if (found := say_set(lists)) is not None:
        folder.facts.note(diagnostics=found.to_dict())
    say_prompts(lists)
    kept = kept_lists(folder, lists)
    if folder.recipe.evaluation.split is not None:
        tell_same_texts(folder, np.unique(lists.queries[kept]), evaluation_queries(folder))
    own = own_documents(collection, lists.queries).rows
    if wanted.own_document == "keep":
        own = np.full(len(lists), -1)
    without = [lists.documents(i) != own[i] for i in range(len(lists))]
    documents = sum(int((~flags).sum()) for flags, stays in zip(without, kept, strict=True) if stays)
    if kept.all() and not documents:
        if rank() == 0:
            with atomic_directory(folder.teaching) as target:
                shutil.copytree(lists.path, target, dirs_exist_ok=True)
        return
    if not kept.all():
        say(f"left out {int((~kept).sum())} lists of queries that are evaluated (queries.leave_out_evaluated)")
    if documents:
        say(f"left out {documents} candidates of the teaching set that are the queries themselves")
    if rank() == 0:
        places = np.flatnonzero(kept).tolist()
        build_teaching_set(
            collection,
            lists.queries[kept],
            [lists.documents(i)[without[i]] for i in places],
            [lists.scores(i)[without[i]] for i in places] if lists.has_scores else None,
            [lists.relevant(i)[without[i]] for i in places],
            {name: value for name, value in lists.info.items() if name not in _FIXED},
            folder.teaching,
        )
