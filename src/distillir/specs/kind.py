"""Kinds with options: what a recipe names as ``kind``, ``{kind: name}`` or ``{kind: {options}}``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from distillir.specs.part import Part


@dataclass(frozen=True)
class ByKey:
    """Options that are of one form where a key is there, and of another where it is not.

    Attributes:
        key: The key that tells them apart.
        there: Form of the options with it.
        absent: Form of the options without.
    """

    key: str
    there: type[Part]
    absent: type[Part]


def _nothing(options: Any, where: str) -> None:
    """Check nothing further."""


@dataclass(frozen=True)
class OptionKind:
    """A kind, and the options that it takes.

    Attributes:
        name: As recipes write it.
        description: One line for people.
        spec: Its options; each field has a description, which stands in the JSON schema.
        main: The option that a bare value stands for: ``model`` for ``{dense: name}``; None: there is no such form.
        beside: Whether its other options stand beside its name and not inside: ``{ensemble: [...], weights: [...]}``.
        filled_in: Whether a recipe fills in what a name that stands alone lacks, as for ``dense`` among teachers:
            the model of the documents that a student keeps.
        check: ``(options, where)``: raises a `DistillirError` for what types cannot say; nothing is loaded.
    """

    name: str
    description: str
    spec: type[Part] | ByKey
    main: str | None = None
    beside: bool = False
    filled_in: bool = False
    check: Callable[[Any, str], None] = _nothing

    @property
    def specs(self) -> tuple[type[Part], ...]:
        """The forms that its options may have."""
        return (self.spec.absent, self.spec.there) if isinstance(self.spec, ByKey) else (self.spec,)

    def spec_of(self, options: Mapping[str, Any]) -> type[Part]:
        """The form that some options are meant to have."""
        if isinstance(self.spec, ByKey):
            return self.spec.there if self.spec.key in options else self.spec.absent
        return self.spec

    @property
    def stands_alone(self) -> bool:
        """Tell whether the name is enough, without options."""
        return any(not any(info.is_required() for info in spec.model_fields.values()) for spec in self.specs)
