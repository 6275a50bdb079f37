"""The files of a run's products as they were made: what was changed afterwards is neither measured nor learnt from."""

from collections.abc import Mapping
from pathlib import Path

from distillir.encoding.fingerprint import file_hash
from distillir.pipeline.products import Product
from distillir.pipeline.run_folder import RunFolder

#: Measures are computed anew by each evaluation, from rankings whose content is known.
_NEVER_SEALED = ("metrics",)
#: People may write into the card of a model.
_FREE = (".md",)


def contents(folder: RunFolder, product: Product) -> dict[str, str]:
    """Hash of each file of a finished product by its path in the run folder; empty where it is not there."""
    if product.name in _NEVER_SEALED:
        return {}
    parts = [product.path(folder)] if product.parts is None else product.parts(folder)
    return {file.relative_to(folder.path).as_posix(): file_hash(file) for part in parts for file in _files(part)}


def _files(part: Path) -> list[Path]:
    if part.is_file():
        return [part]
    inside = [(file, file.relative_to(part)) for file in sorted(part.rglob("*")) if file.is_file()]
    return [
        file
        for file, name in inside
        if file.suffix not in _FREE and not any(folder.startswith(".") for folder in name.parts)
    ]


def changed_files(folder: RunFolder, product: Product, sealed: Mapping[str, str]) -> str:
    """Name the files of a product that are not as they were made; empty where all are. New ones do not count.

    Args:
        folder: The run's.
        product: One of its products; one that was deleted as a whole is made again, and nothing is said.
        sealed: What `contents` gave when it was made.
    """
    if not sealed or not product.path(folder).exists():
        return ""
    now = contents(folder, product)
    other = [name for name, value in sealed.items() if name in now and now[name] != value]
    gone = [name for name in sealed if not product.piecewise and name not in now]
    said = [f"{_some(names)} {what}" for names, what in ((other, "changed"), (gone, "was deleted")) if names]
    return f"{' and '.join(said)} since it was made" if said else ""


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
