"""The steps of a run in their order, from which ``run``, the verbs, ``--dry-run`` and comparisons take them."""

from functools import partial
from pathlib import Path

from distillir.base.tracker import check_tracker
from distillir.pipeline.checks import check_queries, check_teaching
from distillir.pipeline.cut_texts import tell_cut_texts
from distillir.pipeline.evaluate import evaluate_stage, search_before
from distillir.pipeline.mine import mine_stage
from distillir.pipeline.named_models import look_at_models
from distillir.pipeline.products import BY_NAME, SIGNAL_FOLDERS, needs_lists
from distillir.pipeline.report import report_stage
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.score import score_stage
from distillir.pipeline.signals import prepare_product
from distillir.pipeline.step import Step
from distillir.pipeline.train import train_stage
from distillir.plans.settings import REPORT_TO


def look_again(folder: RunFolder) -> None:
    """Look at the models that the recipe names, also where that was done before."""
    look_at_models(folder, again=True)


def check_tracking(folder: RunFolder) -> None:
    """`check_tracker` of the recipe's, before anything is paid for."""
    check_tracker(folder.recipe.training.report_to, REPORT_TO)


def check_mined_queries(folder: RunFolder) -> None:
    """`check_queries` where the run mines candidates itself."""
    if folder.recipe.teaching is None:
        check_queries(folder)


def check_brought(folder: RunFolder) -> None:
    """`check_teaching` of the teaching set that the recipe brings, before a copy of it is made."""
    if folder.recipe.teaching is not None:
        check_teaching(folder, Path(folder.recipe.teaching))


def check_taught(folder: RunFolder) -> None:
    """`check_teaching` of the run's own teaching set, before more is paid for; nothing where none is wanted."""
    if needs_lists(folder):
        check_teaching(folder, folder.teaching)


def prepare_signals(product: str, folder: RunFolder) -> None:
    """`prepare_product` of lists that the method can learn from: they are checked before anyone is asked about them."""
    if BY_NAME[product].wanted(folder) and not BY_NAME[product].path(folder).exists() and folder.teaching.exists():
        check_teaching(folder, folder.teaching, tell=False)
    prepare_product(product, folder)


#: What is looked at and told before a run says what it is.
OPENING = (
    Step("tracker", check_tracking, looks=True),
    Step("models", look_again, looks=True),
    Step("cut texts", tell_cut_texts),
)

#: Signals besides the teacher's scores, each where the recipe's method wants it.
SIGNALS = tuple(
    Step(
        folder,
        partial(prepare_signals, product),
        "score",
        makes=(*(name for name in BY_NAME[product].after if name == "initial student"), product),
        needs=("teaching set",),
    )
    for product, folder in SIGNAL_FOLDERS.items()
)

#: The rest.
STEPS = (
    Step("queries", check_mined_queries, "mine", looks=True),
    Step("teaching set brought", check_brought, looks=True),
    Step(
        "mine",
        mine_stage,
        "mine",
        makes=("initial student", "candidates", "evaluation candidates", "selection candidates"),
    ),
    Step(
        "score",
        score_stage,
        "score",
        makes=("teaching set", "teacher's run"),
        needs=("candidates", "evaluation candidates"),
    ),
    Step("teaching set", check_taught),
    *SIGNALS,
    Step(
        "before",
        search_before,
        "evaluate",
        makes=(
            "initial student",
            "run before training",
            "run of the documents' model",
            "runs before training on other collections",
        ),
    ),
    Step(
        "train",
        train_stage,
        "train",
        makes=("initial student", "selection candidates", "student"),
        needs=("teaching set",),
    ),
    Step(
        "evaluate",
        evaluate_stage,
        "evaluate",
        makes=(
            "initial student",
            "run before training",
            "run of the documents' model",
            "runs before training on other collections",
            "run after training",
            "runs after training on other collections",
            "metrics",
        ),
        needs=("student",),
    ),
    Step("report", report_stage, "report", needs=("metrics",)),
)


def of_verb(verb: str) -> tuple[Step, ...]:
    """The steps that a verb of the command line takes."""
    return tuple(step for step in STEPS if step.verb == verb)


def named(*names: str) -> tuple[Step, ...]:
    """Steps by their names, in the order of a run."""
    assert set(names) <= {step.name for step in STEPS}
    return tuple(step for step in STEPS if step.name in names)
