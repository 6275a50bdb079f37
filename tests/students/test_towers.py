"""Separate towers: alike at first, apart after training, loaded by sentence-transformers alone."""

from pathlib import Path

import numpy as np
import pytest
import torch

from command_line import without_distillir
from distillir.base.errors import DistillirError
from distillir.encoding.vectors import encode_texts
from distillir.students.load import load_student
from distillir.students.towers import has_towers, separate

TEXTS = ["Bees see ultraviolet marks on petals.", "The moon pulls at the sea."]


def test_towers_begin_as_the_model_and_train_apart(minilm_path: str, tmp_path: Path) -> None:
    model = load_student(minilm_path, layers=1, max_length=32, device="cpu")
    towers = load_student(minilm_path, layers=1, max_length=32, towers="separate", device="cpu")
    assert has_towers(towers) and not has_towers(model)
    before = encode_texts(model, TEXTS, kind="query", precision="float32")
    for kind in ("query", "document"):
        own = encode_texts(towers, TEXTS, kind=kind, precision="float32")
        np.testing.assert_allclose(own, before, atol=1e-6)

    with torch.no_grad():
        for parameter in towers[0].sub_modules["document"].parameters():
            parameter.add_(0.01)
    changed = encode_texts(towers, TEXTS, kind="document", precision="float32")
    np.testing.assert_allclose(encode_texts(towers, TEXTS, kind="query", precision="float32"), before, atol=1e-6)
    assert np.abs(changed - before).max() > 1e-3

    towers.save_pretrained(str(tmp_path / "towers"), create_model_card=False)
    np.save(tmp_path / "changed.npy", changed)
    code = (
        "import numpy as np\nfrom sentence_transformers import SentenceTransformer\n"
        f"model = SentenceTransformer({str(tmp_path / 'towers')!r}, device='cpu')\n"
        f"wanted = np.load({str(tmp_path / 'changed.npy')!r})\n"
        f"np.testing.assert_allclose(model.encode_document({TEXTS!r}), wanted, atol=1e-5)\n"
        "assert model.max_seq_length == 32\n"
    )
    without_distillir(code)


def test_two_towers_are_not_doubled(minilm_path: str) -> None:
    towers = load_student(minilm_path, layers=1, towers="separate", device="cpu")
    with pytest.raises(DistillirError, match="already"):
        separate(towers)
