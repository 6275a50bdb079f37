"""Fixtures of the training tests: lists and a small student."""

from pathlib import Path
from typing import Any

import pytest

from distillir.batches.tokens import tokenise
from distillir.collections import Collection
from distillir.students.load import load_student
from distillir.training.collator import LessonCollator
from example_lists import ExampleLists


@pytest.fixture
def lists(tiny: Collection) -> ExampleLists:
    return ExampleLists(tiny)


@pytest.fixture
def student(minilm_path: str) -> Any:
    """One layer of MiniLM, on the CPU, without dropout's randomness."""
    model = load_student(minilm_path, layers=1, max_length=48, device="cpu")
    model.eval()
    return model


@pytest.fixture
def collator(tmp_path: Path, student: Any, tiny: Collection, lists: ExampleLists) -> LessonCollator:
    rows = [row for i in range(len(lists.queries)) for row in lists.documents(i)]
    queries = tokenise(tmp_path / "q", student, tiny.queries, lists.queries, kind="query")
    documents = tokenise(tmp_path / "d", student, tiny.corpus, rows, kind="document")  # type: ignore[arg-type]
    return LessonCollator(queries, documents, budget=128)
