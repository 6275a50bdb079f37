"""``distillir.train``."""

import os
from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from distillir.front_door.forms import as_collection, as_path
from distillir.front_door.one_line import one_line
from distillir.front_door.stages import checked_recipe, temporary_folder, train_on, without_evaluation

if TYPE_CHECKING:
    from distillir.collections import Collection
    from distillir.teaching.teaching_set import TeachingSet


@one_line
def train(
    collection: "Collection | str | os.PathLike[str] | Mapping[str, Any]",
    teaching: "TeachingSet | str | os.PathLike[str]",
    student: "str | os.PathLike[str] | Mapping[str, Any]",
    method: str | Mapping[str, Any] | None = None,
    *,
    objective: Any = None,
    training: Mapping[str, Any] | None = None,
    queries: str | Mapping[str, Any] | None = None,
    evaluation: str | Mapping[str, Any] | None = None,
    seed: int = 0,
    output: "str | os.PathLike[str] | None" = None,
    anew: bool = False,
    allow_code: bool = False,
) -> Any:
    """Train a student on a teaching set.

    The same as ``distillir train`` of a recipe with ``teaching: ...`` and these parts, weights to the bit. Plans that
    mine or ask the teacher again while they train need `distillir.run`, and a teacher in the recipe.

    Args:
        collection: A collection, or any form of one.
        teaching: What `distillir.score` or `distillir.teaching_set` gave, or the folder of a teaching set.
        student: The model to start from: a folder or name, or ``{"model": ..., "layers": 3, "kind": "sparse"}``
            (docs/students.md).
        method: A method's name or mapping (docs/methods/README.md); None: ``auto``, or the plain lists of an objective.
        objective: What is compared, in place of the method's own (docs/objectives.md).
        training: Settings of the recipe's ``training:``: ``{"epochs": 3, "learning_rate": 2e-5}`` (docs/train.md).
        queries: The recipe's ``queries:``; default: the split ``train``, if the collection has it.
        evaluation: The recipe's ``evaluation:``, of which the split is kept from training: a teaching set with one of
            its queries is refused. Default: the split ``test``, if the collection has it; ``{"split": None}``: none.
        seed: Of everything random.
        output: Folder of the training, with ``student/``, ``log.jsonl`` and checkpoints: called again after a kill or
            an exception, it goes on there. Default: a temporary one, which goes when the student is loaded.
        anew: Whether what the folder holds of other settings is made anew.
        allow_code: Whether Python code runs that is named as ``module:NAME``: read it before.

    Returns:
        The trained model: a SentenceTransformer, MultiVectorEncoder or SparseEncoder (``encode_query``,
        ``encode_document``, ``save_pretrained``).

    Raises:
        DistillirError: A mistake in what is given, a teaching set that the method cannot learn from; or the folder
            holds checkpoints, or a student, of other settings: they are never resumed.

    Example:
        ```python
        import distillir

        collection = distillir.load_collection("mytext")
        candidates = distillir.mine(collection, "bm25", depth=10, add_judged=True)
        teaching = distillir.score(collection, candidates, teacher={"cross-encoder": "my-teacher"})
        settings = {"epochs": 1, "queries_per_step": 4}
        student = distillir.train(
            collection, teaching, student={"model": "all-MiniLM-L6-v2", "layers": 1}, method="ckl", training=settings
        )
        print(student.encode_query(["how are bees fed"]).shape)
        ```
    """
    opened = as_collection(collection)
    recipe: dict[str, Any] = {"collection": opened, "teaching": teaching, "student": student, "seed": seed}
    named = {"method": method, "objective": objective, "training": training}
    recipe |= {key: value for key, value in named.items() if value is not None}
    recipe["queries"] = queries or {"split": "train" if "train" in opened.splits else None}
    measured = {"split": evaluation} if isinstance(evaluation, str) else dict(evaluation or {})
    kept = measured.get("split", "test" if "test" in opened.splits else None)
    # A recipe must name a split that it is measured on; a training by itself need not.
    checked = checked_recipe({**recipe, "evaluation": {**measured, "split": kept or "none"}}, {})
    if kept is None:
        checked = without_evaluation(checked)
    with temporary_folder() if output is None else nullcontext(as_path(output)) as folder:
        return train_on(checked, folder, anew=anew)
