"""Load a student as a recipe names it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError
from distillir.encoding.model_options import PLAIN, ModelOptions

if TYPE_CHECKING:
    from distillir.recipe import StudentSpec

KINDS = {
    "dense": "one vector a text (any SentenceTransformer)",
    "multi-vector": "one vector a token, compared by MaxSim (late interaction: ColBERT, PyLate, MultiVectorEncoder)",
    "sparse": "a weight for each word of the vocabulary (SPLADE: any masked language model, SparseEncoder)",
}


#: What loads a student of each kind from its folder.
CLASSES = {"dense": "SentenceTransformer", "multi-vector": "MultiVectorEncoder", "sparse": "SparseEncoder"}
#: What else reads a student's folder, where not everything does.
ELSEWHERE = {
    "multi-vector": "PyLate does not read this folder; distillir export RUN --format pylate -o DIR writes one that it "
    "does.",
    "sparse": "With shared towers transformers' AutoModelForMaskedLM reads it too, as SPLADE code does.",
}


def load_student_of(spec: "StudentSpec", saved: Path | None = None, *, device: str | None = None) -> Any:
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
        return load_student(str(saved), kind=spec.kind, device=device, options=spec.saved_options)
    return load_student(
        spec.model,
        kind=spec.kind,
        layers=spec.layers,
        max_length=spec.max_length,
        towers=spec.towers,
        device=device,
        options=spec.options,
    )


def load_student(
    name: str,
    *,
    kind: str = "dense",
    layers: int | None = None,
    max_length: int | None = None,
    towers: str = "shared",
    device: str | None = None,
    options: ModelOptions = PLAIN,
) -> Any:
    """Load a sentence-transformers model of a kind, slimmed if asked.

    Args:
        name: A folder, a hub name, or a packaged model's alias (see `distillir.encoding.model_files.resolve_model`).
        kind: One of `KINDS`. A dense model becomes a multi-vector one by `distillir.students.multi_vector`; a model
            that is of the kind already stays as it is.
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
    from distillir.students.slim import slim
    from distillir.students.towers import inference_free, separate

    if towers != "shared" and options.trust_remote_code and has_own_code(name):
        raise DistillirError(
            "code that comes with a model is looked for in its folder alone, and towers are saved in folders below it",
            where="student.towers",
            remedy="leave it out",
        )
    model = _load(name, kind, device, options)
    if layers is not None:
        slim(model, layers)
    if max_length is not None:
        set_max_length(model, max_length, name)
    if towers == "inference-free":
        return inference_free(model)
    return separate(model) if towers == "separate" else model


def _load(name: str, kind: str, device: str | None, options: ModelOptions) -> Any:
    from distillir.encoding.identity import resolved_prompts
    from distillir.encoding.model_files import model_kind
    from distillir.encoding.models import load_multi_vector, load_sentence_transformer, load_sparse

    own = model_kind(name)
    if kind == own == "multi-vector":
        return load_multi_vector(name, device=device, options=options)
    if own not in ("dense", kind):
        remedy = "name an encoder" if own == "cross-encoder" else f"set student.kind to {own}, or name an encoder"
        raise DistillirError(f"is a {own} model", where=name, remedy=remedy)
    if kind == "sparse":
        return load_sparse(name, device=device, options=options)
    model = load_sentence_transformer(name, device=device, options=options)
    if kind == "multi-vector":
        from distillir.students.multi_vector import multi_vector_of

        return multi_vector_of(model, prompts=resolved_prompts(name, options))
    return model
