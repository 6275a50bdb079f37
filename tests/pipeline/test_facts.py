"""What steps note adds up across starts, and ``metrics.json`` is made of it."""

import json
from pathlib import Path

import pytest

from distillir.base.errors import DistillirError
from distillir.base.files import write_json
from distillir.composition.compose import compose
from distillir.pipeline.facts import EvaluationFacts, Facts, FactsInMemory
from distillir.recipe.read import parse_recipe
from distillir.reporting.metrics import read_metrics
from distillir.signals.dark_examples.report import Gate


def test_facts_add_up_across_starts(tmp_path: Path) -> None:
    first, later = Facts(tmp_path / "facts.json"), Facts(tmp_path / "facts.json")
    assert first.read() == {}
    first.add_calls({"asked": 3, "cached": 1}, "teacher_calls", "dark_calls")
    later.add_calls({"asked": 2, "cached": 0, "refused": 1}, "teacher_calls")
    assert later.read()["teacher_calls"] == {"asked": 5, "cached": 1, "refused": 1}
    assert later.read()["dark_calls"] == {"asked": 3, "cached": 1}
    first.note_part("rounds", {"nDCG@10": 0.5}, "2")
    later.note_part("rounds", {"nDCG@10": 0.6}, "3")
    assert first.read()["rounds"] == {"2": {"nDCG@10": 0.5}, "3": {"nDCG@10": 0.6}}
    later.note_parts("same_texts", {"same_id": 1, "evaluated": 2})
    later.note_parts("same_texts", {"evaluated": 3})
    assert first.read()["same_texts"] == {"same_id": 1, "evaluated": 3}
    later.note_part("rounds", {}, None)
    assert first.read()["rounds"] == {}
    assert first.hold("rounds", {}) and not first.hold("also_of", [])


def test_seconds_are_those_of_whole_blocks(tmp_path: Path) -> None:
    facts = Facts(tmp_path / "facts.json")
    facts.note(seconds={"mine": 2.0, "score": 1.0})
    with pytest.raises(DistillirError) as told, facts.timed("score"):
        raise DistillirError("no answer")
    assert "while scoring candidates" in told.value.__notes__
    assert facts.read()["seconds"] == {"mine": 2.0, "score": 1.0}
    with facts.timed("mine"), facts.timed("train"):
        pass
    assert set(facts.read()["seconds"]) == {"mine", "score", "train"} and facts.read()["seconds"]["mine"] >= 2.0
    facts.note(rounds={}, gate={})
    facts.forget(["rounds"], ["mine", "train"])
    assert facts.read() == {"seconds": {"score": 1.0}, "gate": {}}


def test_what_a_plan_notes_is_written_nowhere(tmp_path: Path) -> None:
    Facts(tmp_path / "facts.json").note(rounds={})
    dry = FactsInMemory(tmp_path / "facts.json")
    dry.note(models_of="key")
    assert dry.read() == {"rounds": {}, "models_of": "key"} and dry.hold("models_of", "key")
    assert Facts(tmp_path / "facts.json").read() == {"rounds": {}}


def test_metrics_have_their_keys_in_order_and_read_back(tmp_path: Path) -> None:
    recipe = parse_recipe({"collection": "text", "teacher": "bm25", "student": "all-MiniLM-L6-v2"})
    compared = {"measure": "nDCG@10", "before": 0.4, "after": 0.5, "difference": 0.1}
    measured = EvaluationFacts(
        means={"teacher": {"nDCG@10": 0.6}, "before": {"nDCG@10": 0.4}, "after": {"nDCG@10": 0.5}},
        comparison=[compared],
        also={},
        collection="tiny",
        split="test",
        queries=9,
        student={"kind": "dense", "unit": "vector", "per_document": 1, "per_query": 1, "bytes_per_document": 1536},
        method=compose(recipe),
        hardware="1 core",
        versions={"distillir": "0"},
    )
    noted = {
        **{"reading_of": "key", "also_of": [], "models_of": "key", "mining": 1},
        **{"a_new_signals": {"made": 3}, "same_texts": {"own_documents": 2}, "gate": {"1": [[4, 0.5]]}},
        **{"teacher_calls": {"asked": 3, "cached": 0}, "seconds": {"mine": 1.5}},
    }
    write_json(tmp_path / "metrics.json", measured.metrics(noted))
    assert list(json.loads((tmp_path / "metrics.json").read_text())) == [
        *("teacher", "before", "after", "comparison", "seconds", "collection", "split", "queries", "student"),
        *("method", "plan", "objective", "stages", "teacher_calls", "diagnostics"),
        *("gate", "same_texts", "a_new_signals", "hardware", "versions"),
    ]
    found = read_metrics(tmp_path / "metrics.json")
    assert found.gain("nDCG@10") == pytest.approx(0.1) and found.seconds == {"mine": 1.5}
    assert found.part("gate", Gate) == {"1": [(4, 0.5)]} and found.same_texts == {"own_documents": 2}
