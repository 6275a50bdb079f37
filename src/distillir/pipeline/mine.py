"""Stage ``mine``: candidates for the training and the evaluation queries."""

from distillir.files import atomic_directory
from distillir.parallel import barrier, rank
from distillir.pipeline.queries import evaluation_queries, training_qrels, training_queries
from distillir.pipeline.run_folder import RunFolder
from distillir.progress import say


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
    model = load_student(spec.model, layers=spec.layers, max_length=spec.max_length, device="cpu")
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
    from distillir.retrieval.recipe_form import mine_from_spec
    from distillir.retrieval.trec import write_run

    barrier()
    missing = [path for path in (folder.candidates, folder.evaluation_candidates) if not path.is_file()]
    barrier()
    collection, spec = folder.collection, folder.recipe.candidates.form()
    with folder.timed("mine"):
        for path in missing:
            training = path == folder.candidates
            rows = training_queries(folder) if training else evaluation_queries(folder)
            # The teacher's own measure must not profit from judgements, so they shape the training lists alone.
            own = spec if training else {**spec, "exclude_judged": False, "add_judged": False}
            run = mine_from_spec(
                collection,
                rows,
                own,
                default_model=str(folder.initial_student),
                qrels=training_qrels(folder) if training else None,
            )
            if rank() == 0:
                write_run(run, collection, path)
            found = sum(len(documents) > 0 for documents in run.lists)
            lost = f"; {len(rows) - found} queries have none" if found < len(rows) else ""
            part = "training" if training else "evaluation"
            say(f"Candidates: {len(run.documents)} for {found} {part} queries{lost}")
    barrier()
