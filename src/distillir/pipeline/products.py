"""The products of a run: files and folders, the order they are made in, and the recipe keys each depends on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from distillir.composition.compose import compose
from distillir.pipeline.run_folder import RunFolder
from distillir.signals.registry import built_in

#: The verbs that make products, in the order of a run.
VERBS = ("mine", "score", "train", "evaluate")
#: Name and folder of the answers of signals that have no name of their own, and of their facts.
OTHER_SIGNALS = "signals"
#: Whether a query's own document is a candidate: of everything that ranks or is ranked.
OWN = "queries.own_document"


@dataclass(frozen=True)
class Product:
    """Something that a stage leaves in the run folder.

    Attributes:
        name: Its key in ``provenance.json``.
        verb: The verb of the command line that makes it.
        paths: Everything it is on disk. The first one is the product, the others are its work and by-products.
        after: Products it is made from.
        keys: Recipe keys it depends on directly; a key covers all keys below it.
        facts: Noted facts of a run that are its own.
        seconds: Timed stages that are its own.
        parts: What of it is sealed (`distillir.pipeline.contents`); None: its first path.
        piecewise: Whether parts that were deleted are made again by themselves.
        version: Raised when what the stage makes of the same inputs changes.
        wanted: Whether the recipe of a run has it made.
        ranks: Whether a student makes it that may rank the evaluation candidates in place of searching.
    """

    name: str
    verb: str
    paths: Callable[[RunFolder], Sequence[Path]]
    after: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    seconds: tuple[str, ...] = ()
    parts: Callable[[RunFolder], Sequence[Path]] | None = None
    piecewise: bool = False
    version: int = 1
    wanted: Callable[[RunFolder], bool] = lambda folder: True
    ranks: bool = False

    def made_from(self, folder: RunFolder) -> tuple[str, ...]:
        """Products it is made from in a run."""
        ranked = self.ranks and not folder.recipe.student.own_kind.searches
        return (*self.after, "evaluation candidates") if ranked else self.after

    def path(self, folder: RunFolder) -> Path:
        """Path of the product."""
        return self.paths(folder)[0]

    def present(self, folder: RunFolder) -> bool:
        """Tell whether the product, or a part of the work on it, is there."""
        return any(path.exists() for path in self.paths(folder))


#: Answers of signals by what they are called: those of kinds without a name of their own lie in one folder.
SIGNAL_FOLDERS = {kind.product: kind.folder for kind in built_in()} | {OTHER_SIGNALS: OTHER_SIGNALS}


def _student_paths(folder: RunFolder) -> list[Path]:
    """The student, and what its training leaves: models trained along, logs, checkpoints, later rounds' candidates."""
    left = [path for kind in built_in() for path in kind.leaves]
    numbered = [f"{name}-*" for name in ("student", "teaching", "candidates", *left, *SIGNAL_FOLDERS.values())]
    work = [path for pattern in (*numbered, "checkpoints*") for path in sorted(folder.work.glob(pattern))]
    return [folder.student, *(folder.path / path for path in left), folder.log, *work]


def _signal_products() -> list[Product]:
    """Answers of the signals, whose files carry the identity of what they were made from in themselves."""
    found = []
    for name, own in SIGNAL_FOLDERS.items():
        kinds = [kind for kind in built_in() if kind.product == name]
        found.append(
            Product(
                name,
                "score",
                partial(_at, own),
                piecewise=True,
                after=kinds[0].after if kinds else ("teaching set", "initial student"),
                facts=tuple(fact for kind in kinds for fact in kind.facts if fact not in kind.stage_facts) or (own,),
                seconds=(own,),
                wanted=partial(_wants, name),
            )
        )
    return found


def _wants(product: str, folder: RunFolder) -> bool:
    return any(signal.kind.product == product for signal in compose(folder.recipe).signals)


def needs_lists(folder: RunFolder) -> bool:
    """Tell whether anything in the recipe of a run learns from candidates, so that they are mined and scored."""
    return compose(folder.recipe).needs_lists


def _judged_or_taught(folder: RunFolder) -> bool:
    """Tell whether the teacher ranks evaluation queries: beside what it teaches, or since nobody else judges them."""
    return needs_lists(folder) or folder.recipe.evaluation.split is None


def _at(name: str, folder: RunFolder) -> list[Path]:
    return [folder.path / name]


def _others_after(folder: RunFolder) -> list[Path]:
    """Rankings of the trained student on other collections; the folder's name where there is none."""
    return sorted(folder.other_runs.glob("*/after.trec")) or [folder.other_runs / "after.trec"]


