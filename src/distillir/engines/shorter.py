"""Shorter vectors: the first numbers of each, where a model was trained for that (Matryoshka)."""

import re
from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.encoding.model_files import resolve_model
from distillir.engines.source import IndexSource

_DIMENSIONS = re.compile(r'"?matryoshka_dims"?\s*:\s*\[([^\]]*)\]')


def check_dimensions(source: IndexSource, dimensions: int | None) -> None:
    """Refuse shorter vectors where there are none.

    Args:
        source: Whose vectors.
        dimensions: The first so many numbers; None: all.

    Raises:
        DistillirError: The vectors are no dense ones, or the number is below 1.
    """
    if dimensions is None:
        return
    if source.encoding != "dense":
        raise DistillirError(
            f"only dense vectors can be cut, and these are {source.encoding}",
            where="--dimensions",
            remedy="leave it out",
        )
    if dimensions < 1:
        raise DistillirError(f"{dimensions} numbers of a vector", where="--dimensions", remedy="give 1 or more")


def tell_dimensions(source: IndexSource, dimensions: int | None) -> None:
    """Warn where nothing says that a model was trained for shorter vectors; arguments as `check_dimensions`."""
    if dimensions is None:
        return
    known = trained_dimensions(source.model)
    if known is None:
        say(
            f"--dimensions {dimensions}: nothing in the card of {source.model} says that it was trained for shorter "
            "vectors (Matryoshka); compare its measures with those of an index without --dimensions"
        )
    elif known and dimensions not in known:
        say(f"--dimensions {dimensions}: {source.model} was trained for {', '.join(map(str, known))}")


def trained_dimensions(model: str) -> list[int] | None:
    """Widths that a model was trained for by MatryoshkaLoss, by its card; empty where the card does not list them.

    Args:
        model: Its folder or name.

    Returns:
        None where no card names that loss.
    """
    try:
        folder = Path(resolve_model(model))
    except DistillirError:
        return None
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    if "MatryoshkaLoss" not in text:
        return None
    found = _DIMENSIONS.search(text)
    return [int(number) for number in re.findall(r"\d+", found.group(1))] if found else []
