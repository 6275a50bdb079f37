"""Stage ``mine``: candidates for the training and the evaluation queries."""

from functools import partial

from distillir.base.files import atomic_directory
from distillir.base.progress import say
from distillir.pipeline.also import tell_others
from distillir.pipeline.cut_texts import tell_cut_texts
from distillir.pipeline.named_models import look_at_models
from distillir.pipeline.queries import evaluation_queries, training_qrels, training_queries
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.same_texts import tell_same_texts
from distillir.pipeline.selection_candidates import mine_selection
from distillir.pipeline.step import Write, exists, make_once
from distillir.retrieval.run import Run

#: Names of the products with the candidates of the two parts of the queries.
_PRODUCTS = {"training": "candidates", "evaluation": "evaluation candidates"}


def prepare_student(folder: RunFolder) -> None:
    """Save the student as it is before training, so that every later stage starts from the same weights."""
    make_once(folder, "initial student", lambda: lambda: prepare_initial(folder))


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
    parts = ("training", "evaluation") if evaluated else ("training",)
    if not all(exists(folder, _PRODUCTS[part]) for part in parts):
        tell_same_texts(folder, training_queries(folder))
    for part in parts:
        make_once(folder, _PRODUCTS[part], partial(_mine, folder, part), timed="mine")
    mine_selection(folder)


def _mine(folder: RunFolder, part: str) -> Write:
    """Mine for the ``training`` or the ``evaluation`` queries; what this gives writes the candidates."""
    from distillir.retrieval.trec import write_run

    training = part == "training"
    run = mine_training(folder) if training else mine_evaluation(folder)
    rows = training_queries(folder) if training else evaluation_queries(folder)

    def write() -> None:
        write_run(run, folder.collection, folder.candidates if training else folder.evaluation_candidates)
        found = sum(len(documents) > 0 for documents in run.lists)
        lost = f"; {len(rows) - found} queries have none" if found < len(rows) else ""
        say(f"Candidates: {len(run.documents)} for {found} {part} queries{lost}")

    return write


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
