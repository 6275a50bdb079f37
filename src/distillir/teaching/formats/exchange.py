"""Import and export of teaching sets by the name of the format."""

import gzip
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np

from distillir.collections import Collection, Qrels
from distillir.collections.importing import ImportOptions, import_source
from distillir.errors import DistillirError
from distillir.files import atomic_directory
from distillir.progress import progress, say
from distillir.teaching.formats.colbert import FORMAT as COLBERT
from distillir.teaching.formats.flag_embedding import FORMAT as FLAG_EMBEDDING
from distillir.teaching.formats.format import Format, Settings
from distillir.teaching.formats.hard_negatives import FORMAT as HARD_NEGATIVES
from distillir.teaching.formats.lists import RowList, Unknown, distinct
from distillir.teaching.formats.margin_mse_tsv import FORMAT as MARGIN_MSE
from distillir.teaching.formats.parquet import FORMAT as PARQUET
from distillir.teaching.teaching_set import TeachingSet, open_teaching_set
from distillir.teaching.writer import TeachingWriter

FORMATS = {form.name: form for form in (COLBERT, FLAG_EMBEDDING, HARD_NEGATIVES, MARGIN_MSE, PARQUET)}


def import_teaching(
    form: str,
    source: Path | str,
    collection: Collection | None,
    output: Path | str,
    *,
    relevant: str | None = None,
    unknown: Literal["error", "skip"] = "error",
    scores: Path | str | None = None,
    systems: Sequence[str] | None = None,
    per_system: int | None = None,
) -> TeachingSet:
    """Make a teaching set of another program's file.

    Args:
        form: A name of `FORMATS`, or ``auto``.
        source: The file; for ColBERT also the folder it lies in.
        collection: Where its ids are. None where the texts are in the file or beside it: then a collection is made of
            them, in ``output/collection``.
        output: The folder to make; one that exists is replaced.
        relevant: Which candidates count as judged relevant: None as the format says, ``first`` each list's first,
            ``none`` none, or the name of a split whose qrels decide.
        unknown: ``error`` refuses ids that the collection does not have, ``skip`` leaves them out.
        scores: For ``hard-negatives``: the file with the teacher's scores.
        systems: For ``hard-negatives``: the systems whose candidates to take; None for all.
        per_system: For ``hard-negatives``: at most so many of each system.

    Returns:
        The set, opened. A document that stands twice in a list is kept once.

    Raises:
        DistillirError: The file is missing or malformed (the message names the line), or texts are missing.
    """
    place, target = Path(source).expanduser(), Path(output).expanduser()
    chosen = detect_format(place) if form == "auto" else _format(form)
    if not place.exists():
        raise DistillirError("no such file", where=place, remedy="check the path")
    settings = Settings(
        unknown=Unknown(unknown),
        scores=Path(scores).expanduser() if scores is not None else None,
        systems=tuple(systems) if systems is not None else None,
        per_system=per_system,
    )
    for name in ("scores", "systems", "per_system"):
        if getattr(settings, name) is not None and name not in chosen.settings:
            raise DistillirError(f"the format {chosen.name} takes no {name!r}", remedy="leave it out")
    with atomic_directory(target) as folder:
        kept_at = "collection" if collection is None else str(collection.path.resolve())
        found = _make_collection(chosen, place, folder / "collection") if collection is None else collection
        lists = _relevance(chosen.read(place, found, settings), relevant, found)
        _write(lists, found, folder, chosen, place, kept_at)
    if settings.unknown.count:
        say(f"left out {settings.unknown.count:,} entries with unknown ids ({place})")
    opened = open_teaching_set(target, collection)
    say(f"imported {len(opened):,} lists with {opened.info['candidates']:,} candidates from {place}")
    return opened


def export_teaching(form: str, teaching_set: TeachingSet, collection: Collection, path: Path | str) -> None:
    """Write a teaching set in another program's format.

    Args:
        form: A name of `FORMATS`.
        teaching_set: What to write.
        collection: The collection it belongs to.
        path: The file to make; for ColBERT the folder. One that exists is replaced.

    Raises:
        DistillirError: The format cannot hold the set; nothing is left half-written.
    """
    if teaching_set.info["collection"]["fingerprint"] != collection.fingerprint:
        raise DistillirError(
            f"made for collection {teaching_set.info['collection']['name']!r}, not for {collection.name!r}",
            where=teaching_set.path,
        )
    _format(form).write(teaching_set, collection, Path(path).expanduser())


def detect_format(source: Path | str) -> Format:
    """The format of a file, by its name and first line.

    Raises:
        DistillirError: None, or more than one, fits.
    """
    place = Path(source).expanduser()
    if not place.exists():
        raise DistillirError("no such file", where=place, remedy="check the path")
    fitting = [form for form in FORMATS.values() if form.recognises(place, _first_line(place))]
    if len(fitting) == 1:
        return fitting[0]
    raise DistillirError("cannot tell the format of this file", where=place, remedy=f"name it: {', '.join(FORMATS)}")


def _first_line(path: Path) -> str:
    if not path.is_file():
        return ""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            return stream.readline().decode("utf-8-sig", "replace").rstrip("\r\n")
    except (OSError, EOFError):
        return ""


def _format(name: str) -> Format:
    plain = name.lower().replace("_", "-")
    if plain not in FORMATS:
        near = get_close_matches(plain, FORMATS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise DistillirError(f"no format {name!r}", remedy=f"{hint}choose from {', '.join(FORMATS)}")
    return FORMATS[plain]


def _make_collection(form: Format, source: Path, folder: Path) -> Collection:
    texts = form.texts(source)
    if texts is None:
        raise DistillirError("holds ids and no texts", where=source, remedy="give the collection that the ids are from")
    folder.mkdir()
    import_source(texts, folder, ImportOptions())
    return Collection(folder)


def _relevance(lists: Iterable[RowList], relevant: str | None, collection: Collection) -> Iterator[RowList]:
    """The lists with the relevance that the caller asks for."""
    qrels: Qrels | None = None
    if relevant not in (None, "first", "none"):
        qrels = collection.qrels(str(relevant))
    for entry in map(distinct, lists):
        if qrels is not None:
            yield entry._replace(relevant=np.isin(entry.documents, qrels.relevant(entry.query)))
        elif relevant is not None:
            flags = np.zeros(len(entry.documents), dtype=bool)
            flags[: 1 if relevant == "first" else 0] = True
            yield entry._replace(relevant=flags)
        else:
            yield entry


def _write(
    lists: Iterator[RowList], collection: Collection, folder: Path, form: Format, source: Path, kept_at: str
) -> None:
    first = next(lists, None)
    if first is None:
        raise DistillirError("holds no list of candidates", where=source)
    has_scores = first.scores is not None
    writer = TeachingWriter(folder, collection, has_scores=has_scores)
    done = 0
    with progress(f"import {form.name}", form.count(source)) as advance:
        for entry in chain([first], lists):
            if (entry.scores is not None) != has_scores:
                raise DistillirError(
                    f"{'no scores' if has_scores else 'scores'} here, unlike the first list",
                    where=f"{source}:{entry.line}",
                    remedy="give scores everywhere or nowhere",
                )
            if entry.scores is not None and not np.isfinite(entry.scores).all():
                raise DistillirError("a score too large for float32", where=f"{source}:{entry.line}")
            writer.add(entry.query, entry.documents, entry.scores, entry.relevant)
            advance(entry.line - done)
            done = entry.line
    writer.close({"imported": {"format": form.name, "from": str(source)}}, kept_at)
