"""The model card of a trained student: where it comes from, what it gained, how to load it, whom to cite.

Written with huggingface_hub's own classes, so that a hub reads what it says.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from yaml import YAMLError

from distillir.base.errors import DistillirError
from distillir.base.version import __version__
from distillir.base.yaml_file import dump_yaml
from distillir.collections import Collection
from distillir.composition.compose import Composition
from distillir.encoding.loading import PACKAGED
from distillir.encoding.model_files import resolve_model
from distillir.methods.registry import METHODS
from distillir.pipeline.card_measures import BEGIN, END
from distillir.recipe import Recipe

_TAGS = ["sentence-transformers", "distillir", "distillation", "information-retrieval"]
_BODY = """
# {name}

A {kind} {noun} distilled by [distillir] {version} with the method `{method}`.

```python
{usage}```

| | |
|---|---|
| started from | `{model}`{layers} |
| collection | {collection} |{also}
| teacher | `{teacher}` |
| method | {description} |
| objective | `{objective}` |
| licence | {licence} |

## Measures

{begin}
Not measured yet.
{end}

## Whom to cite

{papers}

## Recipe

```yaml
{recipe}```
"""


def model_card(recipe: Recipe, collection: Collection, method: Composition, also: Sequence[str] = ()) -> str:
    """Markdown with the front matter that model hubs read.

    Args:
        recipe: What the student was made of.
        collection: What it was trained on.
        method: The recipe's, composed.
        also: Other collections that it is measured on.
    """
    from huggingface_hub import ModelCard, ModelCardData

    # Of a method's own objective, and of one objective alone that a method is made of; any other has its own line.
    named = method.name == recipe.method.name or method.name in METHODS.names()
    # What learns from signals alone is described by the method that says so, and by their papers.
    own = METHODS.get(method.name) if named else None if method.objective.parts else METHODS.get(recipe.method.name)
    parts: list[Any] = [own] if own else [part for part, _, _ in method.objective.parts]
    cited = [METHODS.get(signal.kind.method) for signal in method.signals if signal.kind.method]
    parts += [paper for paper in cited if paper is not own]
    student, kind = recipe.student, recipe.student.own_kind
    model, licence = student.model.rstrip("/"), base_licence(student.model)
    name = f"{model.rsplit('/', 1)[-1]} distilled on {collection.name}"
    data = ModelCardData(
        library_name="sentence-transformers",
        pipeline_tag=kind.task,
        tags=_TAGS,
        model_name=name,
        base_model=_on_hub(model),
        license=licence,
    )
    body = _BODY.format(
        name=name,
        kind=student.kind,
        noun=kind.noun,
        usage=kind.usage(),
        version=__version__,
        method=method.name,
        model=student.model,
        layers=f", {student.layers} of its layers" if student.layers else "",
        collection=collection.name,
        also=f"\n| also measured on | {', '.join(also)} |" if also else "",
        teacher=recipe.teacher or recipe.teaching or ("none: judgements alone" if method.objective.parts else "none"),
        description="; ".join(f"{part.description} ({part.source})" for part in parts),
        objective=method.objective.spec or "none",
        licence=f"{licence}, of the model that it started from"
        if licence
        else "not known: see the model it started from",
        begin=BEGIN,
        end=END,
        papers="\n".join(f"- {_linked(source)}" for source in dict.fromkeys(part.source for part in parts)),
        recipe=dump_yaml(recipe.resolved()),
    )
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n{body}"))


def base_licence(model: str) -> str | None:
    """The licence that a model's own card names; None where there is no card here, or none in it."""
    from huggingface_hub import ModelCard

    try:
        card = Path(resolve_model(model)) / "README.md"
        licence = ModelCard.load(card).data.license if card.is_file() else None
    except (DistillirError, ValueError, OSError, YAMLError):  # not there, or no card that can be read
        return None
    return licence if isinstance(licence, str) else None


def _on_hub(model: str) -> str | None:
    """A model's name on the hub; None for a folder, which means nothing there."""
    if Path(model).expanduser().exists():
        return None
    if model in PACKAGED:
        return f"sentence-transformers/{model}"
    return model if re.fullmatch(r"[\w.-]+/[\w.-]+", model) else None


def _linked(source: str) -> str:
    """A source with its arXiv numbers as links."""
    return re.sub(r"arXiv (\d{4}\.\d{4,5})", r"[arXiv \1](https://arxiv.org/abs/\1)", source)
