"""Load a student as a recipe names it."""

from typing import Any

KINDS = {"dense": "one vector a text (any SentenceTransformer)"}


def load_student(
    name: str,
    *,
    layers: int | None = None,
    max_length: int | None = None,
    towers: str = "shared",
    device: str | None = None,
) -> Any:
    """Load a SentenceTransformer, slimmed if asked.

    Args:
        name: A folder, a hub name, or a packaged model's alias (see `distillir.encoding.models.resolve_model`).
        layers: Keep this many evenly spaced transformer layers.
        max_length: Truncate texts to this many tokens.
        towers: ``separate`` makes a query and a document encoder of it (see `distillir.students.towers.separate`).
        device: A torch device; None: this process' own.

    Raises:
        DistillirError: The model cannot be loaded, or has fewer layers.
    """
    from distillir.encoding.models import load_sentence_transformer, set_max_length
    from distillir.students.slim import slim
    from distillir.students.towers import separate

    model = load_sentence_transformer(name, device=device)
    if layers is not None:
        slim(model, layers)
    if max_length is not None:
        set_max_length(model, max_length, name)
    return separate(model) if towers == "separate" else model
