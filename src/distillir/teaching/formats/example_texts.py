"""A collection made of the texts in a file of training examples."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import xxhash

from distillir.base.errors import DistillirError
from distillir.base.files import file_state
from distillir.collections.source import Entry, Judgement, QrelsPart, Source, TextPart
from distillir.teaching.formats.example import Candidate, Example, without_empty
from distillir.teaching.formats.format import Settings
from distillir.teaching.formats.records import Record, count_records, record_files

Reader = Callable[[Record], Example]


def text_id(text: str) -> str:
    """The id of a text that came without one: a hash, so that the same text has the same id in every import."""
    return xxhash.xxh3_128_hexdigest(text.encode("utf-8", "surrogatepass"))


def query_text(example: Example, settings: Settings) -> str | None:
    """The text of the query, after its prompt where prompts are kept; None where there is none."""
    if example.query is None or not settings.keep_prompts or example.prompt is None:
        return example.query
    return example.prompt + example.query


def query_id(example: Example, settings: Settings) -> str:
    """The query's id, or one made of its text."""
    return example.query_id if example.query_id is not None else text_id(query_text(example, settings) or "")


def document_id(candidate: Candidate) -> str:
    """The document's id, or one made of its title and text."""
    if candidate.id is not None:
        return candidate.id
    text = candidate.text or ""
    return text_id(f"{candidate.title}\n{text}" if candidate.title else text)


class ExampleTexts(Source):
    """Queries and documents of the examples, each distinct one once; positives become the qrels of ``train``.

    Hashes of the distinct texts stand in memory while it is imported (about 200 bytes for each).

    Args:
        file: The file, or a folder of files.
        records: The records of a file or folder.
        reader: From record to example.
        settings: What to do with prompts and empty texts.
    """

    def __init__(
        self, file: Path, records: Callable[[Path], Iterator[Record]], reader: Reader, settings: Settings
    ) -> None:
        self.file, self.records, self.reader, self.settings = file, records, reader, settings
        self.name, self.origin = file.name.split(".")[0] or file.name, str(file)

    def identity(self) -> str:
        """Path, size and times of every file."""
        return "\n".join(f"{path.resolve()}\t{file_state(path)}" for path in record_files(self.file))

    def documents(self) -> TextPart:
        """All texts of candidates."""
        return TextPart(self.origin, 0, partial(self._entries, self._documents))

    def queries(self) -> list[TextPart]:
        """All queries."""
        return [TextPart(self.origin, count_records(self.file), partial(self._entries, self._queries))]

    def judgements(self) -> list[QrelsPart]:
        """The examples' positives, unless one says that nothing was judged."""
        return [QrelsPart(self.origin, "train", self._judgements)]

    def _entries(self, of: Callable[[Example, Record], Iterator[Entry]]) -> Iterator[Entry]:
        seen: dict[str, str] = {}
        for record, example in self._examples():
            for entry in of(example, record):
                content = text_id(f"{entry.title}\n{entry.text}")
                if entry.id not in seen:
                    seen[entry.id] = content
                    yield entry
                elif seen[entry.id] != content:
                    raise DistillirError(
                        f"id {entry.id!r} has two different texts",
                        where=record.where,
                        remedy="mend the ids, or take them out of the file: texts get ids of their own",
                    )

    def _examples(self) -> Iterator[tuple[Record, Example]]:
        for record in self.records(self.file):
            example = without_empty(self.reader(record), record.where, self.settings.skip_empty)
            if example is not None:
                yield record, example

    def _queries(self, example: Example, record: Record) -> Iterator[Entry]:
        text = query_text(example, self.settings)
        if text is None:
            raise DistillirError("no text of the query here, unlike in the first record", where=record.where)
        yield Entry(record.number, query_id(example, self.settings), text)

    def _documents(self, example: Example, record: Record) -> Iterator[Entry]:
        for one in example.candidates:
            if one.text is None:
                raise DistillirError("a document without a text here, unlike in the first record", where=record.where)
            yield Entry(record.number, document_id(one), one.text, one.title)

    def _judgements(self) -> Iterator[Judgement]:
        for record, example in self._examples():
            if example.judged:
                for document in dict.fromkeys(document_id(one) for one in example.positives):
                    yield Judgement(record.number, query_id(example, self.settings), document, 1)
