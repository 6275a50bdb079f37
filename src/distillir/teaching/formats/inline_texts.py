"""A collection made of the texts that stand in a FlagEmbedding file itself."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import xxhash

from distillir.collections.source import Entry, Judgement, QrelsPart, Source, TextPart
from distillir.collections.text_files import count_lines
from distillir.errors import DistillirError
from distillir.files import read_jsonl
from distillir.teaching.formats.values import read_id


def text_id(text: str) -> str:
    """The id of a text that came without one: a hash, so that the same text has the same id in every import."""
    return xxhash.xxh3_128_hexdigest(text.encode("utf-8", "surrogatepass"))


def texts_of(line: dict[str, Any], key: str, where: str) -> list[str]:
    """The texts under ``pos`` or ``neg``; a missing key is none.

    Raises:
        DistillirError: What stands there is no list of texts, or one is empty.
    """
    texts = line.get(key, [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise DistillirError(f"{key!r} is no list of texts", where=where)
    if not all(text.strip() for text in texts):
        raise DistillirError(f"an empty text under {key!r}", where=where, remedy="remove it and its score")
    return texts


def given_ids(line: dict[str, Any], key: str, count: int, where: str) -> list[str]:
    """The ids under a key, empty where there is no such key.

    Raises:
        DistillirError: They are not ids, or not as many as there are texts.
    """
    value = line.get(key)
    if value is None:
        return []
    values = value if isinstance(value, list) else [value]
    if len(values) != count:
        raise DistillirError(f"{len(values)} ids under {key!r} for {count} texts", where=where)
    return [read_id(entry, where, key) for entry in values]


class InlineTexts(Source):
    """Queries and documents of a FlagEmbedding file, each distinct one once; ``pos`` becomes the qrels of ``train``.

    Hashes of the distinct texts stand in memory while it is imported (about 200 bytes for each).

    Args:
        file: The jsonl file.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.name, self.origin = file.name.split(".")[0] or file.name, str(file)

    def identity(self) -> str:
        """Path, size and time of change."""
        stat = self.file.stat()
        return f"{self.file.resolve()}\t{stat.st_size}\t{stat.st_mtime_ns}"

    def documents(self) -> TextPart:
        """All texts under ``pos`` and ``neg``."""
        return TextPart(self.origin, 0, partial(self._entries, ("pos", "neg")))

    def queries(self) -> list[TextPart]:
        """All queries."""
        return [TextPart(self.origin, count_lines(self.file), partial(self._entries, ("query",)))]

    def judgements(self) -> list[QrelsPart]:
        """What stands under ``pos``, unless the line says that nothing was judged."""
        return [QrelsPart(self.origin, "train", self._judgements)]

    def _entries(self, keys: tuple[str, ...]) -> Iterator[Entry]:
        seen: dict[str, str] = {}
        for number, line in read_jsonl(self.file):
            where = f"{self.file}:{number}"
            for key in keys:
                for identifier, text in self._texts(line, key, where):
                    content = text_id(text)
                    if identifier not in seen:
                        seen[identifier] = content
                        yield Entry(number, identifier, text)
                    elif seen[identifier] != content:
                        raise DistillirError(f"id {identifier!r} has two different texts", where=where)

    def _texts(self, line: dict[str, Any], key: str, where: str) -> list[tuple[str, str]]:
        """``(id, text)`` of what stands under a key."""
        if key == "query":
            query = line.get("query")
            if not isinstance(query, str) or not query.strip():
                raise DistillirError("no text under 'query'", where=where, remedy="each line needs a query")
            texts = [query]
        else:
            texts = texts_of(line, key, where)
        ids = given_ids(line, f"{key}_id", len(texts), where) or [text_id(text) for text in texts]
        return list(zip(ids, texts, strict=True))

    def _judgements(self) -> Iterator[Judgement]:
        for number, line in read_jsonl(self.file):
            where = f"{self.file}:{number}"
            if line.get("judged", True) is not False:
                [(query, _)] = self._texts(line, "query", where)
                for document, _ in self._texts(line, "pos", where):
                    yield Judgement(number, query, document, 1)
