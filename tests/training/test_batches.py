from typing import Any

import numpy as np
import pytest
import torch
from training_fixtures import collator, lists, student  # noqa: F401

from distillir.collections import Collection
from distillir.objectives.weighted_sum import parse_objective
from distillir.plans.example_stream import ExampleStream
from distillir.plans.plain_lists import PlainLists
from distillir.signals.scores.training import ScoresTraining
from distillir.students.chunks import chunks
from distillir.training.collator import ExampleCollator
from distillir.training.loss import ExampleLoss
from example_lists import ExampleLists

Batch = dict[str, Any]


@pytest.fixture
def examples(lists: ExampleLists) -> ExampleStream:
    return ExampleStream(lists, epochs=1, queries_per_step=4, samplers=[PlainLists(None)])


def test_chunks_hold_the_budget_and_lose_nothing() -> None:
    lengths = sorted(np.random.default_rng(0).integers(1, 60, 200).tolist())
    cut = chunks(lengths, 256)
    assert [start for start, _, _ in cut[1:]] == [end for _, end, _ in cut[:-1]]
    assert cut[0][0] == 0 and cut[-1][1] == 200
    assert all(width == max(lengths[a:b]) and ((b - a) * width <= 256 or b - a == 1) for a, b, width in cut)
    assert chunks([300], 256) == [(0, 1, 300)]


def test_each_distinct_document_is_encoded_once(collator: ExampleCollator, examples: ExampleStream) -> None:
    chosen = [examples[0], examples[1], examples[0]]
    batch = collator(chosen)
    distinct = np.unique(np.concatenate([example.documents for example in chosen]))
    assert batch["document_input_ids"].shape[0] == len(distinct)
    assert batch["query_input_ids"].shape[0] == 2
    assert torch.equal(batch["label"]["index"][0], batch["label"]["index"][2])


def test_scores_are_those_of_the_model_itself(
    collator: ExampleCollator, examples: ExampleStream, student: Any, tiny: Collection
) -> None:
    chosen = [examples[i] for i in range(4)]
    loss = ExampleLoss(student, [ScoresTraining(parse_objective("kl"))])
    with torch.no_grad():
        scores = loss.scores(student, collator(chosen))
    for row, example in enumerate(chosen):
        query = student.encode_query([tiny.queries.text(example.query)])
        documents = student.encode_document(tiny.corpus.texts(example.documents))
        expected = student.similarity(query, documents)[0]
        torch.testing.assert_close(scores[row, : len(example.documents)], expected, atol=1e-5, rtol=0)


def _gradient(student: Any, batch: Batch, *, recompute: bool = False) -> tuple[float, torch.Tensor]:
    student.zero_grad()
    total = torch.stack(
        list(
            ExampleLoss(student, [ScoresTraining(parse_objective("kl"))], recompute=recompute)(student, batch).values()
        )
    ).sum()
    torch.autograd.backward(total)
    return total.item(), torch.cat([p.grad.flatten() for p in student.parameters() if p.grad is not None])


def test_chunks_and_recomputing_change_neither_loss_nor_gradient(
    collator: ExampleCollator, examples: ExampleStream, student: Any
) -> None:
    chosen = [examples[i] for i in range(6)]
    batch = collator(chosen)
    collator.budget = 1 << 20
    whole = collator(chosen)
    assert len(batch["document_chunks"]) > 3 and len(whole["document_chunks"]) == 1
    value, gradient = _gradient(student, whole)
    for other, recompute in ((batch, False), (batch, True)):
        again, same = _gradient(student, other, recompute=recompute)
        assert again == pytest.approx(value, abs=1e-6)
        torch.testing.assert_close(same, gradient, atol=1e-6, rtol=1e-4)


def test_positives_are_judged_or_the_teachers_best(collator: ExampleCollator, examples: ExampleStream) -> None:
    chosen = [examples[i] for i in range(6)]
    label = collator(chosen)["label"]
    for example, positive in zip(chosen, label["positive"].tolist(), strict=True):
        assert positive == (0 if example.query % 2 == 0 else -1)
    collator.pseudo_positives = True
    label = collator(chosen)["label"]
    for example, positive in zip(chosen, label["positive"].tolist(), strict=True):
        assert positive == (0 if example.query % 2 == 0 else int(example.teacher.argmax()))
    # The pseudo-label is relevant too, one a list.
    assert label["relevant"].sum(dim=1).tolist() == [1] * len(chosen)
    assert label["relevant"].gather(1, label["positive"][:, None]).all()


def test_a_prompt_is_put_before_queries_only(tmp_path: Any, student: Any, tiny: Collection) -> None:
    from distillir.batches.tokens import tokenise

    student.prompts = {"query": "search for: ", "document": ""}
    rows = np.arange(3)
    tokens = tokenise(tmp_path / "prompted", student, tiny.queries, rows, kind="query").batch(rows)
    text = student.tokenizer.decode(tokens["input_ids"][1], skip_special_tokens=True)
    assert text == f"search for: {tiny.queries.text(1)}".lower() or text.startswith("search for :")


