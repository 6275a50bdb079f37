"""Load a student as a recipe names it."""

from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.students.kind import StudentKind
from distillir.students.registry import student_kind
from distillir.students.spec import StudentSpec


def load_student_of(spec: StudentSpec, saved: Path | None = None, *, device: str | None = None) -> Any:
    """Load the student of a recipe.

    Args:
        spec: A recipe's ``student``.
        saved: A folder that a run saved it in: layers, length, towers and prompts are in it already, and code of its
            own runs if the recipe allows it. None: the model that the student starts from.
        device: A torch device; None: this process' own.

    Raises:
        DistillirError: As `load_student`.
    """
    if saved is not None:
        return load_student(str(saved), kind=spec.own_kind, device=device, options=spec.saved_options)
    return load_student(
        spec.model,
        kind=spec.own_kind,
        layers=spec.layers,
        max_length=spec.max_length,
        towers=spec.towers,
        device=device,
        options=spec.options,
    )


def load_student(
    name: str,
    *,
    kind: str | StudentKind = "dense",
    layers: int | None = None,
    max_length: int | None = None,
    towers: str = "shared",
    device: str | None = None,
    options: ModelOptions = PLAIN,
) -> Any:
    """Load a sentence-transformers model of a kind, slimmed if asked.

    Args:
        name: A folder, a hub name, or a packaged model's alias (see `distillir.encoding.model_files.resolve_model`).
        kind: A kind, or its name in `distillir.students.registry.STUDENTS`. What is of the kind already stays as it is;
            see `StudentKind.start` for what else it can be made of.
        layers: Keep this many evenly spaced transformer layers.
        max_length: Truncate texts to this many tokens.
        towers: ``separate`` makes a query and a document encoder of it, ``inference-free`` (sparse) a table of words'
            weights for queries (see `distillir.students.towers`).
        device: A torch device; None: this process' own.
        options: Its prompts, which it is saved with, and whether code of its own may run.

    Raises:
        DistillirError: The model cannot be loaded, is of another kind, or has fewer layers.
    """
    from distillir.encoding.identity import has_own_code
    from distillir.encoding.positions import set_max_length
    from distillir.students.loaded import mark

    if towers != "shared" and options.trust_remote_code and has_own_code(name):
        raise DistillirError(
            "code that comes with a model is looked for in its folder alone, and towers are saved in folders below it",
            where="student.towers",
            remedy="leave it out",
        )
    own = student_kind(kind) if isinstance(kind, str) else kind
    model = own.start(name, device=device, options=options)
    _check_trainable(model, name)
    if layers is not None:
        own.slim(model, layers)
    if max_length is not None:
        set_max_length(model, max_length, name)
    return mark(own.with_towers(model, towers), own)


def _check_trainable(model: Any, name: str) -> None:
    """Refuse a model of static embeddings (a vector for each token, averaged).

    Raises:
        DistillirError: It is one.
    """
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    if any(isinstance(module, StaticEmbedding) for module in model.modules()):
        raise DistillirError(
            "is a table of static embeddings, and a student must be a transformer",
            where=name,
            remedy="name another student; as a source, as a teacher and of kept documents static embeddings are fine",
        )
