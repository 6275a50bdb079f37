"""One and two processes: the same first loss and gradient of the same lists, by every objective."""

import os
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from first_step import CASES, Step, first_steps, names

from command_line import Two
from distillir.collections import Collection
from distillir.objectives.registry import OBJECTIVES

PROGRAM = Path(__file__).with_name("first_step.py")
#: Relative. Scores are float32 (good for 6e-8), and added up in another order.
CLOSE = 1e-6
Steps = dict[str, Step]
Means = list[list[float] | None]


@pytest.fixture(scope="session")
def small_model(small_models: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of a masked language model of few words, so narrow that a step takes no time."""
    from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    tokenizer = AutoTokenizer.from_pretrained(small_models / "tokenizer")
    config = BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, initializer_range=0.3, **sizes)
    folder = str(tmp_path_factory.mktemp("small") / "model")
    BertForMaskedLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def steps(tiny: Collection, tmp_path_factory: pytest.TempPathFactory, small_model: str) -> tuple[Steps, Steps, Means]:
    """First steps by one process, in one piece, and in parts by two processes, which are started once a session.

    And `first_step.averaged` of the two.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "first-steps"
    with FileLock(f"{folder}.lock"):
        if not (folder / "one.pt").is_file():
            _first_steps(tiny, folder, small_model)
    one = torch.load(folder / "one.pt")
    two, means = torch.load(folder / "two" / "two.pt")
    return *({name: Step(**step) for name, step in found.items()} for found in (one, two)), means


def _first_steps(tiny: Collection, folder: Path, small_model: str) -> None:
    """Write ``one.pt`` and ``two/two.pt``."""
    folder.mkdir(exist_ok=True)
    both = Two(tiny.path, folder / "two", small_model, program=PROGRAM)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        one = first_steps(tiny, folder / "one", small_model, parts=False)
    finally:
        torch.set_num_threads(threads)
        done = both.wait()
    assert done.returncode == 0, done.stderr[-3000:]
    torch.save({name: vars(step) for name, step in one.items()}, folder / "one.pt")


def test_every_objective_is_tried() -> None:
    given = [case.objective for case in CASES.values()]
    assert {name for one in given for name in ([one] if isinstance(one, str) else one)} == set(OBJECTIVES)


@pytest.mark.xdist_group("first steps")
@pytest.mark.parametrize("name", names())
def test_two_processes_do_in_parts_as_one_does(name: str, steps: tuple[Steps, Steps, Means]) -> None:
    one, two = (found[name] for found in steps[:2])
    assert two.log.keys() == one.log.keys() and one.log["loss"] > 0
    assert two.log == pytest.approx(one.log, rel=CLOSE)
    assert one.gradient is not None and two.gradient is not None
    off = float((two.gradient - one.gradient).norm() / one.gradient.norm())
    assert off < 3 * CLOSE


@pytest.mark.xdist_group("first steps")
@pytest.mark.parametrize("case", CASES)
def test_lists_hold_a_positive_where_something_compares_it(case: str, steps: tuple[Steps, Steps, Means]) -> None:
    given = CASES[case]
    needed = given.beside in ("dark", "layers") or any(name in given.objective for name in ("ckl", "info_nce", "bce"))
    assert {step.positives for name, step in steps[0].items() if name.split("/")[0] == case} == {needed}


@pytest.mark.xdist_group("first steps")
def test_gradients_that_one_process_lacks_are_averaged(steps: tuple[Steps, Steps, Means]) -> None:
    assert steps[2] == [[1.0, 4.5], [0.5, 2.5], None]