def test_tokens_are_made_once(tmp_path: Any, student: Any, tiny: Collection) -> None:
    from distillir.batches.tokens import tokenise

    rows = np.array([5, 3, 3, 9])
    first = tokenise(tmp_path / "t", student, tiny.corpus, rows, kind="document")
    stamp = (tmp_path / "t" / "ids.bin").stat().st_mtime_ns
    again = tokenise(tmp_path / "t", student, tiny.corpus, rows, kind="document")
    assert (tmp_path / "t" / "ids.bin").stat().st_mtime_ns == stamp
    assert torch.equal(first.batch(rows)["input_ids"], again.batch(rows)["input_ids"])
    more = tokenise(tmp_path / "t", student, tiny.corpus, np.arange(10), kind="document")
    assert len(more.rows) == 10
    with pytest.raises(IndexError):
        more.batch(np.array([11]))


def test_other_queries_documents_join_as_negatives(collator: ExampleCollator, lists: ExampleLists) -> None:
    from distillir.objectives import kl, lambda_mrr

    examples = ExampleStream(lists, epochs=1, queries_per_step=4, samplers=[PlainLists(3)])
    chosen = [examples[i] for i in range(4)]
    alone = collator(chosen)["label"]
    collator.in_batch = True
    batch = collator(chosen)
    label = batch["label"]
    # Which row of the features is which document: the collator orders distinct documents by length.
    rows = np.unique(np.concatenate([example.documents for example in chosen]))
    ordered = rows[np.argsort(collator.documents.lengths(rows), kind="stable")]
    for i, example in enumerate(chosen):
        own = len(example.documents)
        here = ordered[label["index"][i][label["mask"][i]].numpy()]
        np.testing.assert_array_equal(here[:own], example.documents)
        everything = set(lists.documents(example.query).tolist())
        assert set(here[own:].tolist()) == set(rows.tolist()) - everything
        assert not label["relevant"][i, own:].any()
        assert (label["labels"][i, own : len(here)] < example.labels.min()).all()
    # They enter the student's softmax and get nothing of the teacher's.
    student = torch.randn(label["mask"].shape, generator=torch.Generator().manual_seed(0))
    value = kl(student, label["teacher"], label["mask"])
    log_q = student.masked_fill(~label["mask"], -torch.inf).log_softmax(dim=1)[:, : alone["mask"].shape[1]]
    p = alone["teacher"].masked_fill(~alone["mask"], -torch.inf).softmax(dim=1)
    expected = (torch.special.xlogy(p, p) - torch.where(alone["mask"], p * log_q, 0.0)).sum(dim=1).mean()
    torch.testing.assert_close(value, expected)
    assert torch.isfinite(lambda_mrr(student, label["labels"], label["mask"]))


class SharedLists(ExampleLists):
    """Lists of two queries: the first two documents of the one are the last two of the other; neither is judged."""

    def __init__(self, collection: Collection) -> None:
        super().__init__(collection, 2)
        self._documents = [np.array([3, 4, 5, 6]), np.array([7, 8, 3, 4])]
        self._scores = [np.array(scores, dtype=np.float32) for scores in ([4, 3, 2, 1], [1, 4, 3, 2])]

    def relevant(self, index: int) -> Any:
        return np.zeros(4, dtype=bool)


def test_own_candidates_that_another_list_holds_are_negatives_of_the_positive(
    tiny: Collection, student: Any, tmp_path: Any
) -> None:
    """PairDistill, late interaction: nothing of other lists is left out, a list's own unjudged candidates neither."""
    from distillir.batches.tokens import tokenise

    shared = SharedLists(tiny)
    stores = (
        tokenise(tmp_path / "q", student, tiny.queries, shared.queries, kind="query"),
        tokenise(tmp_path / "d", student, tiny.corpus, np.arange(3, 9), kind="document"),
    )
    examples = ExampleStream(shared, epochs=1, queries_per_step=2, samplers=[PlainLists(None)])
    chosen = sorted((examples[i] for i in range(2)), key=lambda example: example.query)
    objective = parse_objective({"info_nce": {"own_negatives": False}})
    for in_batch, negatives in ((True, ([7, 8], [5, 6])), ("all", ([4, 7, 8], [3, 4, 5, 6]))):
        collate = ExampleCollator(*stores, budget=256, pseudo_positives="always", in_batch=in_batch)
        label = collate(chosen)["label"]
        scores = torch.randn(label["mask"].shape, generator=torch.Generator().manual_seed(0))
        (value,) = objective.numerators(scores, label, label["mask"]).values()
        expected = torch.tensor(0.0)
        for row, (example, wanted) in enumerate(zip(chosen, negatives, strict=True)):
            joined = np.setdiff1d(np.arange(3, 9), example.documents)
            of = dict(zip([*example.documents, *joined], scores[row], strict=True))
            best = of[3 if row == 0 else 8]
            expected = expected - best + torch.logsumexp(torch.stack([best, *(of[place] for place in wanted)]), 0)
        torch.testing.assert_close(value, expected)
