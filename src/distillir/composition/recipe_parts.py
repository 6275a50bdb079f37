"""Parts of a recipe that are composed."""

from typing import TYPE_CHECKING, Any, Protocol, Self

from distillir.signals.recipe_parts import RecipeParts

if TYPE_CHECKING:
    from distillir.methods.spec import MethodSpec
    from distillir.plans.settings import TrainingSettings
    from distillir.students.spec import StudentSpec


class MinedCandidates(Protocol):
    """Candidates of a recipe as its composition knows them."""

    @property
    def from_(self) -> Any:
        """The sources as they are written."""

    @property
    def depth(self) -> int:
        """Candidates a query."""

    @property
    def guard(self) -> Any:
        """The false-negative guard; None for none."""


class MadeQueries(Protocol):
    """Queries of a recipe as its composition knows them."""

    @property
    def round_trip(self) -> int | None:
        """Rank of its document that keeps a made query; None: all are kept."""


class ComposedParts(RecipeParts, Protocol):
    """A recipe (`distillir.recipe.Recipe`) as its composition knows it."""

    @property
    def teaching(self) -> str | None:
        """The teaching set made elsewhere; None for none."""

    @property
    def student(self) -> "StudentSpec":
        """The student."""

    @property
    def queries(self) -> MadeQueries:
        """The queries that are learnt from."""

    @property
    def candidates(self) -> MinedCandidates:
        """The documents that the teacher scores for each query."""

    @property
    def method(self) -> "MethodSpec":
        """The method."""

    @property
    def objective(self) -> Any:
        """The objective in place of the method's own, as it is written; None for none."""

    @property
    def training(self) -> "TrainingSettings":
        """Settings of the training."""

    def resolved(self) -> dict[str, Any]:
        """Every setting written out."""

    @classmethod
    def model_validate(cls, obj: Any) -> Self:
        """A recipe of what `resolved` gives."""
