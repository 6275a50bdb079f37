"""The pages of docs/use give the vectors of the student itself, prompts and all.

Each runs whole, on students whose queries and documents have different prompts; those that need further libraries in an
environment that has them (``make test-real``).
"""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from use_environment import environment

from distillir.encoding.saving import save_model
from distillir.students.load import load_student_of
from distillir.students.spec import StudentSpec

PAGES = Path(__file__).parents[2] / "docs" / "use"
# Of words that the small models know: two unknown ones would be alike.
PROMPTS = {"query": "bees dance: ", "document": "the moon: "}
INSTALLED = re.compile(r"^\$ pip install (.+)$", re.MULTILINE)
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

#: What each page says of its library where prompts are not told it: a query then has none.
UNTOLD = {
    "langchain": "HuggingFaceEmbeddings(model_name='runs/mine/student').embed_query(queries[0])",
    "llamaindex": "HuggingFaceEmbedding(model_name='runs/mine/student').get_query_embedding(queries[0])",
    "haystack": "SentenceTransformersTextEmbedder(model='runs/mine/student').run(queries[0])['embedding']",
}
#: Classes that the pages name for other students.
NAMED = """
from llama_index.core.postprocessor import SentenceTransformerRerank
from haystack_integrations.components.embedders.sentence_transformers import SentenceTransformersSparseDocumentEmbedder
from haystack_integrations.components.embedders.sentence_transformers import SentenceTransformersSparseTextEmbedder
from haystack_integrations.components.rankers.sentence_transformers import SentenceTransformersSimilarityRanker
queries = documents = query_vectors = document_vectors = []
"""


@pytest.fixture(scope="module")
def place(small_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``runs/mine``, a student of one encoder, and ``runs/asks``, of two, its query encoder beside it."""
    folder = tmp_path_factory.mktemp("use")
    one = {"model": str(small_models / "base"), "max_length": 32, "prompts": PROMPTS}
    for name, towers in (("mine", "shared"), ("asks", "separate")):
        student = load_student_of(StudentSpec.model_validate({**one, "towers": towers}), device="cpu")
        if towers == "separate":
            with torch.no_grad():
                for parameter in student[0].sub_modules["document"].parameters():
                    parameter.add_(0.01)
            parts = list(student[0].sub_modules["query"])
            alone = SentenceTransformer(modules=parts, prompts={"query": PROMPTS["query"]}, device="cpu")
            save_model(alone, folder / "runs" / name / "student" / "query-encoder", create_model_card=False)
        save_model(student, folder / "runs" / name / "student", create_model_card=False)
    return folder


@pytest.fixture(scope="module")
def found(place: Path) -> Any:
    """What the pages leave, run one after the other in one process, without network and accelerator."""
    python = environment([name for page in UNTOLD for name in INSTALLED.findall(_page(page))[0].split()])
    pieces = {"classes": NAMED}
    for page, untold in UNTOLD.items():
        blocks = CODE.findall(_page(page))
        pieces[page] = "\n".join([*blocks, f"untold = {untold}"])
        # The page's own check is another test's: it fails in LlamaIndex, as the page says.
        pieces[f"{page}, two encoders"] = blocks[0].replace("runs/mine", "runs/asks").split("# The check")[0]
    asked, answered = place / "pieces.json", place / "found.json"
    asked.write_text(json.dumps(pieces), encoding="utf-8")
    offline = {"HF_HUB_OFFLINE": "1", "HAYSTACK_TELEMETRY_ENABLED": "False", "CUDA_VISIBLE_DEVICES": ""}
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | offline
    program = Path(__file__).with_name("run_use_pages.py")
    done = subprocess.run([python, program, asked, answered], cwd=place, env=ours, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(answered.read_text(encoding="utf-8"))


def _page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def _student(place: Path, run: str) -> SentenceTransformer:
    return SentenceTransformer(str(place / "runs" / run / "student"), device="cpu")


def _check(student: SentenceTransformer, queries: list[str], documents: list[str], vectors: Any) -> None:
    np.testing.assert_allclose(vectors["query"], student.encode_query(queries), atol=1e-5)
    np.testing.assert_allclose(vectors["document"], student.encode_document(documents), atol=1e-5)
    # A wrong prompt, or the other encoder, would be seen.
    for other in (student.encode(queries, prompt="", task="query"), student.encode_document(queries)):
        assert np.abs(student.encode_query(queries) - other).max() > 1e-3


@pytest.mark.parametrize("run", ["mine", "asks"])
def test_sentence_transformers(run: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    names: dict[str, Any] = {}
    exec("\n".join(CODE.findall(_page("sentence-transformers"))).replace("runs/mine", f"runs/{run}"), names)
    vectors = {"query": names["query_vectors"], "document": names["document_vectors"]}
    _check(_student(place, run), names["queries"], names["documents"], vectors)


@pytest.mark.real
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("page", UNTOLD)
def test_page_gives_the_students_own_vectors(page: str, found: Any, place: Path) -> None:
    left = found[page]
    assert "error" not in left, left["error"]
    student = _student(place, "mine")
    _check(student, left["queries"], left["documents"], left)
    np.testing.assert_allclose(left["untold"], student.encode(left["queries"][0], prompt=""), atol=1e-5)


@pytest.mark.real
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("page", UNTOLD)
def test_two_encoders_are_as_the_page_says(page: str, found: Any, place: Path) -> None:
    left = found[f"{page}, two encoders"]
    assert "error" not in left, left["error"]
    student = _student(place, "asks")
    if page == "llamaindex":  # the documents' encoder, for queries too
        left["query"], taken = student.encode_query(left["queries"]), left["query"]
        np.testing.assert_allclose(
            taken, student.encode(left["queries"], prompt_name="query", task="document"), atol=1e-5
        )
    _check(student, left["queries"], left["documents"], left)


@pytest.mark.real
@pytest.mark.timeout(1800)
def test_classes_for_other_students_are_there(found: Any) -> None:
    assert "error" not in found["classes"], found["classes"]["error"]
