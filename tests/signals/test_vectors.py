"""The signal vectors: the model it follows, vectors by row, the map across widths, what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from sentence_transformers import SentenceTransformer

from command_line import distillir
from distillir.base.errors import DistillirError
from distillir.batches.tokens import tokenise
from distillir.collections import Collection
from distillir.collections.joined import JoinedTable
from distillir.composition.compose import compose
from distillir.encoding.vectors import encode_texts
from distillir.methods.spec import MethodSpec
from distillir.objectives import vector_match
from distillir.plans.example_stream import ExampleStream
from distillir.plans.plain_lists import PlainLists
from distillir.recipe.read import parse_recipe
from distillir.signals.signal_training import Begun
from distillir.signals.vectors.models import width_by_files
from distillir.signals.vectors.projection import fitted_weight, new_projection
from distillir.signals.vectors.spec import VectorSpec
from distillir.signals.vectors.teacher_vectors import MadeVectors, TeacherVectors
from distillir.signals.vectors.training import VectorTraining
from distillir.students.load import load_student
from distillir.training.collator import ExampleCollator
from distillir.training.loss import ExampleLoss
from distillir.training.train import set_dropout
from example_lists import ExampleLists


def _recipe(**more: Any) -> dict[str, Any]:
    return {"collection": "anywhere", "student": "all-MiniLM-L6-v2", "teacher": "bm25", **more}


def test_the_model_is_the_dense_one_among_the_recipes_teachers() -> None:
    dense: Any = {"dense": {"model": "all-MiniLM-L6-v2", "max_length": 40}}
    teacher: Any
    for teacher in (dense, {"ensemble": ["bm25", dense]}):
        value = _recipe(teacher=teacher, method={"name": "kl", "vectors": {"precision": "float32"}})
        (signal,) = compose(parse_recipe(value)).signals
        spec: VectorSpec = signal.spec
        assert (spec.model, spec.max_length, spec.precision) == ("all-MiniLM-L6-v2", 40, "float32")
        given = {"dense": {"model": "all-MiniLM-L6-v2", "max_length": 40, "precision": "float32"}}
        assert list(signal.teachers()) == [("method.vectors", given, False)]
    two = {"ensemble": [dense, {"dense": "other"}]}
    for teacher, said in (("bm25", "has no vector a text"), (two, "has 2 dense models")):
        with pytest.raises(DistillirError, match=said):
            compose(parse_recipe(_recipe(teacher=teacher, method={"name": "kl", "vectors": True})))


def test_of_a_student_whose_documents_are_kept_queries_follow_their_model() -> None:
    student = {"model": "all-MiniLM-L6-v2", "documents": {"dense": {"model": "all-MiniLM-L6-v2", "max_length": 40}}}
    value = _recipe(student=student, method={"name": "kl", "vectors": {"weight": 2.0}})
    (signal,) = compose(parse_recipe(value)).signals
    spec: VectorSpec = signal.spec
    assert (spec.model, spec.max_length, spec.sides, spec.weight) == ("all-MiniLM-L6-v2", 40, ["queries"], 2.0)
    assert signal.trains_along == ()
    value["method"] = {"name": "kl", "vectors": {"of": ["queries", "documents"]}}
    with pytest.raises(DistillirError, match="document vectors are kept"):
        compose(parse_recipe(value))


def test_a_key_of_the_method_or_one_of_its_signals() -> None:
    options = {"model": "m", "of": "documents"}
    beside, among = (
        MethodSpec.model_validate({"name": "kl", **given})
        for given in ({"vectors": options}, {"signals": {"vectors": options}})
    )
    assert beside == among and beside.model_dump()["signals"] == {"vectors": options}
    assert MethodSpec.model_validate({"vectors": None}) == MethodSpec()
    assert MethodSpec(name="vectors").signals == {"vectors": {}}
    with pytest.raises(ValueError, match="vectors stands in signals, too"):
        MethodSpec.model_validate({"vectors": options, "signals": {"vectors": {}}})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"loss": "cosin"}, "method.vectors.loss"),
        ({"weight": -1}, "method.vectors.weight"),
        ({"weight": 0}, "method.vectors: vectors of weight 0 teach nothing"),
        ({"width": 0}, "method.vectors.width"),
        ({"documents": 0}, "method.vectors.documents"),
        ({"of": []}, "method.vectors.of"),
        ({"of": "titles"}, "method.vectors.of"),
        ({"wieght": 1.0}, "did you mean 'weight'"),
        ({"width": 400}, "those of all-MiniLM-L6-v2 have 384"),
        ({"model": "no/such/place/at/all"}, "no/such/place/at/all: is no model folder"),
    ],
)
def test_options_that_cannot_be_are_told_in_one_line(
    options: dict[str, Any], said: str, tiny_beir: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.yaml"
    value = _recipe(
        collection=str(tiny_beir), candidates={"from": "bm25", "depth": 5}, training={"queries_per_step": 4}
    )
    value |= {"method": {"name": "kl", "vectors": {"model": "all-MiniLM-L6-v2", "of": "queries", **options}}}
    recipe.write_text(yaml.safe_dump(value))
    done = distillir("run", recipe, "--output", tmp_path / "run")
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    assert not (tmp_path / "run" / "student").exists()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("multi-vector", "a vector for each token"), ("sparse", "each word"), ("cross-encoder", "gives no vectors")],
)
def test_students_without_a_vector_are_refused_by_name(kind: str, reason: str) -> None:
    value = _recipe(student={"model": "m", "kind": kind}, method={"name": "kl", "vectors": {"model": "t"}})
    with pytest.raises(DistillirError, match=f"this one is {kind}: .*{reason}"):
        compose(parse_recipe(value))


def test_models_without_a_vector_and_lengths_that_cannot_match_are_refused(
    small_models: Path, tiny_beir: Path, tmp_path: Path
) -> None:
    dot = SentenceTransformer(str(small_models / "base"), device="cpu", similarity_fn_name="dot")
    dot.save_pretrained(str(tmp_path / "dot"), create_model_card=False)
    colbert = load_student(str(small_models / "base"), kind="multi-vector", device="cpu")
    colbert.save_pretrained(str(tmp_path / "colbert"), create_model_card=False)
    recipe = tmp_path / "recipe.yaml"
    for model, loss, said in (
        ("dot", "squared", "squared compares lengths too"),
        ("colbert", "cosine", "is a multi-vector model, and has no vector a text"),
    ):
        value = _recipe(collection=str(tiny_beir), student=str(small_models / "base"))
        value |= {"method": {"name": "kl", "vectors": {"model": str(tmp_path / model), "loss": loss}}}
        recipe.write_text(yaml.safe_dump(value))
        done = distillir("run", recipe, "--output", tmp_path / "run")
        assert done.returncode == 2 and said in done.stderr, done.stderr
        assert "method.vectors" in done.stderr


def test_a_vector_that_is_not_finite_is_told_by_its_text(
    small_models: Path, tiny: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISTILLIR_CACHE", str(tmp_path / "cache"))
    model = SentenceTransformer(str(small_models / "base"), device="cpu")
    with torch.no_grad():
        model[0].auto_model.encoder.layer[1].output.LayerNorm.weight[3] = torch.nan
    model.save_pretrained(str(tmp_path / "broken"), create_model_card=False)
    spec = VectorSpec(model=str(tmp_path / "broken"))
    with pytest.raises(DistillirError, match=f"the vector of document '{tiny.corpus.id(4)}' is not finite"):
        TeacherVectors(spec, tiny.corpus, np.array([4, 9]), "document")


def test_vectors_are_read_by_row_in_any_order(small_models: Path, tiny: Collection) -> None:
    base = SentenceTransformer(str(small_models / "base"), device="cpu")
    joined = JoinedTable(tiny.queries, tiny.corpus)
    edge, rows = len(tiny.queries), np.array([2, 5, 31, 40], dtype=np.int64)
    for width in (None, 12):
        spec = VectorSpec(model=str(small_models / "base"), width=width)
        found = TeacherVectors(spec, joined, rows, "document")
        expected = encode_texts(base, joined.texts([40, 2]), kind="document")[:, :width]
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(
            found.of(np.array([40, 2, edge + 9999])), [*expected, np.zeros(width or 384)], atol=1e-5
        )
    assert found.width == 12


def test_widths_by_files(small_models: Path, minilm_path: str, tmp_path: Path) -> None:
    assert width_by_files("all-MiniLM-L6-v2") == width_by_files(str(small_models / "base")) == 384
    assert width_by_files(str(small_models / "bert")) == 384
    load_student(minilm_path, layers=1, towers="separate", device="cpu").save_pretrained(str(tmp_path / "two"))
    assert width_by_files(str(tmp_path / "two")) is None


def test_the_map_is_found_where_there_is_one_and_small_where_texts_say_nothing() -> None:
    drawn = np.random.default_rng(0)
    student, whole = drawn.normal(size=(200, 6)), drawn.normal(size=(9, 6))
    found = fitted_weight(student.astype(np.float32), (student @ whole.T).astype(np.float32))
    np.testing.assert_allclose(found, whole, atol=0.01)
    few = fitted_weight(student[:2].astype(np.float32), (student[:2] @ whole.T).astype(np.float32))
    assert few.shape == (9, 6) and np.linalg.norm(few) < np.linalg.norm(whole) and np.isfinite(few).all()


def test_a_later_stage_goes_on_with_the_map_that_the_one_before_has_left(tmp_path: Path) -> None:
    drawn = np.random.default_rng(2).normal(size=(9, 6)).astype(np.float32)
    first = VectorTraining(VectorSpec(), {"queries": MadeVectors(9)}, before=tmp_path / "none")
    first.module = new_projection(6, 9, drawn)
    (tmp_path / "projection").mkdir()
    first.save(tmp_path / "projection")
    later = VectorTraining(VectorSpec(), {"queries": MadeVectors(9)}, before=tmp_path / "projection")
    assert later.module is not None
    np.testing.assert_array_equal(later.module.linear.weight.detach(), drawn)  # type: ignore[union-attr, operator]
    assert later.identity() != VectorTraining(VectorSpec(), {"queries": MadeVectors(9)}).identity()


@pytest.mark.parametrize(("width", "loss"), [(384, "cosine"), (16, "squared")])
def test_the_loss_is_the_distance_of_the_texts_of_lists_however_a_step_is_cut(
    width: int, loss: Any, minilm_path: str, tiny: Collection, tmp_path: Path
) -> None:
    model = load_student(minilm_path, layers=1, max_length=32, device="cpu").double()
    model.train()
    set_dropout(model, 0.0)
    lists = ExampleLists(tiny)
    rows = np.unique(np.concatenate([lists.documents(index) for index in range(len(lists.queries))]))
    queries = tokenise(tmp_path / "q", model, tiny.queries, lists.queries, kind="query")
    documents = tokenise(tmp_path / "d", model, tiny.corpus, rows, kind="document")
    examples = ExampleStream(lists, epochs=1, queries_per_step=4, samplers=[PlainLists(None)])
    batch = [examples[place] for place in range(8)]
    made = MadeVectors(width)
    training = VectorTraining(VectorSpec(loss=loss, weight=2.0), {"queries": made, "documents": made})
    training.begin(Begun(model, tiny, lists, rows, None, tmp_path, 3))  # type: ignore[arg-type]
    assert (training.module is None) == (width == 384)
    collator = ExampleCollator(queries, documents, budget=256, signals=[training])
    parts = ExampleLoss(model, [training])(model, collator(batch))
    # By hand: each text alone, as often as lists hold it.
    for side, held in (
        ("queries", np.array([example.query for example in batch])),
        ("documents", np.concatenate([example.documents for example in batch])),
    ):
        table = tiny.queries if side == "queries" else tiny.corpus
        kind: Any = "query" if side == "queries" else "document"
        own = torch.from_numpy(encode_texts(model, table.texts(held), kind=kind))
        if training.module is not None:
            own = torch.nn.functional.normalize(training.module.linear(own), dim=1)  # type: ignore[operator]
        expected = 2 * vector_match(own, torch.from_numpy(made.of(held)), loss=loss)
        assert parts[f"vectors_{side}"].item() == pytest.approx(float(expected), rel=1e-4)

    def gradient(cut: list[list[Any]], recompute: bool) -> torch.Tensor:
        model.zero_grad()
        loss = ExampleLoss(model, [training], recompute=recompute)
        batches = [collator(part) for part in cut]
        counts: dict[str, torch.Tensor] = {}
        for one in batches:
            for name, count in loss.counts(one["label"]).items():
                counts[name] = counts.get(name, torch.zeros(())) + count
        for one in batches:
            torch.autograd.backward(sum(loss(model, one, counts).values()))
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    whole = gradient([batch], False)
    for cut, recompute in (([batch[:3], batch[3:]], False), ([batch], True)):
        torch.testing.assert_close(gradient(cut, recompute), whole, atol=1e-6 * float(whole.abs().max()), rtol=1e-4)
