"""Training files of other programs: margins of several positives, texts by themselves, keys that nobody knows."""

import subprocess
from pathlib import Path

import pytest
from test_training_files import BOILS, GREEN, SOFT, texts, write

from distillir.base.errors import DistillirError
from distillir.teaching import import_teaching


def test_margins_of_two_positives_stay_two_lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A margin to one positive says nothing of where another positive stands; lists without margins still meet."""
    file = write(
        tmp_path / "in.jsonl",
        {"query": "kettle", "positive": BOILS, "negative": SOFT, "label": 5.0},
        {"query": "kettle", "positive": GREEN, "negative": SOFT, "label": 2.0},
        {"query": "kettle", "positive": BOILS, "negative": "a tram", "label": 3.0},
    )
    lists = import_teaching("auto", file, None, tmp_path / "set")
    assert [texts(lists, index) for index in range(2)] == [
        [(BOILS, 5.0, True), (SOFT, 0.0, False), ("a tram", 2.0, False)],
        [(GREEN, 2.0, True), (SOFT, 0.0, False)],
    ]
    told = " ".join(capsys.readouterr().err.split())
    assert "3 margins of 1 queries became 2 lists, one for each positive" in told
    assert "pairs or triplets became" not in told


def test_a_text_by_itself_is_a_list_of_one(tmp_path: Path) -> None:
    line = {"query": "kettle", "pos": BOILS, "neg": GREEN, "pos_scores": 2.5, "neg_scores": [1]}
    lists = import_teaching("auto", write(tmp_path / "in.jsonl", line), None, tmp_path / "set")
    assert texts(lists) == [(BOILS, 2.5, True), (GREEN, 1.0, False)]


def test_unknown_keys_are_renamed_by_the_command_that_is_told(tmp_path: Path) -> None:
    file = write(tmp_path / "in.jsonl", {"frage": "kettle", "antwort": BOILS, "falsche antwort": GREEN})
    with pytest.raises(DistillirError, match=r"rename the keys") as caught:
        import_teaching("auto", file, None, tmp_path / "none")
    command = str(caught.value).split("for example: ")[1].split("; or say")[0].replace("FILE", file.name)
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    lists = import_teaching("auto", tmp_path / "NEW.jsonl", None, tmp_path / "set")
    assert texts(lists) == [(BOILS, None, True), (GREEN, None, False)]
