"""Method: a plan and an objective under one name."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Method:
    """What a recipe's ``method:`` stands for.

    Attributes:
        name: As recipes write it.
        description: One line for people.
        source: Paper.
        plan: Name of the plan (what the student sees).
        objective: The objective as a recipe writes it (what is compared).
        dark: Whether dark examples stand beside the lists.
    """

    name: str
    description: str
    source: str
    plan: str
    objective: Any
    dark: bool = False
