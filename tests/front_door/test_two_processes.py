"""Two processes call the same functions of the front door, and get what one gets."""

import json
import sys
from pathlib import Path

import pytest

from command_line import in_two

#: As a program: COLLECTION OUTPUT MODEL. Saves a student for a moment, keeps a teaching set, measures a loaded model.
SCRIPT = """
import json
import os
import sys
from pathlib import Path

from sentence_transformers import SentenceTransformer

import distillir

collection = distillir.load_collection(sys.argv[1])
student = {"model": sys.argv[3], "layers": 1, "max_length": 16}
candidates = distillir.mine(collection, ["bm25", "dense"], depth=5, student=student)
teaching = distillir.score(collection, candidates, teacher="bm25", output=Path(sys.argv[2]) / "set")
model = SentenceTransformer(sys.argv[3], device="cpu")
measures = distillir.evaluate(collection, model, measures="MRR@10", depth=10)
told = [candidates.ids(), [teaching.scores(index).tolist() for index in range(len(teaching))], dict(measures)]
(Path(sys.argv[2]) / f"{os.environ.get('RANK', 'one')}.json").write_text(json.dumps(told))
"""


def test_two_processes_find_and_score_as_one(
    tiny_beir: Path, minilm_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = in_two(tiny_beir, tmp_path, minilm_path, program=SCRIPT, TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr[-3000:]
    monkeypatch.setattr(sys, "argv", ["script.py", str(tiny_beir), str(tmp_path), minilm_path])
    exec(SCRIPT, {})
    first, second, one = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("0", "1", "one"))
    assert first == second == one
    assert not list(tmp_path.glob("distillir-*")), "a folder of a moment was left behind"
