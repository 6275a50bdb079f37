"""Plans in recipes: stages, their settings, what is picked of them, and what is refused."""

from typing import Any

import pytest

from distillir.base.errors import DistillirError
from distillir.collections import Collection
from distillir.composition.compose import Composition, compose
from distillir.plans.example_stream import ExampleStream
from distillir.plans.graded_lists import GradedLists
from distillir.plans.list_sampler import ListSampler
from distillir.plans.plain_lists import PlainLists
from distillir.plans.settings import TrainingSettings
from distillir.recipe.read import parse_recipe
from distillir.signals.preferences.spec import PairSpec
from example_lists import ExampleLists

BASE: dict[str, Any] = {"collection": "stdlib", "teacher": "bm25", "student": "all-MiniLM-L6-v2"}


def composed(method: Any, **changes: Any) -> Composition:
    return compose(parse_recipe({**BASE, "method": method, **changes}))


def test_cl_drd_has_the_published_constants() -> None:
    method = composed("cl-drd")
    assert (method.name, method.plan, method.objective.names) == ("cl-drd", "cl-drd", ["lambda_mrr"])
    assert [stage.samplers[0] for stage in method.stages] == [
        GradedLists(5, 12, 13),
        GradedLists(10, 10, 10),
        GradedLists(30, 0, 0),
    ]
    assert [stage.training.learning_rate for stage in method.stages] == pytest.approx([7e-6, 3e-6, 3e-6])
    assert [stage.training.epochs for stage in method.stages] == pytest.approx([4, 2, 2])
    assert [stage.training.warmup for stage in method.stages] == pytest.approx([0.016, 0.032, 0.032])
    assert {stage.training.queries_per_step for stage in method.stages} == {8}


def _pairdistill(kind: str, **training: Any) -> TrainingSettings:
    pairs = {"teacher": {"cross-encoder": "x"}}
    student = {"model": "m", "kind": kind}
    recipe = {**BASE, "student": student, "method": {"name": "pairdistill", "pairs": pairs}, "training": training}
    return compose(parse_recipe(recipe)).stages[0].training


def test_pairdistill_has_the_published_constants_of_either_student() -> None:
    dense, late = _pairdistill("dense"), _pairdistill("multi-vector")
    for both in (dense, late):
        assert (both.weight_decay, both.max_grad_norm, both.in_batch, both.candidates_per_query) == (
            0.0,
            2.0,
            "all",
            64,
        )
    assert (dense.learning_rate, dense.warmup, dense.queries_per_step) == (3e-5, 0.45, 36)
    assert (late.learning_rate, late.warmup, late.queries_per_step) == (1e-5, 0.1, 32)
    # Late interaction compares 4 lists at once, dense all of the step; a sparse student is trained as a dense one.
    assert (dense.gradient_accumulation, late.gradient_accumulation) == (1, 8)
    assert _pairdistill("sparse") == dense


@pytest.mark.parametrize(("queries", "batches"), [(16, 4), (4, 1), (6, 2), (7, 1), (2, 1), (1, 1)])
def test_lists_that_share_their_documents_fit_any_step(queries: int, batches: int) -> None:
    assert _pairdistill("multi-vector", queries_per_step=queries).gradient_accumulation == batches
    assert _pairdistill("multi-vector", queries_per_step=queries, gradient_accumulation=1).gradient_accumulation == 1


def test_prompts_are_asked_about_as_many_pairs_as_published() -> None:
    def pairs(teacher: Any, **given: Any) -> tuple[int, int]:
        found = PairSpec(teacher=teacher, **given)
        return found.per_query, found.depth

    assert pairs({"prompt": "m"}) == (128, 64)
    assert pairs({"prompt": "m"}, per_query=3, depth=10) == (3, 10)
    assert pairs({"duot5": "m"}) == pairs({"cross-encoder": "m"}) == (8, 100)


def test_training_scales_the_stages_and_the_resolved_recipe_reads_back_the_same() -> None:
    recipe = parse_recipe({**BASE, "method": "cl-drd", "training": {"learning_rate": 7e-5, "epochs": 1}})
    stages = compose(recipe).stages
    assert [stage.training.learning_rate for stage in stages] == pytest.approx([7e-5, 3e-5, 3e-5])
    assert [stage.training.epochs for stage in stages] == pytest.approx([1, 0.5, 0.5])
    again = parse_recipe(recipe.resolved())
    assert again.resolved() == recipe.resolved()
    assert compose(again).stages == stages


def test_any_objective_goes_on_any_plan() -> None:
    assert composed({"name": "cl-drd", "objective": "ckl"}).name == "ckl, plan cl-drd"
    assert composed({"name": "ckl", "plan": "cl-drd"}).name == "ckl, plan cl-drd"
    assert composed({"name": "cl-drd", "plan": "plain"}).name == "cl-drd, plan plain"
    assert isinstance(composed({"name": "cl-drd", "plan": "plain"}).stages[0].samplers[0], PlainLists)


