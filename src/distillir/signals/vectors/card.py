"""The model card of a linear map that was trained along."""

from distillir.base.version import __version__

_CARD = """---
library_name: sentence-transformers
tags: [sentence-transformers, distillir, distillation]
---

# From the student's vectors to those of {model}

The linear map that [distillir] {version} trained along with the student in `../student` of the same run. The student
needs it for nothing by itself: with it its vectors lie beside those of `{model}`.

```python
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize

student = SentenceTransformer("../student")
student.append(Dense.load("."))
student.append(Normalize())
queries = student.encode_query(["..."])  # to be compared with documents that {model} has encoded
```
"""


def projection_card(model: str) -> str:
    """Markdown beside the linear map to a model's vectors."""
    return _CARD.format(model=model, version=__version__)
