"""Load a student as a recipe names it."""

from typing import Any

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


def load_student(
    name: str,
    *,
    kind: str = "dense",
    layers: int | None = None,
    max_length: int | None = None,
    towers: str = "shared",
    device: str | None = None,
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

    Raises:
        DistillirError: The model cannot be loaded, is of another kind, or has fewer layers.
    """
    from distillir.encoding.models import set_max_length
    from distillir.students.slim import slim
    from distillir.students.towers import inference_free, separate

    model = _load(name, kind, device)
    if layers is not None:
        slim(model, layers)
    if max_length is not None:
        set_max_length(model, max_length, name)
    if towers == "inference-free":
        return inference_free(model)
    return separate(model) if towers == "separate" else model


def _load(name: str, kind: str, device: str | None) -> Any:
    from distillir.encoding.model_files import model_kind
    from distillir.encoding.models import load_multi_vector, load_sentence_transformer, load_sparse
    from distillir.errors import DistillirError

    own = model_kind(name)
    if kind == own == "multi-vector":
        return load_multi_vector(name, device=device)
    if own not in ("dense", kind):
        remedy = "name an encoder" if own == "cross-encoder" else f"set student.kind to {own}, or name an encoder"
        raise DistillirError(f"is a {own} model", where=name, remedy=remedy)
    if kind == "sparse":
        return load_sparse(name, device=device)
    model = load_sentence_transformer(name, device=device)
    if kind == "multi-vector":
        from distillir.students.multi_vector import multi_vector_of

        return multi_vector_of(model)
    return model