def test_the_ablations_of_the_paper() -> None:
    alone = composed({"name": "cl-drd", "stages": [2]})
    assert [stage.samplers[0] for stage in alone.stages] == [GradedLists(10, 10, 10)]
    assert alone.stages[0].training.learning_rate == pytest.approx(3e-6)
    backwards = composed({"name": "cl-drd", "stages": [3, 2, 1]})
    assert [stage.training.learning_rate for stage in backwards.stages] == pytest.approx([3e-6, 3e-6, 7e-6])
    (together,) = composed({"name": "cl-drd", "stages": "together"}).stages
    assert len(together.samplers) == 3
    # As many training examples as the three stages have: 8 epochs of one list, or 8/3 of three.
    assert together.training.epochs == pytest.approx(8 / 3)


def test_a_plan_of_ones_own() -> None:
    plan = [
        {"lists": {"top": 2, "hard": 2, "remaining": 2, "cut": 10, "redraw": True}, "epochs": 1},
        {"lists": "plain", "objective": {"kl": {"student_temperature": 0.05}}, "learning_rate": 1e-5, "mine": True},
    ]
    method = composed({"name": "ranknet", "plan": plan})
    assert method.name == "ranknet, plan own"
    first, second = method.stages
    assert first.samplers == (GradedLists(2, 2, 2, cut=10, redraw=True),)
    assert first.objective.names == ["ranknet"]
    assert (second.objective.names, second.mine, second.training.learning_rate) == (["kl"], True, 1e-5)


@pytest.mark.parametrize(
    ("method", "changes", "said"),
    [
        ("cl-drd", {"candidates": {"depth": 20}}, "lists of 30, and candidates.depth is 20"),
        ({"name": "cl-drd", "stages": [4]}, {}, "no stage 4.*1 to 3"),
        ({"name": "cl-drd", "stages": []}, {}, "no stage is chosen"),
        ({"name": "kl", "plan": "cldrd"}, {}, "did you mean 'cl-drd'"),
        ({"name": "cldrd"}, {}, "did you mean 'cl-drd'"),
        ({"name": "kl", "plan": []}, {}, "at least one stage"),
        ({"name": "kl", "plan": [{"mine": True}]}, {}, "before anything was learned"),
        ({"name": "kl", "plan": [{"lists": {"top": 1}}]}, {}, "2 or more"),
        ({"name": "kl", "plan": [{"lists": {"top": 5, "hard": 2, "cut": 4}}]}, {}, "after the top group"),
        ({"name": "kl", "plan": [{"list": "plain"}]}, {}, "method.plan.*list.*unknown key"),
        ({"name": "kl", "plan": [{"lists": {"top": 5, "hardd": 2}}]}, {}, "did you mean 'hard'"),
        ("margin_mse", {"training": {"in_batch": True}}, "compares margins"),
        ({"name": "kl", "stage": 1}, {}, "did you mean 'stages'"),
        ({"name": "ckl", "objective": {"ckl": {"gamma": 1, "beta": 2}}}, {}, "between 0 and gamma"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(method: Any, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DistillirError, match=said) as error:
        composed(method, **changes)
    assert "\n" not in str(error.value)


def test_a_stage_that_mines_needs_a_teacher() -> None:
    method = {"name": "kl", "plan": [{}, {"mine": True}]}
    recipe = {key: value for key, value in BASE.items() if key != "teacher"}
    with pytest.raises(DistillirError, match="no teacher to score"):
        parse_recipe({**recipe, "teaching": "somewhere", "method": method})


def test_several_forms_show_each_query_in_each(tiny: Collection) -> None:
    samplers: list[ListSampler] = [PlainLists(2, "top"), GradedLists(3, 0, 0)]
    examples = ExampleStream(ExampleLists(tiny), epochs=1, queries_per_step=4, samplers=samplers)
    seen = sorted((examples[i].query, len(examples[i].documents)) for i in range(len(examples)))
    assert seen == [(query, size) for query in range(12) for size in (2, 3)]


def test_graded_lists_are_the_same_every_epoch_unless_redrawn(tiny: Collection) -> None:
    for redraw in (False, True):
        sampler = GradedLists(1, 1, 1, redraw=redraw)
        examples = ExampleStream(ExampleLists(tiny), epochs=2, queries_per_step=4, samplers=[sampler])
        drawn: dict[int, set[tuple[int, ...]]] = {}
        for i in range(len(examples)):
            drawn.setdefault(examples[i].query, set()).add(tuple(examples[i].documents))
        assert (max(len(lists) for lists in drawn.values()) == 1) is not redraw


def test_overlapping_steps_keep_the_labels_of_every_candidate(tiny: Collection) -> None:
    lists = ExampleLists(tiny)
    sampler = GradedLists(1, 1, 1)
    examples = ExampleStream(lists, epochs=1, queries_per_step=4, samplers=[sampler], batches="overlapping")
    for i in range(len(examples)):
        example = examples[i]
        whole = sampler.labels(lists.scores(example.query), lists.relevant(example.query))
        truth = dict(zip(lists.documents(example.query).tolist(), whole, strict=True))
        assert [truth[row] for row in example.documents.tolist()] == list(example.labels)
        assert len(example.documents) >= 3
