"""Stage ``train``: the student learns from the teaching set."""

from typing import Any

import numpy as np

from distillir.errors import DistillirError
from distillir.files import atomic_directory
from distillir.methods.compose import compose
from distillir.parallel import barrier, rank
from distillir.pipeline.mine import prepare_student
from distillir.pipeline.run_folder import RunFolder


def train(folder: RunFolder) -> None:
    """Write ``student/`` and ``log.jsonl``; nothing where the student is there. Goes on after a kill.

    Raises:
        DistillirError: The teaching set is missing or does not fit, or training fails.
    """
    barrier()
    done = folder.student.is_dir()
    barrier()
    if done:
        return
    from distillir.students.card import model_card
    from distillir.students.load import load_student
    from distillir.teaching.teaching_set import open_teaching_set
    from distillir.training.train import train as train_student

    folder.need(folder.teaching, "score")
    prepare_student(folder)
    recipe = folder.recipe
    _, _, objective = compose(recipe.method, recipe.objective)
    lists = open_teaching_set(folder.teaching, folder.collection)
    model = load_student(str(folder.initial_student))
    with folder.timed("train"):
        train_student(
            model, folder.collection, lists, objective, recipe.training, folder.work, folder.log, seed=recipe.seed
        )
        _check_vectors(model, folder)
    if rank() == 0:
        with atomic_directory(folder.student) as target:
            model.save_pretrained(str(target), create_model_card=False)
            (target / "README.md").write_text(model_card(recipe, folder.collection, objective), encoding="utf-8")
    barrier()


def _check_vectors(model: Any, folder: RunFolder) -> None:
    """Refuse a student that training has blown up, before it is written.

    Raises:
        DistillirError: It gives vectors that are not finite.
    """
    from distillir.encoding.vectors import encode_texts

    texts = [folder.collection.corpus.text(row) for row in range(min(8, len(folder.collection.corpus)))]
    if not np.isfinite(encode_texts(model, texts, kind="document", precision="float32")).all():
        raise DistillirError(
            "the trained student gives vectors that are not finite; nothing was written",
            where="training",
            remedy="lower training.learning_rate",
        )
