"""Import and export of teaching sets by the name of the format."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np

from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory
from distillir.base.progress import progress, say
from distillir.collections import Collection
from distillir.collections.importing import ImportOptions, import_source
from distillir.teaching.diagnosis import say_set
from distillir.teaching.formats.account import with_relevance
from distillir.teaching.formats.colbert import FORMAT as COLBERT
from distillir.teaching.formats.detect import fitting, refuse
from distillir.teaching.formats.flag_embedding import FORMAT as FLAG_EMBEDDING
from distillir.teaching.formats.format import Format, Settings
from distillir.teaching.formats.gpl import FORMAT as GPL
from distillir.teaching.formats.hard_negatives import FORMAT as HARD_NEGATIVES
from distillir.teaching.formats.lists import RowList, Unknown
from distillir.teaching.formats.margin_mse_tsv import FORMAT as MARGIN_MSE
from distillir.teaching.formats.parquet import FORMAT as PARQUET
from distillir.teaching.formats.passages import DPR, RANK_LLM, SIMLM, TEVATRON
from distillir.teaching.formats.pylate_lists import FORMAT as PYLATE
from distillir.teaching.formats.triplets import FORMAT as TRIPLETS
from distillir.teaching.teaching_set import TeachingSet, open_teaching_set
from distillir.teaching.writer import TeachingWriter

_ALL = (
    COLBERT, FLAG_EMBEDDING, HARD_NEGATIVES, MARGIN_MSE, PARQUET, GPL, TEVATRON, DPR, SIMLM, RANK_LLM, PYLATE, TRIPLETS
)  # fmt: skip
FORMATS = {form.name: form for form in _ALL}


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
    prompts: Literal["drop", "keep"] = "drop",
    skip_empty: bool = False,
    skip_unscored: bool = False,
) -> TeachingSet:
    """Make a teaching set of another program's file, and say which parts of it were read and passed over.

    Args:
        form: A name of `FORMATS`, or ``auto``.
        source: The file; for ColBERT and PyLate also the folder it lies in, for JSON lines a folder of such files.
        collection: Where its ids (or, where it has none, its texts) are. None where the texts are in the file or
            beside it: then a collection is made of them, in ``output/collection``.
        output: The folder to make; one that exists is replaced.
        relevant: Which candidates count as judged relevant: None as the format says, ``first`` each list's first,
            ``none`` none, or the name of a split whose qrels decide.
        unknown: ``error`` refuses ids that the collection does not have, ``skip`` leaves them out.
        scores: For ``hard-negatives``: the file with the teacher's scores.
        systems: For ``hard-negatives``: the systems whose candidates to take; None for all.
        per_system: For ``hard-negatives``: at most so many of each system.
        prompts: ``keep`` puts a line's prompt before its query, where the collection is made of the file.
        skip_empty: Leave out empty texts, and do not refuse them.
        skip_unscored: Leave out lists without scores in a file where others have them.

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
        keep_prompts=prompts == "keep",
        skip_empty=skip_empty,
        own_texts=collection is None or collection.source == str(place),
    )
    settings.tally.prompts_kept = settings.keep_prompts
    for name in ("scores", "systems", "per_system"):
        if getattr(settings, name) is not None and name not in chosen.settings:
            raise DistillirError(f"the format {chosen.name} takes no {name!r}", remedy="leave it out")
    if settings.keep_prompts and collection is not None:
        raise DistillirError(
            "prompts cannot be kept: the queries are those of the given collection",
            where=place,
            remedy="leave the collection out, or give the student a prompt (student.prompts)",
        )
    try:
        with atomic_directory(target) as folder:
            kept_at = "collection" if collection is None else str(collection.path.resolve())
            found = collection or _make_collection(chosen, place, folder / "collection", settings)
            lists = with_relevance(chosen.read(place, found, settings), relevant, found, settings.tally)
            _write(lists, found, folder, chosen, place, kept_at, settings, skip_unscored)
    except DistillirError as error:
        raise _named_rightly(error, chosen, place) from None
    settings.tally.say()
    if settings.unknown.count:
        say(f"left out {settings.unknown.count:,} entries with unknown ids ({place})")
    opened = open_teaching_set(target, collection)
    say(f"imported {len(opened):,} lists with {opened.info['candidates']:,} candidates from {place}")
    say_set(opened)
    return opened


