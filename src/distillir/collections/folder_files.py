"""Files of a folder by their names: corpus, queries, judgements, and those that only look like one of these."""

import re
from collections.abc import Iterator
from pathlib import Path

from distillir.base.compressed import COMPRESSIONS, plain_name
from distillir.base.errors import DistillirError
from distillir.collections.file_forms import JUDGEMENT_SUFFIXES, SUFFIXES, is_readable

CORPUS_STEMS = ("corpus", "collection", "documents", "docs", "passages")
QUERY_STEMS = ("queries", "topics", "questions")
_SHARD = re.compile(r"[-_.]?(?:part|shard)?[-_.]?(\d+)(?:[-_]of[-_](\d+))?$")
_LOOKS_LIKE = re.compile(
    r"(corpus|collections?|documents?|docs|passages|quer(y|ies)|topics?|questions?|examples?|qas|qrels?|judge?ments?|"
    r"train|dev|test|validation)"
    r"(?![a-z])",
    re.IGNORECASE,
)
#: Endings of what lies beside data and is none.
_BESIDE = {".md", ".rst", ".py", ".sh", ".html", ".png", ".yaml", ".yml", ".toml", ".log", ".lock", ".map", ".bib"}
_SHOWN = 8


def find_single(folder: Path, stem: str, suffixes: tuple[str, ...] = tuple(SUFFIXES)) -> Path | None:
    """The file ``<stem><suffix>`` of a folder, plain before compressed where both exist; None where there is none."""
    names = (f"{stem}{suffix}{packed}" for suffix in suffixes for packed in ("", *COMPRESSIONS))
    return next((folder / name for name in names if (folder / name).is_file()), None)


def find_corpus(folder: Path) -> list[Path]:
    """The file or files of the corpus; empty where there are none.

    ``corpus.jsonl`` (BEIR) and ``collection.tsv`` (MS MARCO) come first, then other names and forms, then a corpus in
    several numbered files, here or in a folder ``corpus``.

    Raises:
        DistillirError: A numbered file is missing.
    """
    for stem, suffixes in (
        ("corpus", (".jsonl",)),
        ("collection", (".tsv",)),
        *((s, tuple(SUFFIXES)) for s in CORPUS_STEMS),
    ):
        if single := find_single(folder, stem, suffixes):
            return [single]
    for stem in CORPUS_STEMS:
        if found := _shards(folder, stem) or (readable_files(folder / stem) if (folder / stem).is_dir() else []):
            return found
    return []


def readable_files(folder: Path, *, judgements: bool = False) -> list[Path]:
    """The files of a folder whose form is read, in the order of the numbers in their names.

    Raises:
        DistillirError: Names say how many there are (``00001-of-00004``), and some are missing.
    """
    found = [file for file in _files(folder) if is_readable(file, judgements=judgements)]
    _refuse_gaps(folder, [_SHARD.search(stem_of(file)) for file in found], must_be_numbered=False)
    return sorted(found, key=_natural)


def stem_of(file: Path) -> str:
    """The name without the endings of form and compression: ``queries.dev.small`` of ``queries.dev.small.tsv.gz``."""
    plain = plain_name(file)
    known = plain.suffix.lower() in SUFFIXES or plain.suffix.lower() in JUDGEMENT_SUFFIXES
    return plain.stem if known else plain.name


def split_of(file: Path, *prefixes: str) -> str:
    """The split in a file's name: ``dev.small`` of ``qrels.dev.small.tsv``; empty where there is none."""
    stem = re.sub(r"[-_]\d+[-_]of[-_]\d+$", "", stem_of(file))
    for prefix in prefixes:
        stem = stem.removeprefix(prefix)
    return stem.lstrip(".-_")


def by_split(folder: Path, *prefixes: str, judgements: bool = False) -> list[tuple[str, Path]]:
    """Files ``<prefix>.<split>.<ending>`` by split (empty for none), plain before compressed where both exist."""
    chosen: dict[str, Path] = {}
    for file in sorted(_files(folder), key=lambda file: file.name):
        prefix = next((p for p in prefixes if re.match(rf"{p}([.\-_]|$)", stem_of(file))), None)
        if prefix is not None and is_readable(file, judgements=judgements):
            chosen.setdefault(plain_name(file).name, file)
    return [(split_of(file, *prefixes), file) for _, file in sorted(chosen.items())]


def passed_over(folder: Path, read: list[Path]) -> list[str]:
    """Names of files that look like a part of the collection and are not read."""
    known, found = {file.resolve() for file in read}, []
    inner = (entry for entry in sorted(folder.glob("*")) if entry.is_dir() and _LOOKS_LIKE.match(entry.name))
    for base in (folder, *inner):
        for file in _files(base):
            looks = base != folder or _LOOKS_LIKE.match(file.name)
            if looks and file.suffix.lower() not in _BESIDE and file.resolve() not in known and file.suffix:
                found.append(str(file.relative_to(folder)))
    return found


def seen(folder: Path) -> str:
    """Describe the contents of a folder, for a message."""
    names = sorted(entry.name + "/" * entry.is_dir() for entry in folder.iterdir() if entry.name[0] != ".")
    return (", ".join(names[:_SHOWN]) or "nothing") + (
        f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    )


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.glob("*")) if file.is_file() and file.name[0] not in "._")


def _natural(file: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", file.name)]


def _shards(folder: Path, stem: str) -> list[Path]:
    """Numbered files ``corpus-0.jsonl``, ``corpus_00001-of-00004.jsonl.gz`` and the like, in their order."""
    found = {}
    for file in _files(folder):
        number = _SHARD.fullmatch(stem_of(file).removeprefix(stem)) if stem_of(file).startswith(stem) else None
        if number and is_readable(file):
            found[file] = number
    _refuse_gaps(folder, list(found.values()), must_be_numbered=True)
    return sorted(found, key=_natural)


def _refuse_gaps(folder: Path, shards: list[re.Match[str] | None], *, must_be_numbered: bool) -> None:
    """Refuse numbered files of which some are missing, as far as their names show it."""
    numbers = [int(shard[1]) for shard in shards if shard]
    totals = {int(shard[2]) for shard in shards if shard and shard[2]}
    whole = len(totals) == 1 and len(numbers) == len(shards)
    missing: set[int] = set()
    if whole:
        first = 1 if max(numbers) == max(totals) else 0
        missing = set(range(first, max(totals) + first)) - set(numbers)
    elif must_be_numbered and numbers and not totals:
        missing = set(range(min(numbers), max(numbers))) - set(numbers)
    if missing:
        raise DistillirError(
            f"number {min(missing)} of the corpus's files is missing",
            where=folder,
            remedy="add it, or list the files: collection: {documents: [...], queries: ...}",
        )
