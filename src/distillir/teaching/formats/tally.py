"""The account of an import: keys that were read, keys that were passed over, and further counts for the user."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from distillir.base.progress import say

#: Keys of known files that are passed over, and the reason or the way out.
PASSED = {
    "type": "FlagEmbedding's choice of loss; a recipe says that",
    "answers": "answers are no documents",
    "positive_ctxs.score": "of the retriever that found it, not a teacher's",
    "negative_ctxs.score": "of the retriever that found it, not a teacher's",
    "hard_negative_ctxs.score": "of the retriever that found it, not a teacher's",
    "pos_index": "places in a corpus that is not given",
    "neg_index": "places in a corpus that is not given",
}
_MOST_PROMPTS = 3


@dataclass
class ImportTally:
    """Counts over the records of a file.

    Attributes:
        records: Records looked at.
        read: Records in which a key was read, by key.
        passed: Records in which a key was passed over.
        empty: Records in which a key stood with null.
        notes: How often something happened, by its sentence with ``{}`` for the number.
        prompts: Different prompts and how many records have each.
        prompts_kept: Whether they were put before the queries.
    """

    records: int = 0
    read: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)
    empty: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    prompts: Counter[str] = field(default_factory=Counter)
    prompts_kept: bool = False

    def record(self, value: Mapping[str, Any], read: Iterable[str], passed: Iterable[str] = ()) -> None:
        """Count the keys of a record.

        Args:
            value: The record.
            read: Its keys whose values were used; a nested one as ``pos.score``.
            passed: Nested keys that were passed over.
        """
        self.records += 1
        used = set(read)
        for key in value:
            counts = self.empty if value[key] is None else self.read if key in used else self.passed
            counts[key] += 1
        self.read.update(key for key in used if "." in key)
        self.passed.update(passed)

    def note(self, sentence: str, amount: int = 1) -> None:
        """Count something for a line that is printed at the end: ``{}`` in ``sentence`` stands for the number."""
        if amount:
            self.notes[sentence] += amount

    def facts(self) -> dict[str, Any]:
        """Counts that the set keeps in its file."""
        kept: dict[str, Any] = {"read": dict(self.read), "passed_over": dict(self.passed)}
        if self.prompts:
            kept["prompts"] = {"kept": self.prompts_kept, "counts": dict(self.prompts.most_common(20))}
        return {key: value for key, value in kept.items() if value}

    def say(self) -> None:
        """Print the account, a line each kind."""
        if self.records:
            say(f"read, of {self.records:,} records: {_counts(self.read)}")
        if self.empty:
            say(f"null, and read as missing: {_counts(self.empty)}")
        for key, count in self.passed.items():
            if key not in PROMPTS:
                say(f"passed over: {key} in {count:,} records{_reason(key)}")
        self._say_prompts()
        for sentence, amount in self.notes.items():
            say(sentence.format(f"{amount:,}"))

    def _say_prompts(self) -> None:
        given = {prompt: count for prompt, count in self.prompts.most_common() if prompt.strip()}
        if not given:
            return
        shown = ", ".join(f"{prompt!r} ({count:,})" for prompt, count in list(given.items())[:_MOST_PROMPTS])
        more = f" and {len(given) - _MOST_PROMPTS:,} more" if len(given) > _MOST_PROMPTS else ""
        if self.prompts_kept:
            say(f"prompts stand before their queries: {shown}{more}")
        else:
            say(
                f"passed over: prompts of {sum(given.values()):,} queries: {shown}{more}; keep them in the queries' "
                f"texts with --prompts keep, or give the student one: student.prompts: {{query: {next(iter(given))!r}}}"
            )
        if len(self.prompts) > 1:
            say(
                f"{len(self.prompts):,} different prompts: the file mixes tasks, which one prompt for all does not "
                "tell apart; --prompts keep does, or make a set of each"
            )


#: Keys under which a record says what its query is to be read with.
PROMPTS = ("prompt", "instruction", "query_prompt", "query_instruction")


def _reason(key: str) -> str:
    if key in PASSED:
        return f" ({PASSED[key]})"
    if any(part in key.lower() for part in ("score", "logit", "margin")):
        return " (scores? they are looked for under pos_scores and neg_scores, teacher_scores, scores, score, label)"
    return ""


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{key} {count:,}" for key, count in counts.items()) or "nothing"
