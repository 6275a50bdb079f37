"""Keys or columns of a file that hold the id, the text and the title; and those that are not read."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from distillir.base.errors import DistillirError
from distillir.collections.key_names import ANSWERS, TITLES, Kind, id_names, plain_key, text_names
from distillir.collections.renaming import renaming

#: Said where a way of numbering is named: numbers are other ids than those that judgements have.
NUMBERS_JUDGE_NOTHING = "only where no judgements name the ids"
NUMBERING = f"to number lines, {NUMBERS_JUDGE_NOTHING}: jq -c '. + {{_id: (input_line_number|tostring)}}' FILE"
_SHOWN = 8


@dataclass(frozen=True)
class TextKeys:
    """The keys that are read: of the id, the text (None: a title alone) and the title (None: there is none)."""

    id: str
    text: str | None
    title: str | None

    @property
    def read(self) -> set[str]:
        """All of them."""
        return {key for key in (self.id, self.text, self.title) if key is not None}


def first_named(names: Iterable[str], wanted: Sequence[str]) -> str | None:
    """The name that comes first in ``wanted`` (of `plain_key`s).

    Of several with the same letters it is ``_id``, else the one in small letters, else the first in the file.
    """
    plain: dict[str, str] = {}
    for name in names:
        key = plain_key(name)
        if key not in plain or name == "_id" or (name == key and plain[key] != "_id"):
            plain[key] = name
    return next((plain[key] for key in wanted if key in plain), None)


def choose_text_keys(names: Sequence[str], kind: Kind, where: str, *, header: bool = False) -> TextKeys:
    """Choose the keys of a file of documents or queries by their names.

    Args:
        names: The keys or columns that were seen, in their order.
        kind: Which of the lists of `distillir.collections.key_names` decide.
        where: The place, for messages.
        header: Whether the names stand in the first line of a table, not in each object.

    Raises:
        DistillirError: No key is known as an id, or none as a text or title; the message names those that were seen.
    """
    identifier = first_named(names, id_names(kind))
    rest = [name for name in names if name != identifier]
    title = first_named(rest, TITLES)
    text = first_named(rest, text_names(kind))
    seen = shown_keys(names)
    if identifier is None:
        answers = first_named(names, ANSWERS)
        raise DistillirError(
            f"no '_id' (seen: {seen})" + (f"; {answers!r} looks like answers, which are not read" if answers else ""),
            where=where,
            remedy=f'write {{"_id": "...", "text": "..."}} (an id may also be called {", ".join(id_names(kind)[:5])}); '
            f"{renaming({'_id': None, **_known(text, title)}, names, where)}; {NUMBERING}",
        )
    if text is None and title is None:
        raise DistillirError(
            f"no 'text' (seen: {seen})",
            where=where,
            remedy=f"call a column text (or {', '.join(text_names(kind)[1:5])}) in the first line, or title"
            if header
            else f'write {{"_id": "...", "text": "..."}} (a text may also be called {", ".join(text_names(kind)[1:5])} '
            f"or title); {renaming({'_id': identifier, 'text': None}, names, where)}",
        )
    return TextKeys(identifier, text, title)


def _known(text: str | None, title: str | None) -> dict[str, str | None]:
    """The names of text and title, to the keys for them: a title alone stays one."""
    return {"title": title} if text is None and title is not None else {"text": text}


def shown_keys(names: Sequence[str]) -> str:
    """Keys for a message, the first few."""
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return (", ".join(repr(name)[:60] for name in names[:_SHOWN]) or "none") + more


class Unread:
    """Counts of lines that hold something under keys that are not read."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, value: Mapping[str, Any], read: set[str]) -> None:
        """Count the keys of one object; those that hold nothing (null, empty) are no loss."""
        for key, held in value.items():
            if key not in read and held not in (None, "", [], {}):
                self.counts[key] += 1

    def note(self) -> str | None:
        """``keys not read: metadata (5,183 lines)``; None where there is none."""
        if not self.counts:
            return None
        shown = [f"{key} ({count:,} line{'s' * (count != 1)})" for key, count in self.counts.most_common(_SHOWN)]
        more = f" and {len(self.counts) - _SHOWN:,} more" if len(self.counts) > _SHOWN else ""
        return f"keys not read: {', '.join(shown)}{more}"


def keys_note(keys: TextKeys, unread: Unread, kind: Kind) -> list[str]:
    """Notes on the keys of a file: those that were read where they are not BEIR's, and those that were not."""
    known = {*id_names(kind), *text_names(kind)}
    rivals = any(plain_key(key) in known for key in unread.counts)
    notes = []
    if rivals or plain_key(keys.id) != "id" or keys.text is None or keys.text != "text":
        text = f"text is {keys.text!r}" if keys.text is not None else "text is the title alone"
        notes.append(f"id is {keys.id!r}, {text}")
    if note := unread.note():
        notes.append(note)
    return notes
