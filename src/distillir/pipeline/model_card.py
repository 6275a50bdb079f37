"""The model card of a trained student: where it comes from, how to load it, whom to cite."""

from collections.abc import Sequence
from typing import Any

from distillir.base.version import __version__
from distillir.base.yaml_file import dump_yaml
from distillir.collections import Collection
from distillir.composition.compose import Composition
from distillir.methods.registry import METHODS
from distillir.recipe import Recipe

_CARD = """---
library_name: sentence-transformers
pipeline_tag: {task}
tags: [sentence-transformers, distillir, distillation, information-retrieval]
---

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

What it gained is told by `report.html` and `metrics.json` of the run that made it.

## Recipe

```yaml
{recipe}```
"""


def model_card(recipe: Recipe, collection: Collection, method: Composition, also: Sequence[str] = ()) -> str:
    """Markdown with the front matter that model hubs read; ``also`` are other collections that it is measured on."""
    # Of a method's own objective, and of one objective alone that a method is made of; any other has its own line.
    named = method.name == recipe.method.name or method.name in METHODS.names()
    # What learns from signals alone is described by the method that says so, and by their papers.
    own = METHODS.get(method.name) if named else None if method.objective.parts else METHODS.get(recipe.method.name)
    parts: list[Any] = [own] if own else [part for part, _, _ in method.objective.parts]
    cited = [METHODS.get(signal.kind.method) for signal in method.signals if signal.kind.method]
    parts += [paper for paper in cited if paper is not own]
    student, kind = recipe.student, recipe.student.own_kind
    return _CARD.format(
        name=f"{student.model.rstrip('/').rsplit('/', 1)[-1]} distilled on {collection.name}",
        task=kind.task,
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
        recipe=dump_yaml(recipe.resolved()),
    )
