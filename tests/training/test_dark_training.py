"""Dark lists in batch and loss: their term is what the formula says, and nothing else moves."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_fixtures import lists, student  # noqa: F401

from dark_examples import make_dark_set
from distillir.batches.tokens import tokenise
from distillir.collections import Collection
from distillir.collections.joined import JoinedTable
from distillir.objectives import kl
from distillir.objectives.weighted_sum import parse_objective
from distillir.plans.example_stream import ExampleStream
from distillir.plans.plain_lists import PlainLists
from distillir.signals.dark_examples.dark_example_lists import DarkExampleLists
from distillir.signals.dark_examples.dark_example_set import DarkExampleSet
from distillir.signals.dark_examples.spec import DarkSpec
from distillir.signals.dark_examples.training import DarkTraining
from distillir.signals.scores.training import ScoresTraining
from distillir.training.collator import ExampleCollator
from distillir.training.loss import ExampleLoss
from example_lists import ExampleLists

KL = parse_objective({"kl": {"student_temperature": 0.05}})
WEIGHT = 0.7


@pytest.fixture
def dark(tiny: Collection, lists: ExampleLists, tmp_path: Path) -> DarkExampleSet:
    return make_dark_set(tiny, lists, tmp_path / "dark")


@pytest.fixture
def collator(
    tmp_path: Path,
    student: Any,
    tiny: Collection,
    lists: ExampleLists,
    dark: DarkExampleSet,
) -> ExampleCollator:
    corpus = JoinedTable(tiny.corpus, dark.texts)
    queries = tokenise(tmp_path / "q", student, tiny.queries, lists.queries, kind="query")
    every = np.arange(len(corpus), dtype=np.int64)
    documents = tokenise(tmp_path / "d", student, corpus, every, kind="document")
    return ExampleCollator(queries, documents, budget=512, signals=[_training(tiny, lists, dark)])


def _training(tiny: Collection, lists: ExampleLists, dark: DarkExampleSet, **spec: Any) -> DarkTraining:
    return DarkTraining(DarkExampleLists(dark, lists, DarkSpec(**{"count": 2, **spec}), len(tiny.corpus)), KL, WEIGHT)


def _examples(tiny: Collection, lists: ExampleLists, dark: DarkExampleSet, **spec: Any) -> ExampleStream:
    found = _training(tiny, lists, dark, **spec).lists
    return ExampleStream(lists, epochs=1, queries_per_step=4, samplers=[PlainLists(None)], signals=[found])


def _parts(student: Any, collator: ExampleCollator, batch: Any, counts: Any = None) -> dict[str, float]:
    loss = ExampleLoss(student, [ScoresTraining(KL), *(collator.signals if "dark" in batch["label"] else ())])
    with torch.no_grad():
        return {name: float(value) for name, value in loss(student, batch, counts).items()}


def test_the_dark_term_by_the_models_own_scores(
    tiny: Collection,
    lists: ExampleLists,
    dark: DarkExampleSet,
    collator: ExampleCollator,
    student: Any,
) -> None:
    """Half of the queries pass the gate: lambda x the sum of their divergences over all that have dark examples."""
    examples = _examples(tiny, lists, dark, gate={"schedule": "quantile", "start": 0.5, "end": 0.5})
    chosen = [examples[i] for i in range(len(examples))]
    parts = _parts(student, collator, collator(chosen))
    divergences, counted, corpus = [], 0, JoinedTable(tiny.corpus, dark.texts)
    for example in chosen:
        held = example.signals["dark"]
        counted += held is not None
        if held is None or not held.open:
            continue
        query = student.encode_query([tiny.queries.text(example.query)])
        documents = student.encode_document(corpus.texts(held.documents))
        scores = student.similarity(query, documents)
        teacher = torch.from_numpy(held.teacher)[None]
        divergences.append(float(kl(scores, teacher, student_temperature=0.05)))
    assert 0 < len(divergences) < counted < len(chosen)
    assert parts["dark kl"] == pytest.approx(WEIGHT * sum(divergences) / counted, abs=1e-4)
    plain = ExampleStream(lists, epochs=1, queries_per_step=4, samplers=[PlainLists(None)])
    alone = _parts(student, collator, collator([plain[i] for i in range(len(plain))]))
    assert set(alone) == {"kl"} and parts["kl"] == pytest.approx(alone["kl"], abs=1e-5)


def test_parts_of_a_batch_add_up_to_it(
    tiny: Collection,
    lists: ExampleLists,
    dark: DarkExampleSet,
    collator: ExampleCollator,
    student: Any,
) -> None:
    examples = _examples(tiny, lists, dark, gate={"schedule": "quantile", "start": 0.5, "end": 0.5})
    chosen = [examples[i] for i in range(len(examples))]
    whole = collator(chosen)
    counts = ExampleLoss(student, [ScoresTraining(KL), *collator.signals]).counts(whole["label"])
    parts = [_parts(student, collator, collator(chosen[i : i + 3]), counts) for i in range(0, len(chosen), 3)]
    for name, value in _parts(student, collator, whole).items():
        assert sum(part.get(name, 0.0) for part in parts) == pytest.approx(value, abs=1e-5)


def test_what_the_gate_keeps_back_is_not_encoded(
    tiny: Collection,
    lists: ExampleLists,
    dark: DarkExampleSet,
    collator: ExampleCollator,
    student: Any,
) -> None:
    shut = _examples(tiny, lists, dark, gate={"schedule": "constant", "start": 2.0})
    batch = collator([shut[i] for i in range(4)])
    listed = np.unique(np.concatenate([shut[i].documents for i in range(4)]))
    assert batch["document_input_ids"].shape[0] == len(listed)
    assert _parts(student, collator, batch)["dark kl"] == 0.0
    # The lists too, where the recipe gates them: they count, and add nothing.
    everything = _examples(tiny, lists, dark, gate={"schedule": "constant", "start": 2.0, "lists": True})
    chosen = [everything[i] for i in range(4)]
    kept = [example for example in chosen if example.open]
    parts, only = _parts(student, collator, collator(chosen)), _parts(student, collator, collator(kept))
    assert parts["kl"] == pytest.approx(only["kl"] * len(kept) / len(chosen), abs=1e-5)
    none = [example for example in chosen if not example.open]
    assert none and set(_parts(student, collator, collator(none)).values()) == {0.0}


def test_dark_examples_are_nobodys_in_batch_negatives(
    tiny: Collection,
    lists: ExampleLists,
    dark: DarkExampleSet,
    collator: ExampleCollator,
) -> None:
    examples = _examples(tiny, lists, dark, gate=None)
    collator.in_batch = True
    chosen = [examples[i] for i in range(6)]
    batch = collator(chosen)
    distinct = len(np.unique(np.concatenate([example.documents for example in chosen])))
    for row, example in enumerate(chosen):
        own = batch["label"]["mask"][row].sum()
        known = np.isin(np.unique(np.concatenate([one.documents for one in chosen])), example.candidate_pool).sum()
        assert own == len(example.documents) + distinct - known
    assert batch["document_input_ids"].shape[0] > distinct
