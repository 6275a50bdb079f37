"""Reading of a language model's text: the answer without its thoughts, and none where it was cut off."""

import re

from distillir.base.scripts import count_words
from distillir.language_models.answer import REFUSED, THINKING

#: What may be the matter with a text; with `REFUSED` and `THINKING` of `answer`.
CUT, EMPTY, REJECTED, FAILED = "cut off", "empty", "rejected", "failed"
__all__ = ["CUT", "EMPTY", "FAILED", "REFUSED", "REJECTED", "THINKING", "looks_cut", "read_text"]

_NAMES = r"think|thinking|thought|thoughts|reasoning|reflection"
_BLOCK = re.compile(rf"<({_NAMES})>.*?</\1>|\[(THINK)\].*?\[/THINK\]", re.DOTALL | re.IGNORECASE)
# Where the chat template has opened the block, the answer holds its end alone.
_END = re.compile(rf"</(?:{_NAMES})>|\[/THINK\]|<\|channel\|>final<\|message\|>", re.IGNORECASE)
_START = re.compile(rf"<(?:{_NAMES})>|\[THINK\]|<\|channel\|>analysis", re.IGNORECASE)
# How thoughts begin that no mark sets apart. Queries are in the first person, too ("i want to write a book"), or about
# users and documents ("the user manual of ..."): beside such a beginning stands what no query has.
_ASIDE = r"(?:okay|ok|alright|hmm+|well|so|first|right)\b[,.:]?\s+"
_TASK = (
    r"(?:i|we)(?:'ll| will)? (?:need to|have to|should|must|want to) "
    r"(?:write|come|create|generate|produce|provide|formulate|craft|extract|figure|output|answer|give|think|look)\b"
)
_ALOUD = re.compile(
    r"\W*(?:"
    rf"(?:{_ASIDE})+(?:{_TASK}|the (?:user|task|document|passage)\b)"
    rf"|(?:{_ASIDE})*(?:{_TASK}.{{0,60}}\b(?:query|question|document|passage)\b"
    r"|the user (?:wants|asks|asked|is asking|gave|provided|needs (?:me|a|one|the))\b"
    r"|the task (?:is|asks|here)\b"
    r"|the (?:document|passage) (?:is about|says|describes|talks|discusses)\b"
    r"|(?:i am|i'm|we are|we're) (?:asked|supposed|given|to write)\b"
    r"|let(?:'s| me| us) (?:see|think|start|look|read|analy[sz]e|try|break|consider|figure)\b)"
    r")",
    re.IGNORECASE,
)


def read_text(text: str, *, cut: bool = False, goes_on: bool = False, thought: bool = False) -> tuple[str, str | None]:
    """The answer in what a model wrote.

    Complete blocks of thoughts (``<think>...</think>`` and the like) are left out. What is left is no answer where a
    block has no end, where it begins as thoughts do that are written down without a mark, where nothing is left, or
    where it ended because the tokens did: the rest of a query, or the query itself, is missing.

    Args:
        text: All of it.
        cut: Whether the limit of tokens ended it (``finish_reason: length``).
        goes_on: The model was taught no end, as base models are not: of a text that was cut, whole lines are an answer.
        thought: Whether thoughts came apart from it.

    Returns:
        The answer, and what is the matter (`THINKING`, `CUT`, `EMPTY`) or None.
    """
    left = _BLOCK.sub("", text)
    if ends := list(_END.finditer(left)):
        left = left[ends[-1].end() :]
    blocks = thought or left != text
    if _START.search(left):
        return "", THINKING
    left = left.strip() if not (cut and goes_on) else left.lstrip()
    if not left:
        return "", THINKING if blocks else CUT if cut else EMPTY
    if _ALOUD.match(left):
        return "", THINKING
    if cut:
        whole, end, _ = left.rpartition("\n")
        if not goes_on or not end:
            return "", CUT
        left = whole.strip()
    return left, None


def looks_cut(text: str, tokens: int) -> bool:
    """Tell whether a text may have been cut off: it has many words on one line and no closing mark."""
    line = text.strip()
    return "\n" not in line and count_words(line) >= tokens / 2 and line[-1:] not in "?.!\"'”)？。！」』؟।"
