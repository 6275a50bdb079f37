"""Options of a kind, in every way that a recipe may write them, and what is said of those that cannot be."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from jsonschema import Draft202012Validator
from pydantic import Field, field_validator

from distillir.base.errors import DistillirError
from distillir.specs.form import Form
from distillir.specs.kind import ByKey, OptionKind
from distillir.specs.part import Count, Number, Options, Part, Word
from distillir.specs.registry import Registry
from distillir.specs.schema import AlsoAs, InForm, complete_schema


class Stone(Part):
    hard: bool = Field(True, description="whether it is")
    size: int = Field(1, ge=1, le=9, description="of it")


class FruitSpec(Options):
    name: Word = Field(description="of the fruit")
    weight: Number = Field(1, description="of the fruit")
    share: float = Field(0.5, gt=0, lt=1, description="of it")
    count: Count | None = Field(None, description="of them")
    colour: Literal["red", "green"] = Field("red", description="of it")
    parts: list[Word] = Field(default_factory=list, description="of it")
    stone: Annotated[Stone | None, AlsoAs({"type": "boolean"})] = Field(None, description="in it")
    ripe: bool = Field(False, description="whether it is")

    @field_validator("colour")
    @classmethod
    def _not_red(cls, value: str) -> str:
        if value == "red":
            raise ValueError("red is out of season; choose green")
        return value


class EmptySpec(Options):
    """Nothing."""


class JarSpec(Options):
    jar: str = Field(description="which")


class BasketSpec(Options):
    basket: list[Annotated[Any, InForm("fruit")]] = Field(description="what is in it")
    handle: bool = Field(True, description="whether it has one")


@dataclass(frozen=True)
class FruitKind(OptionKind):
    """A kind without anything further."""


def _light(options: FruitSpec, where: str) -> None:
    if options.weight > 100:
        raise DistillirError("too heavy", where=f"{where}.weight")


FRUITS: Registry[FruitKind] = Registry(
    "fruit",
    None,
    FruitKind,
    {
        "apple": FruitKind("apple", "round", FruitSpec, "name", check=_light),
        "plum": FruitKind("plum", "blue", EmptySpec),
        "jam": FruitKind("jam", "sweet", ByKey("jar", JarSpec, FruitSpec), "name"),
        "basket": FruitKind("basket", "several", BasketSpec, "basket", beside=True),
    },
)
FORM = Form("fruit", FRUITS, "is no fruit", "write plum", several="several go into a basket")


@pytest.mark.parametrize(
    ("value", "name", "written"),
    [
        ("plum", "plum", {}),
        ({"plum": None}, "plum", {}),
        ({"plum": {}}, "plum", {}),
        ({"apple": "boskoop"}, "apple", {"name": "boskoop"}),
        ({"apple": {"name": "x", "weight": 2, "count": None}}, "apple", {"name": "x", "weight": 2, "count": None}),
        ({"jam": "x"}, "jam", {"name": "x"}),
        ({"jam": {"jar": "y"}}, "jam", {"jar": "y"}),
        ({"basket": ["plum"], "handle": False}, "basket", {"basket": ["plum"], "handle": False}),
    ],
)
def test_every_way_of_naming_one(value: Any, name: str, written: dict[str, Any]) -> None:
    chosen = FORM.read(value, "here")
    assert (chosen.name, chosen.written) == (name, written)
    assert [type(option) for option in chosen.written.values()] == [type(option) for option in written.values()]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3, "here: 3 is no fruit; write plum"),
        ({}, "here: {} is no fruit; write plum"),
        ("aple", "here: unknown fruit 'aple'; did you mean 'apple'? (choose from apple, plum, jam, basket)"),
        ({"aple": 1}, "here: unknown fruit 'aple'; did you mean 'apple'? (choose from apple, plum, jam, basket)"),
        ("my:FRUIT", "here: unknown fruit 'my:FRUIT'; choose from apple, plum, jam, basket"),
        ("apple", "here: apple needs more than its name; write {apple: name}"),
        ({"apple": None}, "here.apple: no name is named; write {apple: name}"),
        ({"apple": " "}, "here.apple: ' ' is no mapping; give a name, or {name: name}"),
        ({"plum": 3}, "here.plum: 3 is no mapping; give a mapping of its options ()"),
        ({"apple": "x", "plum": None}, "apple, plum beside each other; options go inside: {apple: {...}}; several go"),
        ({"apple": {3: 4}}, "here.apple: unknown key 3"),
        ({"apple": {"nam": "x"}}, "here.apple: unknown key 'nam'; did you mean 'name'?"),
        ({"apple": {"weight": 3}}, "here.apple: no name is named; write {apple: {name: name}}"),
        ({"apple": 7}, "here.apple: name is 7; give a word"),
        ({"apple": {"name": "x", "weight": "3"}}, "here.apple: weight is '3'; give a number"),
        ({"apple": {"name": "x", "weight": True}}, "here.apple: weight is True; give a number"),
        ({"apple": {"name": "x", "weight": float("inf")}}, "here.apple: weight is inf; give a number"),
        ({"apple": {"name": "x", "weight": 101}}, "here.apple.weight: too heavy"),
        ({"apple": {"name": "x", "share": 1}}, "here.apple: share is 1; give below 1"),
        ({"apple": {"name": "x", "share": 0.0}}, "here.apple: share is 0.0; give above 0"),
        ({"apple": {"name": "x", "count": 0}}, "here.apple: count is 0; give a whole number above 0"),
        ({"apple": {"name": "x", "count": 1.5}}, "here.apple: count is 1.5; give a whole number"),
        ({"apple": {"name": "x", "colour": "gren"}}, "unknown colour 'gren'; did you mean 'green'? (choose from red, "),
        ({"apple": {"name": "x", "colour": "red"}}, "here.apple.colour: red is out of season; choose green"),
        ({"apple": {"name": "x", "parts": "pip"}}, "here.apple: parts is 'pip'; give a list"),
        ({"apple": {"name": "x", "parts": ["pip", 3]}}, "here.apple: parts.1 is 3; give a word"),
        ({"apple": {"name": "x", "stone": 3}}, "here.apple: stone is 3; give a mapping"),
        ({"apple": {"name": "x", "stone": {"hrd": 1}}}, "here.apple.stone: unknown key 'hrd'; did you mean 'hard'?"),
        ({"apple": {"name": "x", "stone": {"size": 10}}}, "here.apple: stone.size is 10; give 9 or less"),
        ({"apple": {"name": "x", "ripe": "yes"}}, "here.apple: ripe is 'yes'; give true or false"),
        ({"basket": ["plum"], "handel": False}, "here: unknown key 'handel'; did you mean 'handle'?"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(value: Any, said: str) -> None:
    with pytest.raises(DistillirError) as refused:
        FORM.read(value, "here")
    assert said in str(refused.value) and len(str(refused.value).splitlines()) == 1


class Lunch(Part):
    first: Annotated[Any, InForm("fruit")] = Field(description="eaten first")
    second: Annotated[Any, InForm("fruit", null=True)] = Field(None, description="eaten then")


@pytest.mark.parametrize(
    ("fruit", "right"),
    [
        ("plum", True),
        ("apple", False),
        ({"apple": "x"}, True),
        ({"apple": {"name": "x", "stone": True}}, True),
        ({"apple": {"name": "x", "stone": {"hrd": True}}}, False),
        ({"apple": {"weight": 3}}, False),
        ({"jam": {"jar": "x"}}, True),
        ({"jam": {"jar": "x", "name": "y"}}, False),
        ({"basket": ["plum", {"basket": [{"apple": "x"}]}]}, True),
        ({"basket": ["plum", {"basket": [{"apple": {"nam": "x"}}]}]}, False),
        ({"basket": ["plum"], "handel": True}, False),
        ({"plum": {}, "apple": "x"}, False),
        ("my:FRUIT", False),
        (None, False),
    ],
)
def test_the_schema_says_the_same(fruit: Any, right: bool) -> None:
    schema = complete_schema(Lunch, {"fruit": FORM})
    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid({"first": fruit}) is right
    assert Draft202012Validator(schema).is_valid({"first": "plum", "second": fruit}) is (right or fruit is None)