#: What candidates depend on, of whatever queries.
_MINED = ("collection", "queries", OWN, "candidates", "evaluation.held_out", "evaluation.split")

#: What searches of other collections depend on.
_ALSO = ("evaluation.also", "evaluation.depth", "evaluation.precision", OWN)

#: In the order in which `run` makes them.
PRODUCTS = (
    Product("initial student", "mine", lambda folder: [folder.initial_student], keys=("student",)),
    Product(
        "candidates",
        "mine",
        lambda folder: [folder.candidates],
        after=("initial student",),
        keys=_MINED,
        facts=("mining",),
        seconds=("mine",),
        wanted=lambda folder: folder.recipe.teaching is None and needs_lists(folder),
    ),
    Product(
        "evaluation candidates",
        "mine",
        lambda folder: [folder.evaluation_candidates],
        after=("initial student",),
        keys=(*_MINED, "evaluation.depth", "evaluation.teacher_depth"),
        wanted=lambda folder: (
            folder.recipe.teaching is None
            and (_judged_or_taught(folder) or not folder.recipe.student.own_kind.searches)
        ),
    ),
    Product(
        "selection candidates",
        "mine",
        lambda folder: [folder.selection_candidates],
        after=("initial student",),
        keys=(*_MINED, "teaching", "training.select", "training.select_queries"),
    ),
    Product(
        "teaching set",
        "score",
        lambda folder: [folder.teaching],
        after=("candidates",),
        keys=("teacher", "teaching", "candidates.guard", "queries.round_trip", OWN),
        facts=("diagnostics", "teacher_calls", "generated"),
        seconds=("score",),
        wanted=needs_lists,
    ),
    Product(
        "teacher's run",
        "score",
        lambda folder: [folder.teacher_run],
        after=("evaluation candidates",),
        keys=("teacher", "teaching", OWN),
        wanted=lambda folder: (
            folder.recipe.teacher is not None and folder.recipe.teaching is None and _judged_or_taught(folder)
        ),
    ),
    *_signal_products(),
    Product(
        "run before training",
        "evaluate",
        lambda folder: [folder.before_run],
        after=("initial student",),
        keys=("evaluation.split", "evaluation.held_out", "evaluation.depth", "evaluation.precision", OWN),
        seconds=("evaluate before",),
        ranks=True,
    ),
    Product(
        "run of the documents' model",
        "evaluate",
        lambda folder: [folder.documents_run],
        after=("initial student",),
        keys=("evaluation.split", "evaluation.held_out", "evaluation.depth", "evaluation.precision", OWN),
        seconds=("evaluate documents",),
        wanted=lambda folder: bool(folder.recipe.student.own_kind.kept()),
    ),
    # Whatever changes these changes the runs after training too, which lie in the same folders.
    Product(
        "runs before training on other collections",
        "evaluate",
        lambda folder: [folder.other_runs],
        after=("initial student",),
        keys=_ALSO,
        parts=lambda folder: sorted(folder.other_runs.glob("*/before.trec")),
        piecewise=True,
        seconds=("also before", "also after"),
    ),
    Product(
        "student",
        "train",
        _student_paths,
        after=("initial student", "selection candidates", "teaching set", *SIGNAL_FOLDERS),
        keys=(
            *("method", "objective", "training", "training.select", "training.select_queries", "seed", "student.flops"),
        ),
        facts=(*(fact for kind in built_in() for fact in kind.stage_facts), "rounds", "selection"),
        seconds=("train", "evaluate rounds"),
    ),
    Product(
        "run after training",
        "evaluate",
        lambda folder: [folder.after_run],
        after=("student",),
        keys=("evaluation.split", "evaluation.held_out", "evaluation.depth", "evaluation.precision", OWN),
        seconds=("evaluate after",),
        ranks=True,
    ),
    Product(
        "runs after training on other collections",
        "evaluate",
        _others_after,
        after=("student",),
        keys=_ALSO,
        parts=_others_after,
        piecewise=True,
        seconds=("also after",),
    ),
    Product(
        "metrics",
        "evaluate",
        lambda folder: [folder.metrics, folder.report, folder.path / "layer_quality.json"],
        after=(
            "teacher's run",
            "run before training",
            "run of the documents' model",
            "run after training",
            "runs before training on other collections",
            "runs after training on other collections",
        ),
        keys=("evaluation", "evaluation.also"),
        facts=("kept",),
        seconds=("layer quality",),
    ),
)
BY_NAME = {product.name: product for product in PRODUCTS}
