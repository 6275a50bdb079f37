"""The model card of a teacher that was trained along."""

from distillir.base.version import __version__
from distillir.signals.layers.spec import LayerSpec
from distillir.students.load import CLASSES

_TEACHER_CARD = """---
library_name: sentence-transformers
tags: [sentence-transformers, distillir, distillation, information-retrieval]
---

# {name}

The teacher that [distillir] {version} trained along with a student ({method}), in `../student` of the same run.

```python
from sentence_transformers import {loader}

model = {loader}("path/to/this/folder")
```

Started from `{model}`, trained on {collection}; licence and citation are those of that model.
"""


def teacher_card(method: str, collection: str, spec: LayerSpec) -> str:
    """Markdown beside a teacher that was trained along; names of the method and the collection."""
    kind, value = next(iter(spec.teacher.items()))
    model = str(value["model"] if isinstance(value, dict) else value)
    return _TEACHER_CARD.format(
        name=f"{model.rstrip('/').rsplit('/', 1)[-1]} trained along on {collection}",
        version=__version__,
        method=f"`{method}` with layers of a joint teacher",
        loader="CrossEncoder" if kind == "cross-encoder" else CLASSES[kind],
        model=model,
        collection=collection,
    )
