"""Stage ``mine``: candidates for the training and the evaluation queries."""

from distillir.files import atomic_directory
from distillir.parallel import barrier, rank
from distillir.pipeline.queries import evaluation_queries, training_qrels, training_queries
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.same_texts import tell_same_texts
from distillir.progress import say
from distillir.retrieval.run import Run


def prepare_student(folder: RunFolder) -> None:
    """Save the student as it is before training, so that every later stage starts from the same weights."""
    barrier()
    done = folder.initial_student.is_dir()
    barrier()
    if done or rank() != 0:
        barrier()
        return
    from distillir.students.load import load_student

    spec = folder.recipe.student
    model = load_student(
        spec.model, kind=spec.kind, layers=spec.layers, max_length=spec.max_length, towers=spec.towers, device="cpu"
    )
    with atomic_directory(folder.initial_student) as target:
        model.save_pretrained(str(target), create_model_card=False)
    barrier()


def mine(folder: RunFolder) -> None:
    """Write ``runs/candidates.trec`` and ``runs/evaluation-candidates.trec``; nothing where they are there.

    Raises:
        DistillirError: A source cannot be read or loaded.
    """
    prepare_student(folder)
    if folder.recipe.teaching is not None:
        say("The recipe brings a teaching set: nothing to mine.")
        return
    from distillir.retrieval.trec import write_run

    barrier()
    missing = [path for path in (folder.candidates, folder.evaluation_candidates) if not path.is_file()]
    barrier()
    collection = folder.collection
    if missing:
        tell_same_texts(folder, training_queries(folder))
    with folder.timed("mine"):
        for path in missing:
            training = path == folder.candidates
            run = mine_training(folder) if training else mine_evaluation(folder)
            if rank() == 0:
                write_run(run, collection, path)
            found = sum(len(documents) > 0 for documents in run.lists)
            rows = training_queries(folder) if training else evaluation_queries(folder)
            lost = f"; {len(rows) - found} queries have none" if found < len(rows) else ""
            part = "training" if training else "evaluation"
            say(f"Candidates: {len(run.documents)} for {found} {part} queries{lost}")
    barrier()


def mine_training(folder: RunFolder, model: str | None = None) -> Run:
    """Candidates for the training queries.

    Args:
        folder: The run's.
        model: What ``dense`` without a name stands for; None: the student before training.
    """
    from distillir.retrieval.recipe_form import mine_from_spec

    return mine_from_spec(
        folder.collection,
        training_queries(folder),
        folder.recipe.candidates.form(),
        default_model=model or str(folder.initial_student),
        qrels=training_qrels(folder),
        own_document=folder.recipe.queries.own_document,
    )


def mine_evaluation(folder: RunFolder) -> Run:
    """Candidates for the evaluation queries; judgements, from which the teacher must not profit, play no part."""
    from distillir.retrieval.recipe_form import mine_from_spec

    return mine_from_spec(
        folder.collection,
        evaluation_queries(folder),
        {**folder.recipe.candidates.form(), "exclude_judged": False, "add_judged": False},
        default_model=str(folder.initial_student),
        qrels=None,
        own_document=folder.recipe.queries.own_document,
    )
