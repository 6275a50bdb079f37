import pytest
import torch

from distillir.base.errors import DistillirError
from distillir.students.load import load_student
from distillir.students.slim import kept_layers


@pytest.mark.parametrize(
    ("total", "keep", "expected"),
    [(6, 3, [0, 3, 5]), (6, 2, [0, 5]), (6, 1, [0]), (6, 6, [0, 1, 2, 3, 4, 5]), (12, 4, [0, 4, 7, 11])],
)
def test_layers_are_evenly_spaced(total: int, keep: int, expected: list[int]) -> None:
    assert kept_layers(total, keep) == expected


def test_a_slim_student_has_the_layers_of_the_whole(whole_minilm: str) -> None:
    whole = load_student(whole_minilm, device="cpu")
    slim = load_student(whole_minilm, layers=3, device="cpu")
    for kept, original in enumerate([0, 3, 5]):
        own = slim[0].auto_model.encoder.layer[kept].state_dict()
        for name, value in whole[0].auto_model.encoder.layer[original].state_dict().items():
            assert torch.equal(own[name], value)


def test_a_slim_student_is_saved_as_what_it_is(whole_minilm: str, tmp_path: object) -> None:
    from sentence_transformers import SentenceTransformer

    slim = load_student(whole_minilm, layers=2, max_length=32, device="cpu")
    slim.save_pretrained(str(tmp_path))
    loaded = SentenceTransformer(str(tmp_path), device="cpu")
    text = "A saved student gives the same vectors as before it was saved. " * 9
    assert loaded[0].auto_model.config.num_hidden_layers == 2
    assert abs(loaded.encode([text]) - slim.encode([text])).max() < 1e-6


def test_impossible_students_are_refused(whole_minilm: str, tmp_path: object) -> None:
    with pytest.raises(DistillirError, match="choose 1 to 6"):
        load_student(whole_minilm, layers=7)
    with pytest.raises(DistillirError, match="at most 512"):
        load_student(whole_minilm, max_length=1000)
    with pytest.raises(DistillirError, match="is no model folder"):
        load_student("./nowhere/at/all")
    with pytest.raises(DistillirError, match="folder without a model"):
        load_student(str(tmp_path))
