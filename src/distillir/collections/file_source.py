"""Collections that lie in files: a BEIR folder, an MS MARCO folder, or files named one by one."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.base.files import file_state
from distillir.collections.file_forms import refuse_by_name
from distillir.collections.folder_files import (
    QUERY_STEMS,
    by_split,
    find_corpus,
    find_single,
    passed_over,
    readable_files,
    seen,
    split_of,
    stem_of,
)
from distillir.collections.qrels_file import QrelsFile, is_out_of_order_file
from distillir.collections.source import QrelsPart, Source, TextPart
from distillir.collections.text_files import reading_mark, text_part

_SAVED_TO_DISK = ("dataset_dict.json", "dataset_info.json", "state.json")
_LARGEST_LISTED = 8


class FileSource(Source):
    """Corpus files, query files and judgement files.

    Args:
        name: Short name.
        origin: What the user wrote.
        documents: The corpus, in one file or several.
        queries: ``(split or None, file)`` for each query file.
        qrels: ``(split, file)`` for each judgement file.
        left: Names of files beside them that look like a part of the collection and are not read.

    Raises:
        DistillirError: A file is missing.
    """

    def __init__(
        self,
        name: str,
        origin: str,
        documents: Sequence[Path],
        queries: Sequence[tuple[str | None, Path]],
        qrels: Sequence[tuple[str, Path]],
        left: Sequence[str] = (),
    ) -> None:
        self.name, self.origin = name, origin
        self._documents, self._queries, self._qrels = list(documents), list(queries), list(qrels)
        self._left = list(left)
        for file in self._files():
            if not file.is_file():
                what = "is a folder where a file is expected" if file.is_dir() else "no such file"
                raise DistillirError(what, where=file, remedy="check the path")
            refuse_by_name(file)

    def _files(self) -> list[Path]:
        return [*self._documents, *(file for _, file in self._queries), *(file for _, file in self._qrels)]

    def identity(self) -> str:
        """Path, size and times of every file, which split it belongs to, and how it is read.

        How it is read is named for forms that earlier versions read otherwise, so that their imports are made anew;
        those of other forms are found as they are.
        """
        labels = [
            *("documents" for _ in self._documents),
            *(str(s) for s, _ in self._queries),
            *(f"qrels {s}" for s, _ in self._qrels),
        ]
        marks = [
            *(reading_mark(file, "document") for file in self._documents),
            *(reading_mark(file, "query") for _, file in self._queries),
            *("columns by name" if is_out_of_order_file(file) else "" for _, file in self._qrels),
        ]
        lines = []
        for label, file, mark in zip(labels, self._files(), marks, strict=True):
            line = f"{label}\t{file.resolve()}\t{file_state(file)}"
            lines.append(f"{line}\t{mark}" if mark else line)
        # A file that comes to lie beside the others is told, not passed over because an import exists.
        return "\n".join([*lines, *(f"not read\t{name}" for name in self._left)])

    def notes(self) -> list[str]:
        """Files beside these that look like a part of the collection."""
        if not self._left:
            return []
        more = f" and {len(self._left) - _LARGEST_LISTED} more" if len(self._left) > _LARGEST_LISTED else ""
        listed = ", ".join(self._left[:_LARGEST_LISTED])
        return [
            f"{self.origin}: not read, though the names look like parts of a collection: {listed}{more} "
            f"(read: {', '.join(file.name for file in self._files()[:_LARGEST_LISTED])})"
        ]

    def documents(self) -> list[TextPart]:
        """The corpus, one part for each file."""
        return [text_part(file, "document") for file in self._documents]

    def queries(self) -> list[TextPart]:
        """The queries, one part for each file."""
        return [text_part(file, "query", split) for split, file in self._queries]

    def judgements(self) -> list[QrelsPart]:
        """The judgements, one part for each file."""
        found = [(split, file, QrelsFile(file)) for split, file in self._qrels]
        return [QrelsPart(str(file), split, qrels.read, qrels.notes) for split, file, qrels in found]


def folder_source(folder: Path) -> FileSource:
    """The collection in a folder: BEIR (``corpus.jsonl``) or MS MARCO (``collection.tsv``), or other forms of these.

    Raises:
        DistillirError: The folder holds neither.
    """
    corpus = find_corpus(folder)
    if not corpus:
        raise _no_collection(folder)
    is_msmarco = stem_of(corpus[0]).startswith("collection")
    single = find_single(folder, "queries")
    if single is not None and not is_msmarco:
        queries: list[tuple[str | None, Path]] = [(None, single)]
    else:
        queries = [(split or None, file) for split, file in by_split(folder, *QUERY_STEMS)]
        for stem in QUERY_STEMS:
            queries = queries or [(split_of(f, stem) or None, f) for f in readable_files(folder / stem)]
    # With queries in one file, as BEIR has it, the name of a file in ``qrels/`` is that of the split, as it stands.
    qrels = _qrels(folder, is_msmarco, () if single is not None else ("qrels",))
    if not queries and (qrels or is_msmarco):
        raise DistillirError(
            "an MS MARCO folder without queries"
            if is_msmarco
            else "a BEIR folder with qrels and without queries.jsonl",
            where=folder,
            remedy="add queries.<split>.tsv, as queries.dev.tsv"
            if is_msmarco
            else "add the queries, one object a line",
        )
    # Without both it is a corpus alone, of which queries can be made.
    read = [*corpus, *(file for _, file in queries), *(file for _, file in qrels)]
    return FileSource(folder.resolve().name, str(folder), corpus, queries, qrels, passed_over(folder, read))


def _qrels(folder: Path, is_msmarco: bool, prefixes: tuple[str, ...]) -> list[tuple[str, Path]]:
    """The judgement files of a folder by split: its own, or those in ``qrels/``; BEIR's ``qrels.tsv`` before both."""
    single = find_single(folder, "qrels", (".tsv",))
    if single is not None and not is_msmarco:
        return [("test", single)]
    beside = [(split or "test", file) for split, file in by_split(folder, "qrels", judgements=True)]
    inside = [(split_of(file, *prefixes) or "test", file) for file in readable_files(folder / "qrels", judgements=True)]
    chosen = (beside or inside) if is_msmarco else (inside or beside)
    _refuse_second(chosen, "keep one")
    return chosen


