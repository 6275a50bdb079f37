"""Kind of collection: where its texts and judgements come from, by the form in which a recipe names it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from distillir.collections.importing import ImportOptions
from distillir.collections.source import Source
from distillir.specs.form import Form
from distillir.specs.kind import OptionKind
from distillir.specs.part import Options, Word
from distillir.specs.registry import Registry


@dataclass(frozen=True, kw_only=True)
class CollectionKind(OptionKind):
    """A kind of collection, named ``kind``, ``kind:VALUE`` (the main option), or ``{kind: {options}}``.

    Attributes:
        open: ``(options, how it is imported)``: the source; no text is read yet. Raises a `DistillirError` where it
            is missing.
    """

    open: Callable[[Any, ImportOptions], Source]


class NothingSpec(Options):
    """No options."""


class IrdsSpec(Options):
    """A data set of ir_datasets."""

    id: Word = Field(description="its id, such as beir/scifact")


class HubSpec(Options):
    """A data set of the Hub in BEIR form."""

    repository: Word = Field(description="owner/name, or a local folder of that layout")


def _standard_library(options: NothingSpec, imported: ImportOptions) -> Source:
    from distillir.collections.standard_library import StandardLibrary

    return StandardLibrary()


def _irds(options: IrdsSpec, imported: ImportOptions) -> Source:
    from distillir.collections.irds_source import IrdsSource

    return IrdsSource(options.id, imported.splits)


def _hub(options: HubSpec, imported: ImportOptions) -> Source:
    from distillir.collections.hub_source import HubSource

    return HubSource(options.repository)


_ALL = (
    CollectionKind(
        "stdlib",
        "finding code by description in the standard library of the running Python; needs no download",
        NothingSpec,
        open=_standard_library,
    ),
    CollectionKind(
        "irds",
        "a data set of ir_datasets, for example irds:beir/scifact (extra: irds)",
        IrdsSpec,
        "id",
        open=_irds,
    ),
    CollectionKind(
        "hf",
        "a Hub data set in BEIR form, for example hf:BeIR/scifact, or such a folder",
        HubSpec,
        "repository",
        open=_hub,
    ),
)
COLLECTIONS: Registry[CollectionKind] = Registry(
    "collection",
    "distillir.collections",
    CollectionKind,
    {kind.name: kind for kind in _ALL},
    unknown="no collection {name}",
)
#: Collections by name; folders and files are told apart by `distillir.collections.spec`.
KINDS = Form("kind of collection", COLLECTIONS, "is no collection", "write stdlib, or the path of a folder")
