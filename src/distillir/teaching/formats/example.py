"""A training example of another program: a query and its candidates, with their scores and labels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from distillir.base.errors import DistillirError
from distillir.teaching.formats.tally import PROMPTS
from distillir.teaching.formats.values import read_id, read_score

TEXT_SCORES = "{} records give scores as texts, read as numbers"


class Candidate(NamedTuple):
    """A document of an example: its id, its text (at least one of them), its title, the teacher's score of it."""

    id: str | None = None
    text: str | None = None
    title: str = ""
    score: float | None = None


@dataclass
class Example:
    """A query with candidates.

    Attributes:
        query_id: Its id; None where only the text is given.
        query: Its text; None where only the id is given.
        positives: Candidates that the file calls relevant.
        others: The other candidates.
        read: Keys of the record whose values are used.
        judged: Whether the file's positives are judgements; false where they stand in for one.
        prompt: What the query is to be read with.
        margins: Whether scores are differences: the positive's score less each of the others', the positive itself
            at 0 (so that each other one stands at minus its margin).
        passed: Keys of nested records that are passed over, as ``pos.bm25-score``.
        notes: What is to be told, as `Tally.note` takes it.
    """

    query_id: str | None
    query: str | None
    positives: list[Candidate]
    others: list[Candidate]
    read: set[str]
    judged: bool = True
    prompt: str | None = None
    margins: bool = False
    passed: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    @property
    def candidates(self) -> list[Candidate]:
        """All of them, positives first."""
        return [*self.positives, *self.others]


def first_key(value: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    """The first of ``keys`` under which a record has something else than null."""
    return next((key for key in keys if value.get(key) is not None), None)


def query_of(value: Mapping[str, Any], names: Sequence[str], ids: Sequence[str], where: str) -> Example:
    """An example without candidates: id, text and prompt of the query.

    Args:
        value: The record.
        names: Keys of the text.
        ids: Keys of the id.
        where: Place of the record.

    Raises:
        DistillirError: The text is none, or the id is none.
    """
    example = Example(None, None, [], [], set())
    if key := first_key(value, names):
        if not isinstance(value[key], str):
            raise DistillirError(f"no text under {key!r}", where=where, remedy="each record needs a query")
        example.query = value[key]
        example.read.add(key)
    if key := first_key(value, ids):
        example.query_id = read_id(value[key], where, "query")
        example.read.add(key)
    if key := first_key(value, PROMPTS):
        if not isinstance(value[key], str):
            raise DistillirError(f"{key!r} is no text", where=where)
        example.prompt = value[key]
    return example


def texts_under(value: Mapping[str, Any], key: str | None, where: str) -> list[str]:
    """The texts under a key; a missing key is none, and a text by itself is a list of one.

    Raises:
        DistillirError: What stands there is no text and no list of texts.
    """
    texts = [] if key is None else value[key]
    if isinstance(texts, str):
        return [texts]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise DistillirError(f"{key!r} is no list of texts", where=where, remedy='write a list: ["first", "second"]')
    return list(texts)


def ids_under(value: Mapping[str, Any], key: str | None, count: int, where: str) -> list[str] | None:
    """The ids under a key, None where there is no such key.

    Raises:
        DistillirError: They are not ids, or not as many as there are texts.
    """
    if key is None:
        return None
    values = value[key] if isinstance(value[key], list) else [value[key]]
    if len(values) != count:
        raise DistillirError(f"{len(values)} ids under {key!r} for {count} texts", where=where)
    return [read_id(entry, where, "document") for entry in values]


def scores_under(
    value: Mapping[str, Any], key: str | None, count: int, what: str, example: Example, where: str
) -> list[float] | None:
    """The scores under a key, None where there is no such key.

    Args:
        value: The record.
        key: The key.
        count: How many there must be.
        what: What they belong to, for messages: ``texts of pos``.
        example: Notes that the key was read, and numbers that are texts.
        where: Place of the record.

    Raises:
        DistillirError: They are not as many, or no numbers.
    """
    if key is None:
        return None
    values = value[key]
    if count == 1 and isinstance(values, int | float | str) and not isinstance(values, bool):
        values = [values]
    if not isinstance(values, list) or len(values) != count:
        found = f"has {len(values)} scores" if isinstance(values, list) else "is no list of scores"
        raise DistillirError(
            f"{key} does not fit the {count} {what} ({key!r} {found})",
            where=where,
            remedy="give one number for each, in a list",
        )
    example.read.add(key)
    if any(isinstance(entry, str) for entry in values) and TEXT_SCORES not in example.notes:
        example.notes.append(TEXT_SCORES)
    return [read_score(entry, where) for entry in values]


def one_score(value: Mapping[str, Any], key: str, name: str, example: Example, where: str) -> float | None:
    """The score under a key of a nested record, told as ``name``; None where there is none."""
    given = value.get(key)
    if given is None:
        return None
    example.read.add(name)
    if isinstance(given, str) and TEXT_SCORES not in example.notes:
        example.notes.append(TEXT_SCORES)
    return read_score(given, where)


def without_empty(example: Example, where: str, skip: bool) -> Example | None:
    """The example without empty texts; None where its query is one.

    Raises:
        DistillirError: There is one and ``skip`` is false.
    """
    said = "import with --skip-empty to leave such texts out"
    if example.query is not None and not example.query.strip():
        if not skip:
            raise DistillirError("no text under 'query'", where=where, remedy=f"each line needs a query, or {said}")
        return None
    for name in ("positives", "others"):
        kept = [one for one in getattr(example, name) if one.text is None or one.text.strip() or one.title.strip()]
        if len(kept) < len(getattr(example, name)) and not skip:
            raise DistillirError(
                f"an empty text under {_key(example, name)!r}",
                where=where,
                remedy=f"remove it and its score, or {said}",
            )
        setattr(example, name, kept)
    return example


def _key(example: Example, name: str) -> str:
    """The key under which an example's positives or others stand."""
    starts = ("pos",) if name == "positives" else ("neg", "hard_neg", "candidates")
    keys = (key for key in sorted(example.read) if key.startswith(starts) and not key.endswith(("_id", "scores")))
    return next(keys, starts[0])
