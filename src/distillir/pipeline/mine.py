"""Stage ``mine``: candidates for the training and the evaluation queries."""

from distillir.base.files import atomic_directory
from distillir.base.processes import barrier, rank
from distillir.base.progress import say
from distillir.pipeline.also import tell_others
from distillir.pipeline.cut_texts import tell_cut_texts
from distillir.pipeline.named_models import look_at_models
from distillir.pipeline.provenance import reusable
from distillir.pipeline.queries import evaluation_queries, training_qrels, training_queries
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.same_texts import tell_same_texts
from distillir.pipeline.selection_candidates import mine_selection
from distillir.retrieval.run import Run


def prepare_student(folder: RunFolder) -> None:
    """Save the student as it is before training, so that every later stage starts from the same weights."""
    if reusable(folder, "initial student") or rank() != 0:
        barrier()
        return
    prepare_initial(folder)
    barrier()


def prepare_initial(folder: RunFolder) -> None:
    """Save the student before training, in this process."""
    from distillir.students.load import load_student_of

    model = load_student_of(folder.recipe.student, device="cpu")
    with atomic_directory(folder.initial_student) as target:
        model.save_pretrained(str(target), create_model_card=False)


def mine(folder: RunFolder, *, evaluated: bool = True) -> None:
    """Write ``runs/candidates.trec`` and ``runs/evaluation-candidates.trec``; nothing where they are there.

    And ``runs/selection-candidates.trec``, where the best student is chosen by a dev split.

    Args:
        folder: The run's.
        evaluated: Whether for the evaluation queries, too.

    Raises:
        DistillirError: A source cannot be read or loaded.
    """
    look_at_models(folder)
    tell_others(folder)
    tell_cut_texts(folder)
    prepare_student(folder)
    if folder.recipe.teaching is not None:
        say("The recipe brings a teaching set: nothing to mine.")
        mine_selection(folder)
        return
    from distillir.retrieval.trec import write_run

    collection = folder.collection
    wanted = [("candidates", folder.candidates), ("evaluation candidates", folder.evaluation_candidates)]
    wanted = wanted if evaluated else wanted[:1]
    if not all(path.is_file() for _, path in wanted):
        tell_same_texts(folder, training_queries(folder))
    with folder.timed("mine"):
        for name, path in wanted:
            if reusable(folder, name):
                continue
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
    mine_selection(folder)


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
        trust_default=folder.recipe.student.trust_remote_code,
        qrels=training_qrels(folder),
        own_document=folder.recipe.queries.own_document,
        queries="training queries",
    )


def mine_evaluation(folder: RunFolder) -> Run:
    """Candidates for the evaluation queries; judgements, from which the teacher must not profit, play no part.

    The teacher ranks as many documents as students retrieve, so that measures of depth compare like with like.
    """
    from distillir.retrieval.recipe_form import mine_from_spec

    wanted = folder.recipe
    depth = wanted.evaluation.teacher_depth or wanted.evaluation.depth

    return mine_from_spec(
        folder.collection,
        evaluation_queries(folder),
        {**wanted.candidates.form(), "exclude_judged": False, "add_judged": False, "depth": depth},
        default_model=str(folder.initial_student),
        trust_default=folder.recipe.student.trust_remote_code,
        qrels=None,
        own_document=folder.recipe.queries.own_document,
        queries="evaluation queries",
    )
