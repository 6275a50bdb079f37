"""Options of a model beside its name in a recipe: prompts before texts, and whether its own code may run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest

Side = Literal["query", "document"]
SIDES: tuple[Side, ...] = ("query", "document")


@dataclass(frozen=True)
class PromptChoice:
    """A prompt: the text itself, or the name under which the model has it."""

    text: str
    named: bool = False


@dataclass(frozen=True)
class ModelOptions:
    """Options for loading a model.

    Attributes:
        trust_remote_code: Whether Python code that comes with the model may run.
        query: Put before queries; None: what the model has of its own.
        document: Put before documents; None: what the model has of its own.
    """

    trust_remote_code: bool = False
    query: PromptChoice | None = None
    document: PromptChoice | None = None

    @classmethod
    def of(cls, prompts: Mapping[str, Any] | None = None, trust_remote_code: bool = False) -> "ModelOptions":
        """Make options from a recipe's ``prompts`` and ``trust_remote_code``.

        Raises:
            DistillirError: As `check_prompts`.
        """
        check_prompts(prompts, "prompts")
        given = {side: _choice(value) for side, value in (prompts or {}).items() if value is not None}
        return cls(trust_remote_code=trust_remote_code, query=given.get("query"), document=given.get("document"))

    @property
    def sides(self) -> dict[Side, PromptChoice]:
        """The prompts that were given."""
        both: dict[Side, PromptChoice | None] = {"query": self.query, "document": self.document}
        return {side: choice for side, choice in both.items() if choice is not None}


#: Nothing beside the name.
PLAIN = ModelOptions()


def _choice(value: Any) -> PromptChoice:
    return PromptChoice(value) if isinstance(value, str) else PromptChoice(str(value["name"]), named=True)


def check_prompts(value: object, where: str, sides: tuple[Side, ...] = SIDES) -> None:
    """Check the form of a recipe's ``prompts``.

    Args:
        value: ``{query: "query: ", document: "passage: "}``: strings as they are, or ``{name: word}`` for one that the
            model knows by that name; None for none.
        where: What messages call the place.
        sides: Which texts may have one.

    Raises:
        DistillirError: Another form.
    """
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise DistillirError(f"{value!r} is no mapping", where=where, remedy='write {query: "query: "}')
    for side, prompt in value.items():
        if side in SIDES and side not in sides:
            raise DistillirError(
                f"a cross-encoder has one prompt, before the query, and none before the {side}",
                where=where,
                remedy="leave it out",
            )
        if side not in sides:
            raise DistillirError(f"unknown key {side!r}", where=where, remedy=nearest(str(side), sides))
        named = isinstance(prompt, Mapping) and set(prompt) == {"name"} and isinstance(prompt["name"], str)
        if prompt is not None and not isinstance(prompt, str) and not named:
            raise DistillirError(
                f"{side} is {prompt!r}",
                where=where,
                remedy="give the text itself, or {name: word} for one that the model knows by name",
            )


def chosen_prompt(prompts: Mapping[str, str | None], default: str | None, side: Side) -> str | None:
    """The prompt that sentence-transformers' ``encode_query`` or ``encode_document`` takes of a model's prompts."""
    for name in ("query",) if side == "query" else ("document", "passage", "corpus"):
        if name in prompts:
            return prompts[name]
    return prompts.get(default) if default is not None else None
