"""Load a student as a recipe names it."""

from typing import Any

from distillir.errors import DistillirError

KINDS = {"dense": "one vector a text (any SentenceTransformer)"}


def load_student(
    name: str, *, layers: int | None = None, max_length: int | None = None, device: str | None = None
) -> Any:
    """Load a SentenceTransformer, slimmed if asked.

    Args:
        name: A folder, a hub name, or a packaged model's alias (see `distillir.encoding.models.resolve_model`).
        layers: Keep this many evenly spaced transformer layers.
        max_length: Truncate texts to this many tokens.
        device: A torch device; None lets sentence-transformers choose.

    Raises:
        DistillirError: The model cannot be loaded, or has fewer layers.
    """
    from sentence_transformers import SentenceTransformer

    from distillir.encoding.models import resolve_model
    from distillir.students.slim import slim

    path = resolve_model(name)
    try:
        model = SentenceTransformer(path, device=device)
    except (OSError, ValueError) as error:
        raise DistillirError(f"cannot be loaded ({error})", where=f"student {name}") from None
    if layers is not None:
        slim(model, layers)
    if max_length is not None:
        limit = model.get_max_seq_length() if hasattr(model, "get_max_seq_length") else model.max_seq_length
        positions = getattr(getattr(model[0], "auto_model", None), "config", None)
        ceiling = getattr(positions, "max_position_embeddings", None) or limit
        if ceiling is not None and max_length > ceiling:
            raise DistillirError(
                f"max_length {max_length} is more than the model's {ceiling} positions",
                where="student.max_length",
                remedy=f"choose at most {ceiling}",
            )
        model.max_seq_length = max_length
    return model
