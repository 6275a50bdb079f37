"""The student's card: front matter that a hub reads, the base model's licence, and measures that an evaluation adds."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from command_line import distillir
from distillir.collections import Collection
from distillir.composition.compose import compose
from distillir.pipeline.card_measures import BEGIN, END, measured_card
from distillir.pipeline.model_card import base_licence, model_card
from distillir.recipe.read import parse_recipe

METRICS: dict[str, Any] = {
    "collection": 'swifts: "7"',
    "split": "test",
    "queries": 12,
    "teacher": {"nDCG@10": 0.9},
    "after": {"nDCG@10": 0.75, "MRR@10": 0.5},
    "comparison": [
        {"measure": "nDCG@10", "before": 0.5, "after": 0.75, "low": 0.1, "high": 0.4, "p_value": 0.0004},
        {"measure": "MRR@10", "before": 0.5, "after": 0.5, "low": -0.1, "high": 0.1, "p_value": 1.0},
    ],
    "also": {
        "tools": {
            "comparison": [
                {"measure": "nDCG@10", "before": 0.3, "after": 0.2, "low": -0.2, "high": 0.0, "p_value": 0.04}
            ]
        }
    },
}


def _read(card: str) -> Any:
    """The card as huggingface_hub reads it."""
    from huggingface_hub import ModelCard

    return ModelCard(card)


def _card(tiny: Collection, **changes: Any) -> str:
    recipe = parse_recipe(
        {"collection": "x", "teacher": "bm25", "student": "all-MiniLM-L6-v2", "method": "ckl", **changes}
    )
    return model_card(recipe, tiny, compose(recipe))


def test_front_matter_says_where_it_comes_from(tiny: Collection) -> None:
    card = _read(_card(tiny))
    assert card.data.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    assert card.data.license == "apache-2.0"  # as the package's card has it
    assert card.data.library_name == "sentence-transformers" and "distillir" in card.data.tags
    assert "[arXiv " in card.text and "(https://arxiv.org/abs/" in card.text


def test_a_folder_is_no_name_on_a_hub(tiny: Collection, small_models: Path) -> None:
    card = _read(_card(tiny, student=str(small_models / "base")))
    assert card.data.base_model is None and card.data.license is None
    assert "| licence | not known" in card.text


@pytest.mark.parametrize("text", ["no front matter", "---\nlicense: [1\n---\n", "---\nlicense: [mit, x]\n---\n", ""])
def test_a_card_of_the_base_model_that_says_nothing(small_models: Path, tmp_path: Path, text: str) -> None:
    folder = tmp_path / "model"
    folder.symlink_to(small_models / "base")
    assert base_licence(str(folder)) is None
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in (small_models / "base").iterdir():
        (copy / file.name).symlink_to(file)
    (copy / "README.md").write_text(text)
    assert base_licence(str(copy)) is None


def test_measures_stand_in_the_card_and_in_the_front_matter(tiny: Collection) -> None:
    card = measured_card(_card(tiny), METRICS)
    assert "| nDCG@10 | 0.500 | 0.750 | +0.250 | +0.100 to +0.400 | < 0.001 | 0.900 |" in card
    assert "| nDCG@10 on tools | 0.300 | 0.200 | -0.100 | -0.200 to +0.000 | 0.040 |  |" in card
    found = _read(card).data
    assert [(one.metric_name, one.metric_value, one.dataset_name) for one in found.eval_results] == [
        ("nDCG@10", 0.75, 'swifts: "7"'),
        ("MRR@10", 0.5, 'swifts: "7"'),
    ]
    assert measured_card(card, METRICS) == card
    again = measured_card(card, METRICS | {"after": {"nDCG@10": 0.1}, "comparison": []})
    assert "0.750" not in again and len(_read(again).data.eval_results) == 1


def test_what_someone_wrote_stays(tiny: Collection) -> None:
    assert measured_card("Mine.", METRICS) == "Mine."
    broken = f"---\nlicense: [\n---\n{BEGIN}\n{END}\n"
    assert measured_card(broken, METRICS) == broken
    edited = _card(tiny).replace("license: apache-2.0", "license: mit\nlanguage: en") + "\nMy words.\n"
    found = measured_card(edited, METRICS)
    assert found.endswith("\nMy words.\n") and _read(found).data.license == "mit"
    assert _read(found).data.language == "en"


def test_a_run_tells_its_measures_in_the_card(tiny_beir: Path, small_models: Path, tmp_path: Path) -> None:
    recipe = {
        "collection": str(tiny_beir),
        "teacher": "bm25",
        "student": {"model": str(small_models / "base"), "max_length": 24},
        "candidates": {"depth": 8, "from": "bm25"},
        "method": "kl",
        "training": {"epochs": 1, "queries_per_step": 4, "candidates_per_query": 4, "select": "none"},
        "evaluation": {"measures": ["nDCG@10"], "depth": 10},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    for _ in range(2):  # a card that was written into is no other student
        done = distillir("run", tmp_path / "recipe.yaml", "--output", tmp_path / "run")
        assert done.returncode == 0, done.stderr
    card = _read((tmp_path / "run" / "student" / "README.md").read_text())
    (result,) = card.data.eval_results
    assert result.metric_name == "nDCG@10" and 0 < result.metric_value <= 1
    assert "Not measured yet" not in card.text and "| nDCG@10 | 0." in card.text
