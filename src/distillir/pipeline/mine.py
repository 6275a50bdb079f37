"""Stage ``mine_stage``: candidates for the training and the evaluation queries."""

from collections.abc import Callable
from functools import partial
from typing import Any

from distillir.base.files import atomic_directory
from distillir.base.processes import Write
from distillir.base.progress import say
from distillir.collections.run import Run
from distillir.pipeline.also import tell_others
from distillir.pipeline.cut_texts import tell_cut_texts
from distillir.pipeline.large_search import tell_large_search
from distillir.pipeline.mined_parts import MinedPart, evaluation_part, mine_part, training_part
from distillir.pipeline.named_models import look_at_models
from distillir.pipeline.products import BY_NAME, needs_lists
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.same_texts import tell_same_texts
from distillir.pipeline.selection_candidates import mine_selection
from distillir.pipeline.shards.merge import mine_merged
from distillir.pipeline.signal_place import asked_queries
from distillir.pipeline.step import exists, make_once
from distillir.retrieval.shared_search import searching_together


def prepare_student(folder: RunFolder) -> None:
    """Save the student as it is before training, so that every later stage starts from the same weights."""

    def prepare() -> Write:
        recipe = folder.recipe
        queries = partial(asked_queries, folder)
        ready = recipe.student.own_kind.ready(recipe.student.model, folder.collection, queries, recipe.query_seed)
        return lambda: prepare_initial(folder, ready)

    make_once(folder, "initial student", prepare)


def prepare_initial(folder: RunFolder, ready: Callable[[Any], Any] | None = None) -> None:
    """Save the student before training, in this process.

    Args:
        folder: The run's.
        ready: As `distillir.students.kind.StudentKind.ready` gives it.
    """
    from distillir.students.load import load_student_of

    model = load_student_of(folder.recipe.student, device="cpu")
    if ready is not None:
        model = ready(model)
    with atomic_directory(folder.initial_student) as target:
        folder.recipe.student.own_kind.save(model, target, last=False)


def mine_stage(folder: RunFolder, *, learnt: bool = True, evaluated: bool = True) -> None:
    """Write ``runs/candidates.trec`` and ``runs/evaluation-candidates.trec``, where they are wanted and not there.

    And ``runs/selection-candidates.trec``, where the best student is chosen by a dev split.

    Args:
        folder: The run's.
        learnt: Whether for the training queries, where the recipe learns from candidates.
        evaluated: Whether for the evaluation queries, too.

    Raises:
        DistillirError: A source cannot be read or loaded.
    """
    look_at_models(folder)
    tell_others(folder)
    tell_cut_texts(folder)
    prepare_student(folder)
    tell_large_search(folder)
    if folder.recipe.teaching is not None:
        say("The recipe brings a teaching set: nothing to mine.")
        mine_selection(folder)
        return
    parts = {"candidates": training_part, "evaluation candidates": evaluation_part}
    if not evaluated:
        del parts["evaluation candidates"]
    parts = {product: part_of for product, part_of in parts.items() if BY_NAME[product].wanted(folder)}
    alone = not (learnt and needs_lists(folder))
    if alone:
        parts.pop("candidates", None)
        say("Nothing in the recipe learns from candidates: none are mined for training queries.")
    last = folder.student if learnt else folder.before_run
    if not all(exists(folder, product) for product in parts) or (alone and not last.exists()):
        tell_same_texts(folder, asked_queries(folder))
    for product, part_of in parts.items():
        make_once(folder, product, partial(_mine, folder, part_of), timed="mine")
    mine_selection(folder)


def _mine(folder: RunFolder, part_of: Callable[[RunFolder], MinedPart]) -> Write:
    """Mine for a part of the queries; what this gives writes the candidates."""
    from distillir.retrieval.trec import write_run

    part = part_of(folder)
    run = mine_merged(folder, part)

    def write() -> None:
        write_run(run, folder.collection, BY_NAME[part.product].path(folder))
        found = sum(len(documents) > 0 for documents in run.lists)
        lost = f"; {len(part.rows) - found} queries have none" if found < len(part.rows) else ""
        say(f"Candidates: {len(run.documents)} for {found} {part.queries}{lost}")

    return write


def mine_training(folder: RunFolder, model: str | None = None) -> Run:
    """Candidates for the training queries; ``model`` as in `distillir.pipeline.mined_parts.mine_part`.

    All processes go through it together, and share the queries.
    """
    with searching_together():
        return mine_part(folder, training_part(folder), model)
