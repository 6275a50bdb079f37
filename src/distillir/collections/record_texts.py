"""Texts from objects with keys: JSON lines, Parquet, data sets of the Hub."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

from distillir.base.errors import DistillirError
from distillir.collections.key_names import Kind, plain_key, text_names
from distillir.collections.source import Entry
from distillir.collections.text_keys import TextKeys, Unread, choose_text_keys, keys_note

SAMPLE = 100  # objects that are looked at to choose the keys: the first of a file may lack some

Records = Callable[[], Iterator[tuple[int, Mapping[str, Any]]]]


class RecordTexts:
    """The texts of one file or data set of objects.

    Args:
        place: For messages.
        records: Starts the stream of ``(line or row, object)`` anew.
        kind: Whether they are documents or queries.
    """

    def __init__(self, place: str, records: Records, kind: Kind) -> None:
        self.place, self.kind = place, kind
        self._records = records
        self._keys: TextKeys | None = None
        self._unread = Unread()

    def read(self) -> Iterator[Entry]:
        """Yield the texts.

        Raises:
            DistillirError: An id or text is missing or of another type; the message names file and line.
        """
        stream, self._unread = self._records(), Unread()
        sample = list(islice(stream, SAMPLE))
        if not sample:
            return
        names = list(dict.fromkeys(key for _, value in sample for key in value))
        keys = self._keys = choose_text_keys(names, self.kind, f"{self.place}:{sample[0][0]}")
        read = keys.read
        for number, value in chain(sample, stream):
            self._unread.add(value, read)
            yield to_entry(value, f"{self.place}:{number}", number, keys, self.kind)

    def notes(self) -> list[str]:
        """Notes on the parts that were read and passed over, after `read`."""
        return (
            [] if self._keys is None else [f"{self.place}: {n}" for n in keys_note(self._keys, self._unread, self.kind)]
        )


def to_entry(value: Mapping[str, Any], where: str, number: int, keys: TextKeys, kind: Kind) -> Entry:
    """Make an `Entry` of an object.

    Args:
        value: The object.
        where: Its place, for the message of an error.
        number: Its line or row, from 1.
        keys: Where id, text and title stand.
        kind: Whether it is a document or a query.

    Raises:
        DistillirError: A field is missing or is of another type.
    """
    identifier = value.get(keys.id, value.get("id") if keys.id == "_id" else None)
    if isinstance(identifier, int) and not isinstance(identifier, bool):
        identifier = str(identifier)
    text = _text(value, keys, where, kind)
    title = value.get(keys.title) if keys.title is not None else None
    if identifier is None:
        raise DistillirError(
            f"no {keys.id!r}", where=where, remedy=f'write {{"{keys.id}": "...", "{keys.text or "text"}": "..."}}'
        )
    for name, field in ((keys.id, identifier), (keys.text, text), (keys.title, "" if title is None else title)):
        if not isinstance(field, str):
            remedy = "join its parts into one text" if isinstance(field, list) else "write it as a text"
            raise DistillirError(f"{name!r} is a {type(field).__name__}, not a text", where=where, remedy=remedy)
    return Entry(number, identifier, text, title or "")


def _text(value: Mapping[str, Any], keys: TextKeys, where: str, kind: Kind) -> Any:
    """The text of an object, empty where it is null or the file has titles alone.

    Raises:
        DistillirError: The key is missing here, or is here and not in the lines before.
    """
    if keys.text is None:
        late = next((key for key in value if plain_key(key) in text_names(kind) and key != keys.id), None)
        if late is not None:
            raise DistillirError(
                f"a text under {late!r}, where the lines before have a title alone",
                where=where,
                remedy=f"give each line {late!r}, empty where there is none",
            )
        return ""
    if keys.text not in value:
        raise DistillirError(
            f"no {keys.text!r}",
            where=where,
            remedy=f'write {{"{keys.id}": "...", "{keys.text}": "..."}} with a text under "{keys.text}"',
        )
    return "" if value[keys.text] is None else value[keys.text]
