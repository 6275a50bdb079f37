"""Parsing of a recipe's ``collection:`` into the source that it names."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.collections.file_forms import refuse_by_name
from distillir.collections.file_source import folder_source, named_files
from distillir.collections.importing import ImportOptions
from distillir.collections.kind import COLLECTIONS, KINDS
from distillir.collections.source import Source

KEYS = ("path", "documents", "corpus", "queries", "qrels", "name", "empty", "unknown", "splits")
FORMS = (
    "give stdlib, irds:<dataset id>, hf:<repository>, the path of a BEIR or MS MARCO folder or of an imported "
    "collection, or a mapping with documents, queries and qrels"
)


@dataclass(frozen=True)
class ParsedSpec:
    """A source and how to import it."""

    source: Source
    options: ImportOptions


def parse_spec(spec: str | Path | Mapping[str, Any]) -> ParsedSpec | Path:
    """Find the source that a spec names; none of its texts is read.

    Returns:
        The source, or the path of a collection that is imported already.

    Raises:
        DistillirError: The spec has an unknown key or value, or what it names is missing.
    """
    if not isinstance(spec, Mapping):
        return _named(str(spec), ImportOptions())
    if len(spec) == 1 and next(iter(spec)) not in KEYS and COLLECTIONS.knows(next(iter(spec))):
        return _opened(spec, ImportOptions())
    _check_keys(spec)
    options = ImportOptions(
        empty=_choice(spec, "empty"), unknown=_choice(spec, "unknown"), splits=_splits(spec.get("splits"))
    )
    name = spec.get("name")
    if "path" in spec:
        parsed = _named(str(spec["path"]), options)
        if isinstance(parsed, ParsedSpec) and name:
            parsed.source.name = str(name)
        return parsed
    source = named_files(
        _files(spec, "corpus" if "corpus" in spec else "documents"),
        _files(spec, "queries") if spec.get("queries") else {},
        _files(spec, "qrels") if spec.get("qrels") else {},
        str(name) if name else None,
    )
    return ParsedSpec(source, options)


def check_own_kind(spec: str | Mapping[str, Any], where: str) -> None:
    """Check a kind from outside the package that a recipe names, options and all; any other form is passed over.

    Args:
        spec: As in `parse_spec`.
        where: What messages call the place.

    Raises:
        DistillirError: There is no such kind, its code may not run, or an option cannot be.
    """
    form = spec["path"] if isinstance(spec, Mapping) and "path" in spec else spec
    name = next(iter(form), None) if isinstance(form, Mapping) and len(form) == 1 else form
    known = (*KEYS, *COLLECTIONS.builtin())
    if not isinstance(name, str) or name.partition(":")[0] in known or not COLLECTIONS.knows(name):
        return
    if isinstance(form, Mapping) or not Path(name).exists():
        KINDS.read(form, where)


def _named(spec: str, options: ImportOptions) -> ParsedSpec | Path:
    name, _, rest = spec.partition(":")
    builtin = COLLECTIONS.builtin()
    if spec in builtin and builtin[spec].stands_alone:
        return _opened(spec, options)
    if rest and name in builtin and builtin[name].main is not None:
        return _opened({name: rest}, options)
    folder = Path(spec).expanduser()
    if (folder / "info.json").is_file():
        return folder
    if folder.is_dir():
        return ParsedSpec(folder_source(folder), options)
    if folder.exists():
        refuse_by_name(folder)
        remedy = "unpack it, and give the folder" if folder.suffix in (".zip", ".gz") else FORMS
        raise DistillirError("is a file where a folder is expected", where=folder, remedy=remedy)
    if COLLECTIONS.knows(spec):
        return _opened(spec, options)
    if rest and COLLECTIONS.knows(name):
        return _opened({name: rest}, options)
    if difflib.get_close_matches(spec, ["stdlib"], n=1, cutoff=0.7):
        raise DistillirError(f"no collection {spec!r}", remedy="did you mean stdlib?")
    raise DistillirError("no such folder", where=spec, remedy=FORMS)


def _opened(form: str | Mapping[str, Any], options: ImportOptions) -> ParsedSpec:
    """The source of a kind that is named."""
    chosen = KINDS.read(form, "collection")
    return ParsedSpec(chosen.kind.open(chosen.options, options), options)


def _check_keys(spec: Mapping[str, Any]) -> None:
    for key in spec:
        if key not in KEYS:
            near = difflib.get_close_matches(str(key), KEYS, n=1)
            remedy = f"did you mean {near[0]!r}?" if near else f"choose from: {', '.join(KEYS)}"
            raise DistillirError(f"unknown key {key!r}", where="collection", remedy=remedy)
    if "path" in spec and (clash := sorted({"documents", "corpus", "queries", "qrels"} & set(spec))):
        raise DistillirError(f"both 'path' and {clash[0]!r}", where="collection", remedy="give one of the two")
    if "corpus" in spec and "documents" in spec:
        raise DistillirError("both 'corpus' and 'documents'", where="collection", remedy="they mean the same: give one")
    if "path" not in spec and not {"corpus", "documents"} & set(spec):
        raise DistillirError("neither 'path' nor 'documents'", where="collection", remedy=FORMS)
    if spec.get("qrels") and not spec.get("queries") and "path" not in spec:
        raise DistillirError("'qrels' without 'queries'", where="collection", remedy="name the file of the queries too")


def _files(spec: Mapping[str, Any], key: str) -> Any:
    """A file, a list of files, or a file for each split; ``documents`` and ``corpus`` have no splits."""
    value = spec.get(key)
    single = key in ("documents", "corpus")
    if isinstance(value, str | Path) and str(value):
        return str(value)
    if isinstance(value, list | tuple) and value and all(isinstance(f, str | Path) for f in value):
        return [str(file) for file in value]
    if isinstance(value, Mapping) and not single and all(isinstance(f, str | Path) for f in value.values()):
        return {str(split): str(file) for split, file in value.items()}
    expected = "a file or a list of files" if single else "a file, a list of files, or a mapping of split to file"
    raise DistillirError(f"{value!r} where {expected} is expected", where=f"collection.{key}", remedy="give the path")


def _choice(spec: Mapping[str, Any], key: str) -> Any:
    value = spec.get(key, "error")
    if value not in ("error", "skip"):
        raise DistillirError(f"{value!r} is no choice", where=f"collection.{key}", remedy="choose error or skip")
    return value


def _splits(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple) or not value or not all(isinstance(split, str) for split in value):
        raise DistillirError(
            f"{value!r} where a list of splits is expected", where="collection.splits", remedy="as [train, test]"
        )
    return tuple(split.replace("/", "-") for split in value)
