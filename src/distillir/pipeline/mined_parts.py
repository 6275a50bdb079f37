"""The parts of a run's queries that candidates are mined for: which queries, how deep, and by what judgements."""

from dataclasses import dataclass
from typing import Any

from distillir.base.arrays import Rows
from distillir.collections.run import Run
from distillir.pipeline.queries import evaluation_queries, training_qrels, training_queries
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.selection_queries import dev_queries
from distillir.recipe import Recipe

#: Candidates of a query that come into the pool of what the best student is chosen by, at most.
DEPTH = 16


@dataclass(frozen=True)
class MinedPart:
    """Queries that are mined for together.

    Attributes:
        product: Name of the product with their candidates (`distillir.pipeline.products.PRODUCTS`).
        queries: What messages call them.
        rows: Query rows [Q].
        depth: Candidates a query.
        judged: Whether judgements add or exclude candidates, where the recipe says so.
    """

    product: str
    queries: str
    rows: Rows
    depth: int
    judged: bool = False


def training_part(folder: RunFolder) -> MinedPart:
    """The queries that are learnt from."""
    depth = folder.recipe.candidates.depth
    return MinedPart("candidates", "training queries", training_queries(folder), depth, judged=True)


def evaluation_part(folder: RunFolder) -> MinedPart:
    """The queries that are measured on; judgements, from which the teacher must not profit, play no part."""
    depth = teacher_depth(folder.recipe)
    return MinedPart("evaluation candidates", "evaluation queries", evaluation_queries(folder), depth)


def selection_part(folder: RunFolder) -> MinedPart | None:
    """The dev queries that the best student is chosen by; None where there are none.

    Judgements play no part: judged documents come into the pool anyway.
    """
    chosen = dev_queries(folder)
    return (
        None if chosen is None else MinedPart("selection candidates", f"queries of {chosen.name}", chosen.rows, DEPTH)
    )


def teacher_depth(recipe: Recipe) -> int:
    """Number of documents that the teacher ranks for an evaluation query.

    By default as many as students retrieve, so that measures of depth compare like with like.
    """
    return recipe.evaluation.teacher_depth or recipe.evaluation.depth


def mined_form(recipe: Recipe, part: MinedPart) -> dict[str, Any]:
    """The mapping that `distillir.retrieval.recipe_form` reads, for a part of the queries."""
    form: dict[str, Any] = {**recipe.candidates.form(), "depth": part.depth}
    return form if part.judged else form | {"exclude_judged": False, "add_judged": False}


def mine_part(folder: RunFolder, part: MinedPart, model: str | None = None, *, rows: Rows | None = None) -> Run:
    """Candidates for a part of the queries, by the recipe's sources.

    Args:
        folder: The run's.
        part: Which queries, and how.
        model: What ``dense`` without a name stands for; None: the student before training, or the model of the
            documents that it keeps.
        rows: A share of the part's queries; None: all.

    Raises:
        DistillirError: A source cannot be read or loaded.
    """
    from distillir.retrieval.recipe_form import mine_from_spec

    recipe = folder.recipe
    return mine_from_spec(
        folder.collection,
        part.rows if rows is None else rows,
        mined_form(recipe, part),
        default_model=recipe.student.own_kind.source_of(
            model, initial=str(folder.initial_student), trust_remote_code=recipe.student.trust_remote_code
        ),
        trust_default=recipe.student.trust_remote_code,
        qrels=training_qrels(folder) if part.judged else None,
        own_document=recipe.queries.own_document,
        queries=part.queries,
        among=None if rows is None else part.rows,
    )
