"""Saving a model: no bar of transformers' own."""

from pathlib import Path

import pytest
from transformers.utils import logging as transformers_logging

from distillir.encoding.models import load_sentence_transformer
from distillir.encoding.saving import save_model


def test_saving_shows_no_bar(small_models: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = load_sentence_transformer(small_models / "base")
    transformers_logging.enable_progress_bar()
    capfd.readouterr()
    model.save_pretrained(str(tmp_path / "by-itself"))
    assert "Writing model shards" in capfd.readouterr().err
    save_model(model, tmp_path / "quietly")
    assert not capfd.readouterr().err
    assert transformers_logging.is_progress_bar_enabled()
