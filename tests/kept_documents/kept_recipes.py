"""Small recipes with documents kept, one for each kind of student."""

from pathlib import Path
from typing import Any

import pytest

#: Kinds of which documents are kept.
KINDS = ("dense", "multi-vector", "sparse")
#: Tokens of a document that the documents' models read.
READ = 24


def kept_recipe(collection: Path, kind: str, model: str) -> dict[str, Any]:
    """A recipe of a second: one layer of a model asks for what that model has made of the documents.

    Args:
        collection: Its folder.
        kind: Of the student, and of what is kept.
        model: Folder of a model of that kind.
    """
    return {
        "collection": str(collection),
        "teacher": {"ensemble": ["bm25", kind]},
        "student": {
            "model": model,
            "kind": kind,
            "layers": 1,
            "documents": {kind: {"model": model, "max_length": READ}},
        },
        "candidates": {"from": ["bm25", kind], "depth": 8, "add_judged": True},
        "method": "kl",
        "training": {"epochs": 1, "queries_per_step": 4, "learning_rate": 1e-3, "select": "none"},
        "evaluation": {"measures": ["nDCG@10"], "depth": 20},
    }


@pytest.fixture(scope="session")
def kept_models(small_models: Path, late_model: str) -> dict[str, str]:
    """Folder of a model of each kind, of the same two layers."""
    return {"dense": str(small_models / "base"), "multi-vector": late_model, "sparse": str(small_models / "mlm")}
