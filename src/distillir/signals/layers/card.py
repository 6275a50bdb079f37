"""The model card of a teacher that was trained along."""

from distillir.base.version import __version__
from distillir.signals.layers.spec import LayerSpec
from distillir.students.registry import STUDENTS
from distillir.teachers.layered_kinds import FORM

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
    chosen = FORM.read(spec.teacher, "method.layers.teacher")
    model = str(chosen.options.model)
    return _TEACHER_CARD.format(
        name=f"{model.rstrip('/').rsplit('/', 1)[-1]} trained along on {collection}",
        version=__version__,
        method=f"`{method}` with layers of a joint teacher",
        loader="CrossEncoder" if chosen.name == "cross-encoder" else STUDENTS.get(chosen.name).loader,
        model=model,
        collection=collection,
    )
