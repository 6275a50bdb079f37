"""Gain of each round: the student so far, measured on the evaluation split before it mines anew."""

from pathlib import Path

from distillir.pipeline.queries import evaluation_qrels
from distillir.pipeline.run_folder import RunFolder


def measure_round(folder: RunFolder, student: Path, stage: int) -> None:
    """Note the measures of a student before a stage that mines anew; nothing where they are noted.

    Args:
        folder: The run's.
        student: The student so far.
        stage: Number of the stage that it mines for.
    """
    from distillir.evaluation.measures import evaluate
    from distillir.pipeline.search import rank_by_student

    if str(stage) in folder.facts.read().get("rounds", {}):
        return
    evaluation, qrels = folder.recipe.evaluation, evaluation_qrels(folder)
    with folder.facts.timed("evaluate rounds"):
        run = rank_by_student(folder, student, folder.collection, qrels.query_rows)
    folder.facts.note_part("rounds", evaluate(run, qrels, evaluation.measures).means, str(stage))
