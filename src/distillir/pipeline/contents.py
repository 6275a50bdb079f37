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
    path = product.path(folder)
    if product.name in _NEVER_SEALED or not path.exists():
        return {}
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return {file.relative_to(folder.path).as_posix(): file_hash(file) for file in files if _counts(file, path)}


def _counts(file: Path, product: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(product.parent).parts)
    return file.suffix not in _FREE and not hidden


def changed_files(folder: RunFolder, product: Product, sealed: Mapping[str, str], *, whole: bool = True) -> str:
    """Name the files of a product that are not as they were made; empty where all are. New ones do not count.

    Args:
        folder: The run's.
        product: One of its products; one that was deleted as a whole is made again, and nothing is said.
        sealed: What `contents` gave when it was made.
        whole: Whether files that are gone are named too.
    """
    if not sealed or not product.path(folder).exists():
        return ""
    now = contents(folder, product)
    other = [name for name, value in sealed.items() if name in now and now[name] != value]
    gone = [name for name in sealed if whole and name not in now]
    said = [f"{_some(names)} {what}" for names, what in ((other, "changed"), (gone, "was deleted")) if names]
    return f"{' and '.join(said)} since it was made" if said else ""


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