def export_teaching(form: str, teaching_set: TeachingSet, collection: Collection, path: Path | str) -> None:
    """Write a teaching set in another program's format.

    Args:
        form: A name of `FORMATS` that can be written.
        teaching_set: What to write.
        collection: The collection it belongs to.
        path: The file to make; for ColBERT the folder. One that exists is replaced.

    Raises:
        DistillirError: The format cannot hold the set, or is read only; nothing is left half-written.
    """
    if teaching_set.info["collection"]["fingerprint"] != collection.fingerprint:
        raise DistillirError(
            f"made for collection {teaching_set.info['collection']['name']!r}, not for {collection.name!r}",
            where=teaching_set.path,
        )
    chosen = _format(form)
    if chosen.write is None:
        raise DistillirError(
            f"the format {chosen.name} is read and not written", remedy=f"choose from {', '.join(writable())}"
        )
    chosen.write(teaching_set, collection, Path(path).expanduser())


def writable() -> list[str]:
    """Names of the formats that can be written."""
    return [name for name, form in FORMATS.items() if form.write is not None]


def detect_format(source: Path | str) -> Format:
    """The format of a file or folder, by its name, first line and first record.

    Raises:
        DistillirError: None, or more than one, fits; the message names what was seen and the nearest.
    """
    place = Path(source).expanduser()
    if not place.exists():
        raise DistillirError("no such file", where=place, remedy="check the path")
    found = fitting(place, _ALL)
    if len(found) == 1:
        return found[0]
    raise refuse(place, found, _ALL)


def _named_rightly(error: DistillirError, chosen: Format, place: Path) -> DistillirError:
    """Add to an error the format that the file has, where another one was named."""
    right = fitting(place, _ALL)
    if not right or chosen in right:
        return error
    said = f"this is no {chosen.name} file: its form is that of {right[0].name}"
    return DistillirError(f"{error.what} ({said})", where=error.where, remedy=f"import with --format {right[0].name}")


def _format(name: str) -> Format:
    plain = name.lower().replace("_", "-")
    if plain not in FORMATS:
        near = get_close_matches(plain, FORMATS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise DistillirError(f"no format {name!r}", remedy=f"{hint}choose from {', '.join(FORMATS)}")
    return FORMATS[plain]


def _make_collection(form: Format, source: Path, folder: Path, settings: Settings) -> Collection:
    texts = form.texts(source, settings)
    if texts is None:
        raise DistillirError("holds ids and no texts", where=source, remedy="give the collection that the ids are from")
    folder.mkdir()
    import_source(texts, folder, ImportOptions())
    return Collection(folder)


def _write(
    lists: Iterator[RowList],
    collection: Collection,
    folder: Path,
    form: Format,
    source: Path,
    kept_at: str,
    settings: Settings,
    skip_unscored: bool,
) -> None:
    tally = settings.tally
    if skip_unscored:
        lists = _scored_only(lists, settings)
    first = next(lists, None)
    if first is None:
        raise DistillirError("holds no list of candidates", where=source, remedy=f"a line of it is: {form.expected}")
    has_scores = first.scores is not None
    writer = TeachingWriter(folder, collection, has_scores=has_scores)
    seen: set[int] = set()
    done = 0
    with progress(f"import {form.name}", form.count(source)) as advance:
        for entry in chain([first], lists):
            if (entry.scores is not None) != has_scores:
                raise DistillirError(
                    f"{'no scores' if has_scores else 'scores'} here, unlike the first list",
                    where=entry.where,
                    remedy="give scores everywhere or nowhere, or leave lists without scores out: --skip-unscored",
                )
            if entry.scores is not None and not np.isfinite(entry.scores).all():
                raise DistillirError("a score too large for float32", where=entry.where)
            writer.add(entry.query, entry.documents, entry.scores, entry.relevant)
            tally.note("{} lists are further lists of a query that has one: each is learnt from", entry.query in seen)
            seen.add(entry.query)
            advance(max(0, entry.line - done))
            done = entry.line
    writer.close({"imported": {"format": form.name, "from": str(source), **tally.facts()}}, kept_at)


def _scored_only(lists: Iterator[RowList], settings: Settings) -> Iterator[RowList]:
    for entry in lists:
        if entry.scores is not None:
            yield entry
        else:
            settings.tally.note("left out {} lists without scores (--skip-unscored)")
