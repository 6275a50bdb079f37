"""The pages of docs/use give the vectors of the student itself, prompts and all: ``make test-real``.

Each runs whole, in an environment that has its library, on students whose queries and documents have different prompts.
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

pytestmark = [pytest.mark.real, pytest.mark.timeout(1200)]
PAGES = Path(__file__).parents[2] / "docs" / "use"
PROMPTS = {"query": "search query: ", "document": "search document: "}
INSTALLED = re.compile(r"^\$ pip install (.+)$", re.MULTILINE)
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

#: What each page says of its library where prompts are not told it: of a query, and of a student of two encoders.
UNTOLD = {
    "langchain": "HuggingFaceEmbeddings(model_name=folder).embed_query(queries[0])",
    "llamaindex": "HuggingFaceEmbedding(model_name=folder).get_query_embedding(queries[0])",
    "haystack": "SentenceTransformersTextEmbedder(model=folder).run(queries[0])['embedding']",
}
#: Classes that the pages name for other students.
NAMED = """
from llama_index.core.postprocessor import SentenceTransformerRerank
from haystack_integrations.components.embedders.sentence_transformers import SentenceTransformersSparseDocumentEmbedder
from haystack_integrations.components.embedders.sentence_transformers import SentenceTransformersSparseTextEmbedder
from haystack_integrations.components.rankers.sentence_transformers import SentenceTransformersSimilarityRanker
"""
KEEP = """
import json
made = [np.asarray(vectors).tolist() for vectors in (query_vectors, document_vectors)]
found = {"texts": [queries, documents], "vectors": made}
"""


@pytest.fixture(scope="module")
def python() -> Path:
    named = [name for page in sorted(UNTOLD) for name in INSTALLED.findall(_page(page))[0].split()]
    return environment(named)


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


def _page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def _run(python: Path, code: str, place: Path) -> Any:
    """What a script leaves in ``found``; it sees nothing of this session's modules, network and accelerator."""
    script = place / "script.py"
    script.write_text(code + "\njson.dump(found, open('found.json', 'w'))\n", encoding="utf-8")
    offline = {"HF_HUB_OFFLINE": "1", "HAYSTACK_TELEMETRY_ENABLED": "False", "CUDA_VISIBLE_DEVICES": ""}
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | offline
    done = subprocess.run([python, script], cwd=place, env=ours, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((place / "found.json").read_text(encoding="utf-8"))


def _check_vectors(found: Any, folder: Path) -> None:
    student = SentenceTransformer(str(folder), device="cpu")
    (queries, documents), (query_vectors, document_vectors) = found["texts"], found["vectors"]
    np.testing.assert_allclose(query_vectors, student.encode_query(queries), atol=1e-5)
    np.testing.assert_allclose(document_vectors, student.encode_document(documents), atol=1e-5)
    # A wrong prompt, or the other encoder, would be seen.
    for other in (student.encode(queries, prompt="", task="query"), student.encode_document(queries)):
        assert np.abs(student.encode_query(queries) - other).max() > 1e-3


@pytest.mark.parametrize("page", ["sentence-transformers", *UNTOLD])
def test_page_gives_the_students_own_vectors(page: str, python: Path, place: Path) -> None:
    code = "\n".join(CODE.findall(_page(page)))
    untold = UNTOLD.get(page)
    more = f"\nfolder = 'runs/mine/student'\nfound['untold'] = list(map(float, {untold}))\n" if untold else ""
    found = _run(python, code + KEEP + more, place)
    _check_vectors(found, place / "runs" / "mine" / "student")
    if untold:
        student = SentenceTransformer(str(place / "runs" / "mine" / "student"), device="cpu")
        np.testing.assert_allclose(found["untold"], student.encode(found["texts"][0][0], prompt=""), atol=1e-5)


@pytest.mark.parametrize("page", ["langchain", "haystack"])
def test_page_holds_for_two_encoders(page: str, python: Path, place: Path) -> None:
    code = CODE.findall(_page(page))[0].replace("runs/mine", "runs/asks")
    _check_vectors(_run(python, code + KEEP, place), place / "runs" / "asks" / "student")


def test_llamaindex_takes_the_documents_encoder_for_queries(python: Path, place: Path) -> None:
    lines = CODE.findall(_page("llamaindex"))[0].replace("runs/mine", "runs/asks")
    code = lines.split("# The check")[0]
    found = _run(python, code + KEEP, place)
    student = SentenceTransformer(str(place / "runs" / "asks" / "student"), device="cpu")
    wrong = student.encode(found["texts"][0], prompt_name="query", task="document")
    np.testing.assert_allclose(found["vectors"][0], wrong, atol=1e-5)
    np.testing.assert_allclose(found["vectors"][1], student.encode_document(found["texts"][1]), atol=1e-5)


def test_classes_for_other_students_are_there(python: Path, place: Path) -> None:
    assert _run(python, f"import json\n{NAMED}\nfound = True", place)
