"""Parts of a recipe that signals read."""

from typing import Any, Protocol


class RecipeParts(Protocol):
    """A recipe (`distillir.recipe.Recipe`) as signals know it."""

    @property
    def teacher(self) -> Any:
        """The teacher as it is written; None for none."""

    @property
    def queries(self) -> Any:
        """The queries that are learnt from: split, unjudged ones, how many are made."""

    @property
    def student(self) -> Any:
        """The student: model, kind, towers, prompts."""

    @property
    def method(self) -> Any:
        """The method: name, rounds."""

    @property
    def objective(self) -> Any:
        """The objective as it is written; None: the method's own."""

    @property
    def training(self) -> Any:
        """Settings of the training (`distillir.plans.settings.TrainingSettings`)."""

    @property
    def evaluation(self) -> Any:
        """The evaluation of a recipe: its split and precision."""

    @property
    def query_seed(self) -> int:
        """Seed of which queries are chosen, and of what is made of them."""