def _refuse_second(qrels: Sequence[tuple[str, Path]], remedy: str) -> None:
    splits: set[str] = set()
    for split, file in qrels:
        if split in splits:
            raise DistillirError(f"a second file of judgements for split {split!r}", where=file, remedy=remedy)
        splits.add(split)


def _no_collection(folder: Path) -> DistillirError:
    inner = [child for child in sorted(folder.iterdir()) if child.is_dir() and find_corpus(child)]
    remedy = (
        "a BEIR folder has corpus.jsonl, queries.jsonl and qrels/<split>.tsv; an MS MARCO folder has collection.tsv, "
        f"queries.<split>.tsv and qrels.<split>.tsv; other names: give a mapping; there is: {seen(folder)}"
    )
    if inner:
        remedy = f"did you mean {inner[0]}?"
    elif any(folder.glob("train*.json*")):
        remedy += "; training files with texts of their own are for `distillir import`"
    if any((folder / name).is_file() for name in _SAVED_TO_DISK):
        remedy = "it was written by datasets' save_to_disk: write corpus, queries and qrels with to_json or to_parquet"
    return DistillirError("no collection in this folder", where=folder, remedy=remedy)


def named_files(
    documents: str | Sequence[str],
    queries: str | Sequence[str] | Mapping[str, str],
    qrels: str | Sequence[str] | Mapping[str, str],
    name: str | None,
) -> FileSource:
    """The collection of files that a recipe names.

    Args:
        documents: The corpus file, several, or a folder of such files.
        queries: A file, several files, or a file for each split.
        qrels: The same; the split of a file without one is in its name (``qrels.dev.tsv`` is ``dev``), else ``test``.
        name: Short name; default: the name of the corpus file's folder.

    Raises:
        DistillirError: A file is missing, or two judgement files are of the same split.
    """
    paths = [Path(file).expanduser() for file in ([documents] if isinstance(documents, str) else documents)]
    corpus = [file for path in paths for file in (readable_files(path) if path.is_dir() else [path])]
    if not corpus:
        remedy = "name the files, or end them in .jsonl, .tsv, .csv or .parquet"
        raise DistillirError(
            f"no file of documents in this folder (there is: {seen(paths[0])})", where=paths[0], remedy=remedy
        )
    query_files: list[tuple[str | None, Path]] = [(split, file) for split, file in _named(queries)]
    qrels_files = [(split or split_of(file, "qrels") or "test", file) for split, file in _named(qrels)]
    _refuse_second(qrels_files, "name the splits")
    default = paths[0].resolve().name if paths[0].is_dir() else paths[0].resolve().parent.name
    return FileSource(name or default, str(paths[0]), corpus, query_files, qrels_files)


def _named(files: str | Sequence[str] | Mapping[str, str]) -> list[tuple[str | None, Path]]:
    if isinstance(files, str):
        files = [files]
    if isinstance(files, Mapping):
        return [(split.replace("/", "-"), Path(file).expanduser()) for split, file in files.items()]
    return [(None, Path(file).expanduser()) for file in files]
