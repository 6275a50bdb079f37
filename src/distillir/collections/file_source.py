"""Collections that lie in files: a BEIR folder, an MS MARCO folder, or files named one by one."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from distillir.collections.qrels_file import read_qrels
from distillir.collections.source import QrelsPart, Source, TextPart
from distillir.collections.text_files import count_lines, read_texts
from distillir.errors import DistillirError

JUDGEMENT_SUFFIXES = (".tsv", ".txt", ".trec", ".qrels")


class FileSource(Source):
    """A corpus file, query files and judgement files.

    Args:
        name: Short name.
        origin: What the user wrote.
        documents: The corpus.
        queries: ``(split or None, file)`` for each query file.
        qrels: ``(split, file)`` for each judgement file.

    Raises:
        DistillirError: A file is missing.
    """

    def __init__(
        self,
        name: str,
        origin: str,
        documents: Path,
        queries: Sequence[tuple[str | None, Path]],
        qrels: Sequence[tuple[str, Path]],
    ) -> None:
        self.name, self.origin = name, origin
        self._documents, self._queries, self._qrels = documents, list(queries), list(qrels)
        for file in self._files():
            if not file.is_file():
                what = "is a folder where a file is expected" if file.is_dir() else "no such file"
                raise DistillirError(what, where=file, remedy="check the path")

    def _files(self) -> list[Path]:
        return [self._documents, *(file for _, file in self._queries), *(file for _, file in self._qrels)]

    def identity(self) -> str:
        """Path, size and time of change of every file, and which split it belongs to."""
        labels = ["documents", *(str(s) for s, _ in self._queries), *(f"qrels {s}" for s, _ in self._qrels)]
        lines = []
        for label, file in zip(labels, self._files(), strict=True):
            stat = file.stat()
            lines.append(f"{label}\t{file.resolve()}\t{stat.st_size}\t{stat.st_mtime_ns}")
        return "\n".join(lines)

    def documents(self) -> TextPart:
        """The corpus file."""
        return _text_part(self._documents, None)

    def queries(self) -> list[TextPart]:
        """One part a query file."""
        return [_text_part(file, split) for split, file in self._queries]

    def judgements(self) -> list[QrelsPart]:
        """One part a judgement file."""
        return [QrelsPart(str(file), split, partial(read_qrels, file)) for split, file in self._qrels]


def _text_part(file: Path, split: str | None) -> TextPart:
    return TextPart(str(file), count_lines(file), partial(read_texts, file), split)


def folder_source(folder: Path) -> FileSource:
    """The collection in a folder: BEIR (``corpus.jsonl``) or MS MARCO (``collection.tsv``), files plain or gzipped.

    Raises:
        DistillirError: The folder holds neither.
    """
    name = folder.resolve().name
    if corpus := _find(folder, "corpus.jsonl"):
        queries = _find(folder, "queries.jsonl")
        qrels = _beir_qrels(folder)
        if queries is None and qrels:
            raise DistillirError(
                "a BEIR folder with qrels and without queries.jsonl",
                where=folder,
                remedy="add the queries, one object a line",
            )
        # Without both it is a corpus alone, of which queries can be made.
        return FileSource(name, str(folder), corpus, [] if queries is None else [(None, queries)], qrels)
    if corpus := _find(folder, "collection.tsv"):
        query_files = [(split or None, file) for split, file in _by_split(folder, "queries")]
        if not query_files:
            raise DistillirError(
                "an MS MARCO folder without queries", where=folder, remedy="add queries.<split>.tsv, as queries.dev.tsv"
            )
        qrels = [(split or "test", file) for split, file in _by_split(folder, "qrels")]
        return FileSource(name, str(folder), corpus, query_files, qrels)
    raise DistillirError(
        "no collection in this folder",
        where=folder,
        remedy="a BEIR folder has corpus.jsonl, queries.jsonl and qrels/<split>.tsv; an MS MARCO folder has "
        "collection.tsv, queries.<split>.tsv and qrels.<split>.tsv; other names: give a mapping",
    )


def named_files(
    documents: str,
    queries: str | Sequence[str] | Mapping[str, str],
    qrels: str | Sequence[str] | Mapping[str, str],
    name: str | None,
) -> FileSource:
    """The collection of files that a recipe names.

    Args:
        documents: The corpus file.
        queries: A file, several files, or a file for each split.
        qrels: The same; the split of a file without one is in its name (``qrels.dev.tsv`` is ``dev``), else ``test``.
        name: Short name; default: the name of the corpus file's folder.

    Raises:
        DistillirError: A file is missing, or two judgement files are of the same split.
    """
    corpus = Path(documents).expanduser()
    query_files: list[tuple[str | None, Path]] = [(split, file) for split, file in _named(queries)]
    qrels_files = [(split or _split_of(file, "qrels") or "test", file) for split, file in _named(qrels)]
    splits = [split for split, _ in qrels_files]
    for split, file in qrels_files:
        if splits.count(split) > 1:
            raise DistillirError(
                f"a second file of judgements for split {split!r}", where=file, remedy="name the splits"
            )
    return FileSource(name or corpus.resolve().parent.name, str(corpus), corpus, query_files, qrels_files)


def _named(files: str | Sequence[str] | Mapping[str, str]) -> list[tuple[str | None, Path]]:
    if isinstance(files, str):
        files = [files]
    if isinstance(files, Mapping):
        return [(split.replace("/", "-"), Path(file).expanduser()) for split, file in files.items()]
    return [(None, Path(file).expanduser()) for file in files]


def _find(folder: Path, name: str) -> Path | None:
    return next((file for file in (folder / name, folder / f"{name}.gz") if file.is_file()), None)


def _beir_qrels(folder: Path) -> list[tuple[str, Path]]:
    if single := _find(folder, "qrels.tsv"):
        return [("test", single)]
    found: dict[str, Path] = {}
    for file in sorted((folder / "qrels").glob("*")):
        plain = Path(file.stem) if file.suffix == ".gz" else Path(file.name)
        if plain.suffix not in JUDGEMENT_SUFFIXES or file.name.startswith("."):
            continue
        if found.setdefault(plain.stem, file) != file:
            raise DistillirError(f"a second file of judgements for split {plain.stem!r}", where=file, remedy="keep one")
    return list(found.items())


def _split_of(file: Path, prefix: str) -> str:
    """``dev.small`` of ``qrels.dev.small.tsv``; empty where the name says nothing more than the prefix."""
    stem = Path(file.stem).stem if file.suffix == ".gz" else file.stem
    return stem.removeprefix(prefix).lstrip(".-_")


def _by_split(folder: Path, prefix: str) -> list[tuple[str, Path]]:
    """Files ``<prefix>.<split>.tsv`` by split (empty for ``<prefix>.tsv``), plain before gzipped where both exist."""
    names = {file.name.removesuffix(".gz") for file in folder.glob(f"{prefix}*") if file.is_file()}
    wanted = sorted(name for name in names if name.startswith(f"{prefix}.") and name.endswith(".tsv"))
    return [(_split_of(Path(name), prefix), file) for name in wanted if (file := _find(folder, name))]
