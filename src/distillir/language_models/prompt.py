"""Prompts for a language model: a template, and the two answers that are compared."""

import string
from collections.abc import Sequence
from dataclasses import dataclass

from distillir.base.errors import DistillirError

POINTWISE_FIELDS = ("query", "document")
PAIRWISE_FIELDS = ("query", "first", "second")


@dataclass(frozen=True)
class Prompt:
    """A question about a query and one document, or two.

    Attributes:
        name: Short, for people.
        template: Text with ``{query}`` and ``{document}``, or ``{query}``, ``{first}`` and ``{second}``.
        yes: The answer that speaks for the document, or for the first one.
        no: The other.
        max_length: Tokens of the whole that a model by transformers reads.
        cue: What stands behind it for a decoder-only model without a chat template.
    """

    name: str
    template: str
    yes: str
    no: str
    max_length: int
    cue: str = ""

    def text(self, query: str, *documents: str) -> str:
        """The question. White space is folded, so that no text can open a line of its own and pass for the prompt's."""
        return self.template.format(**dict(zip(self.fields, map(folded, (query, *documents)), strict=True)))

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields in the template."""
        return PAIRWISE_FIELDS if "{first}" in self.template else POINTWISE_FIELDS

    def imitated_by(self, document: str) -> bool:
        """Tell whether a document holds one of the prompt's labels (``Query:``, ``Document B:``), as injections do."""
        return any(label in document for label in self._labels)

    @property
    def _labels(self) -> list[str]:
        literal = [part.strip() for part, *_ in string.Formatter().parse(self.template)]
        return [part.splitlines()[-1].strip() for part in literal if part.endswith(":")]


def folded(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split())


def own_prompt(template: str, answers: Sequence[str], fields: Sequence[str], base: Prompt, where: str) -> Prompt:
    """Make a prompt of a user's template.

    Args:
        template: With each of ``fields`` in braces.
        answers: The two answers.
        fields: Either of `POINTWISE_FIELDS` and `PAIRWISE_FIELDS`.
        base: For what is not given.
        where: What messages call the place.

    Raises:
        DistillirError: A field is missing, unknown or broken.
    """
    try:
        found = {name for _, name, *_ in string.Formatter().parse(template) if name is not None}
    except ValueError as error:
        raise DistillirError(f"template: {error}", where=where, remedy="write {{ for a brace of the text") from None
    if found != set(fields):
        wanted = ", ".join(f"{{{name}}}" for name in fields)
        raise DistillirError(
            f"the template holds {', '.join(sorted(found)) or 'no field'}", where=where, remedy=f"it takes {wanted}"
        )
    return Prompt("own", template, answers[0], answers[1], base.max_length, base.cue)


#: Zero-shot pointwise teacher of PairDistill (MiuLab/PairDistill pointwise_rerank_instupr.py).
INSTUPR_POINTWISE = Prompt(
    "yes-no",
    "Is the document relevant to the query (Yes or No)?\n\nQuery: {query}\n\nDocument: {document}",
    "Yes",
    "No",
    1024,
    "\n\nAnswer:",
)
#: Its zero-shot pairwise teacher (pairwise_rerank_instupr.py).
INSTUPR_PAIRWISE = Prompt(
    "a-b",
    "Which document is more relevant to the query? Answer only 'A' or 'B'.\n\nQuery: {query}\n\n"
    "Document A: {first}\n\nDocument B: {second}",
    "A",
    "B",
    1024,
    "\n\nAnswer:",
)
#: monoT5 (Nogueira et al. 2020, arXiv 2003.06713; its authors read 512), with the length of pointwise_rerank.py.
MONOT5 = Prompt("monot5", "Query: {query} Document: {document} Relevant:", "true", "false", 180)
#: duoT5 (Pradeep et al. 2021, arXiv 2101.05667), with the length of pairwise_rerank.py.
DUOT5 = Prompt("duot5", "Query: {query} Document0: {first} Document1: {second} Relevant:", "true", "false", 360)
