"""A teacher that is trained along: what is compared, by hand; what it reads; whole runs; what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from sentence_transformers import CrossEncoder, SentenceTransformer
from transformers import TrainerCallback

from command_line import distillir
from distillir.base.errors import DistillirError
from distillir.batches.tokens import TokenStore, tokenise
from distillir.collections import Collection
from distillir.composition.compose import compose
from distillir.objectives import info_nce, kl, layer_kl
from distillir.objectives.weighted_sum import parse_objective
from distillir.plans.example_stream import ExampleStream
from distillir.plans.plain_lists import PlainLists
from distillir.plans.settings import TrainingSettings
from distillir.recipe.read import parse_recipe
from distillir.retrieval.bm25 import BM25Index
from distillir.signals.layers.draw import LayerDraw
from distillir.signals.layers.joint_teacher import JointTeacher, joint_teacher
from distillir.signals.layers.layer_set import LayerSet
from distillir.signals.layers.quality import best_layers
from distillir.signals.layers.spec import LayerSpec
from distillir.signals.layers.teacher_inputs import EncoderInputs, PairInputs
from distillir.signals.layers.training import LayerTraining
from distillir.signals.scores.training import ScoresTraining
from distillir.students.load import load_student
from distillir.teachers.load_layered import load_layered
from distillir.teachers.train import train_cross_encoder
from distillir.training import trainer
from distillir.training.collator import ExampleCollator
from distillir.training.loss import ExampleLoss
from distillir.training.train import set_dropout, train_student
from distillir.training.trainer import ExampleTrainer
from example_lists import ExampleLists

STEP = 3


@pytest.fixture(scope="session")
def cross_encoder(tiny: Collection, minilm_path: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A cross-encoder of two layers, hardly trained."""
    folder = tmp_path_factory.mktemp("teachers")
    load_student(minilm_path, layers=2, max_length=48, device="cpu").save_pretrained(str(folder / "base"))
    path = folder / "cross-encoder"
    run = BM25Index.build_or_load(tiny).search(tiny.qrels("train").query_rows, 20)
    train_cross_encoder(str(folder / "base"), tiny, path, negatives_run=run, max_length=64, max_pairs=24)
    return str(path)


def _batch(kind: str, teacher: str, tiny: Collection, path: Path, minilm_path: str) -> tuple[ExampleLoss, Any, Any]:
    """A loss with a joint teacher, a batch of eight training examples and those training examples."""
    model = load_student(minilm_path, layers=2, max_length=32, device="cpu")
    spec = LayerSpec(teacher={kind: teacher}, joint=True, count=2, supervised=0.5, response=2.0, temperature=1.5)
    load = {"dense": SentenceTransformer, "cross-encoder": CrossEncoder}.get(kind)
    made = load(teacher, device="cpu") if load else load_student(teacher, kind=kind, max_length=48, device="cpu")
    joint = joint_teacher(made, spec)
    for trained in (model.train(), joint):
        set_dropout(trained, 0.0)
    lists = ExampleLists(tiny)
    rows = np.unique(np.concatenate([lists.documents(i) for i in range(len(lists.queries))]))

    def stores(encoder: Any, name: str) -> tuple[TokenStore, TokenStore]:
        return (
            tokenise(path / f"{name}-q", encoder, tiny.queries, lists.queries, kind="query"),
            tokenise(path / f"{name}-d", encoder, tiny.corpus, rows, kind="document"),
        )

    read = PairInputs(made, tiny, 300) if joint.own_list else EncoderInputs(*stores(made, "t"), 300)
    in_batch = False if joint.own_list else "all"
    training = LayerTraining(spec, teacher=made)
    training.module, training.read = joint, read
    training.draw = LayerDraw(spec, len(joint.blocks), 2, seed=5)
    collator = ExampleCollator(*stores(model, "s"), budget=256, in_batch=in_batch, signals=[training])
    examples = ExampleStream(lists, epochs=1, queries_per_step=4, samplers=[PlainLists(None)])
    batch = [examples[i] for i in range(8)]
    loss = ExampleLoss(model, [ScoresTraining(parse_objective({"info_nce": {"temperature": 0.05}})), training])
    return loss, collator(batch), batch


def _layers(loss: ExampleLoss) -> LayerTraining:
    (training,) = [signal for signal in loss.signals if signal.name == "layers"]
    assert isinstance(training, LayerTraining)
    return training


def _joint(loss: ExampleLoss) -> JointTeacher:
    found = _layers(loss).module
    assert found is not None
    return found


def _states(model: Any, texts: list[str]) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Vectors of a dense model, and the [CLS] state of each of its blocks."""
    batch = model.preprocess(texts)
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    hidden = model[0].auto_model(**inputs, output_hidden_states=True).hidden_states
    vectors = torch.nn.functional.normalize(model(batch)["sentence_embedding"], dim=1)
    return vectors, [state[:, 0] for state in hidden[1:]]


def test_a_dense_teacher_and_the_student_compare_all_documents_of_the_batch(
    tiny: Collection, tmp_path: Path, minilm_path: str
) -> None:
    loss, inputs, examples = _batch("dense", minilm_path, tiny, tmp_path, minilm_path)
    parts = loss(loss.model, inputs, step=STEP)
    assert set(parts) == {"info_nce", "teacher", "response", "layers"}
    rows = np.unique(np.concatenate([example.documents for example in examples]))
    queries = [tiny.queries.text(example.query) for example in examples]
    documents = tiny.corpus.texts(rows)
    scores, layers = [], []
    drawn = LayerDraw(LayerSpec(joint=True, count=2), 6, 2, 5).at(STEP)
    for model, numbers in ((loss.model, drawn[1]), (_joint(loss).encoder, drawn[0])):
        (one, own), (other, others) = _states(model, queries), _states(model, documents)
        scores.append(one @ other.T / 0.05)
        layers.append(torch.stack([own[number] @ others[number].T for number in numbers]))
    # Of a list's judged candidates the first; queries without any are left out of what needs one.
    gold = torch.tensor([_gold(example, rows) for example in examples])
    student, teacher = scores
    expected = {
        "info_nce": info_nce(student, gold),
        "teacher": 0.5 * info_nce(teacher, gold),
        "response": 2 * (kl(student, teacher) + kl(teacher, student)),
        "layers": layer_kl(layers[0], layers[1], gold, temperature=1.5),
    }
    for name, value in expected.items():
        torch.testing.assert_close(parts[name], value, rtol=2e-4, atol=1e-4)
    # Nothing but the weights is detached: both sides learn from each of the last two.
    trained = [next(side[0].auto_model.encoder.layer[0].parameters()) for side in (loss.model, _joint(loss).encoder)]
    for name in ("response", "layers"):
        found, wanted = (torch.autograd.grad(of[name], trained, retain_graph=True) for of in (parts, expected))
        for gradient, by_hand in zip(found, wanted, strict=True):
            assert by_hand.abs().max() > 0
            torch.testing.assert_close(gradient, by_hand, rtol=5e-3, atol=2e-3 * float(by_hand.abs().max()))
    weights = _layers(loss).weights
    assert weights is not None and not weights.requires_grad
    assert float(weights.sum()) == pytest.approx(1)


def _gold(example: Any, rows: Any) -> int:
    judged = np.flatnonzero(example.relevant)
    return int(np.searchsorted(rows, example.documents[judged[0]])) if len(judged) else -1


def test_a_cross_encoder_scores_each_querys_own_list(
    tiny: Collection, tmp_path: Path, minilm_path: str, cross_encoder: str
) -> None:
    loss, inputs, examples = _batch("cross-encoder", cross_encoder, tiny, tmp_path, minilm_path)
    joint = _joint(loss)
    with torch.no_grad():
        outputs, layers = joint.scores(joint.encode(inputs, [0, 1]), inputs["label"])
    model = CrossEncoder(cross_encoder, device="cpu")
    spec: dict[str, Any] = {"cross-encoder": {"model": cross_encoder, "precision": "float32"}}
    cached = load_layered(spec, cache=tmp_path).layers(
        tiny, np.array([example.query for example in examples]), [example.documents for example in examples]
    )
    for row, example in enumerate(examples):
        texts = [(tiny.queries.text(example.query), text) for text in tiny.corpus.texts(example.documents)]
        expected = model.predict(texts, activation_fn=torch.nn.Identity())
        np.testing.assert_allclose(outputs[row, : len(texts)], expected, atol=1e-4)
        np.testing.assert_allclose(layers[:, row, : len(texts)], cached[row], atol=1e-4)
    parts = loss(loss.model, inputs, step=STEP)
    mask, gold = inputs["label"]["mask"], inputs["label"]["positive"]
    student = loss.scores(loss.model, inputs)
    response = kl(student, outputs, mask, student_temperature=0.05) + kl(
        outputs, student, mask, teacher_temperature=0.05
    )
    torch.testing.assert_close(parts["response"], 2 * response, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(parts["teacher"], 0.5 * info_nce(outputs, gold, mask), rtol=1e-3, atol=1e-4)


def test_a_late_interaction_teacher_scores_as_its_own_model_does(
    tiny: Collection, tmp_path: Path, minilm_path: str
) -> None:
    loss, inputs, examples = _batch("multi-vector", minilm_path, tiny, tmp_path, minilm_path)
    with torch.no_grad():
        outputs, layers = _joint(loss).scores(_joint(loss).encode(inputs, [0, 5]), inputs["label"])
    model = _joint(loss).encoder.eval()
    own = [model.encode_query([tiny.queries.text(example.query)])[0] for example in examples]
    for row, example in enumerate(examples):
        documents = model.encode_document(tiny.corpus.texts(example.documents))
        expected = model.similarity([own[row]], documents)[0]
        np.testing.assert_allclose(outputs[row, : len(documents)], expected, atol=1e-3)
    assert layers.shape == (2, *inputs["label"]["index"].shape) and _joint(loss).temperature == 1


class _Clipped(TrainerCallback):
    """Keeps the norms of the student's gradients and of the teacher's before the first step."""

    def __init__(self) -> None:
        self.norms: list[float] = []

    def on_pre_optimizer_step(self, *args: Any, model: Any, **kwargs: Any) -> None:
        for trained in (model, _joint(_Watched.loss)):
            given = [one.grad.flatten() for one in trained.parameters() if one.grad is not None]
            self.norms.append(float(torch.cat(given).norm()))


class _Watched(ExampleTrainer):
    """Hands over what it kept."""

    kept: _Clipped
    loss: ExampleLoss

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _Watched.kept, _Watched.loss = _Clipped(), kwargs["loss"]
        self.add_callback(_Watched.kept)


def test_student_and_teacher_are_clipped_apart(
    tiny: Collection, tmp_path: Path, minilm_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "ExampleTrainer", _Watched)
    student, teacher = (load_student(minilm_path, layers=layers, max_length=16, device="cpu") for layers in (1, 2))
    spec = LayerSpec(teacher={"dense": minilm_path}, joint=True, count=1)
    settings = TrainingSettings(epochs=1, queries_per_step=12, in_batch="all", max_grad_norm=1e-3, precision="float32")
    compared = ScoresTraining(parse_objective({"info_nce": {"temperature": 0.05}}))
    layers = [LayerTraining(spec, teacher=teacher)]
    train_student(
        student, tiny, ExampleLists(tiny), settings, tmp_path, tmp_path / "log.jsonl", signals=[compared, *layers]
    )
    # Together they would have a norm of 1e-3.
    assert _Watched.kept.norms == pytest.approx([1e-3, 1e-3], rel=1e-3)


def test_a_run_with_a_cross_encoder_that_learns_too(
    tiny_beir: Path, tmp_path: Path, cross_encoder: str, minilm_path: str
) -> None:
    value = {
        "collection": str(tiny_beir),
        "teacher": {"cross-encoder": cross_encoder},
        "student": {"model": minilm_path, "layers": 2, "max_length": 32},
        "candidates": {"from": "bm25", "depth": 8, "add_judged": True},
        "method": {"name": "lead", "plan": [{"lists": "plain"}, {"lists": "plain"}], "layers": {"count": 2}},
        "training": {"epochs": 1, "queries_per_step": 4, "candidates_per_query": 4},
        "evaluation": {"measures": ["nDCG@10"], "precision": "auto"},
    }
    path, run = tmp_path / "recipe.yaml", tmp_path / "run"
    path.write_text(yaml.safe_dump(value))
    done = distillir("run", str(path), "--output", str(run))
    assert done.returncode == 0, done.stderr
    logged = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert {"info_nce", "teacher", "response", "layers"} <= set(logged[0])
    drawn = [json.loads(line) for line in (run / "layers.jsonl").read_text().splitlines()]
    assert [line["stage"] for line in drawn] == [1, 2] and drawn[0]["teacher"] == [0, 1]
    assert sum(drawn[0]["weights"]) == pytest.approx(1, abs=1e-5)
    # Each stage goes on with the teacher of the one before, and the last one's is a model of its own.
    texts = [("lava", "A volcano erupts."), ("lava", "Bread is baked.")]
    folders = [Path(cross_encoder), run / "work" / "teacher-1", run / "teacher"]
    scores = [CrossEncoder(str(folder), device="cpu").predict(texts) for folder in folders]
    assert not np.allclose(scores[0], scores[1], atol=1e-6) and not np.allclose(scores[1], scores[2], atol=1e-6)
    assert json.loads((run / "metrics.json").read_text())["method"] == "lead, plan own"


def test_the_best_layers_are_those_that_rank_best(tiny: Collection) -> None:
    lists = ExampleLists(tiny)
    generator = np.random.default_rng(0)
    scores = []
    for index in range(len(lists.queries)):
        own = generator.normal(size=(4, len(lists.documents(index)))).astype(np.float32)
        own[2] = lists.relevant(index) + 0.1 * generator.normal(size=own.shape[1])
        own[0] = 1.0  # ties: every candidate before the relevant one
        scores.append(own)
    found = best_layers(LayerSet(4, scores), lists)
    assert found[0] == 2 and found[-1] == 0
    draw = LayerDraw(LayerSpec(choice="best", count=2), 4, 3, 0, found)
    assert draw.at(0) == draw.at(50) == (sorted(found[:2]), [1, 2])
    lists.relevant = lambda index: np.zeros(len(lists.documents(index)), dtype=bool)  # type: ignore[method-assign]
    for index, own in enumerate(scores):
        own[1] = lists.scores(index)
    assert best_layers(LayerSet(4, scores), lists)[0] == 1


@pytest.mark.parametrize(
    ("method", "teacher", "said"),
    [
        ("lead", "bm25", "layers are wanted, and the recipe's teacher ('bm25') has none"),
        ({"name": "lead", "layers": {"choice": "best"}}, {"dense": "m"}, "best measures a frozen teacher"),
        ({"name": "lead", "layers": {"teacher": {"bm25": "m"}}}, {"dense": "m"}, "'bm25' has no layers"),
        ({"name": "kl", "layers": {"teachr": 1}}, {"dense": "m"}, "teachr"),
    ],
)
def test_layers_that_nobody_has_are_refused(method: Any, teacher: Any, said: str) -> None:
    with pytest.raises(DistillirError) as error:
        compose(parse_recipe({"collection": "c", "student": "s", "teacher": teacher, "method": method}))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_two_towers_have_no_layers_of_one() -> None:
    student = {"model": "s", "towers": "separate"}
    with pytest.raises(DistillirError, match="towers are separate"):
        parse_recipe({"collection": "c", "student": student, "teacher": {"dense": "m"}, "method": "lead"})


def test_what_lead_stands_for() -> None:
    def made(method: Any, teacher: Any) -> Any:
        return parse_recipe({"collection": "c", "student": "s", "teacher": teacher, "method": method})

    dense = made("lead", {"dense": {"model": "m", "max_length": 64}})
    assert dense.method.layers is not None and dense.method.layers.joint
    assert dense.method.layers.teacher == {"dense": {"model": "m", "max_length": 64}}
    assert dense.training.in_batch == "all" and dense.training.max_grad_norm == 2.0
    assert dense.training.sample == "first_positive" and dense.training.weight_decay == 0.0
    assert dense.training.learning_rate == 5e-5 == made("lead", {"cross-encoder": "m"}).training.learning_rate
    assert made("lead", {"multi-vector": "m"}).training.learning_rate == 2e-5
    assert compose(dense).name == "lead" and compose(dense).objective.names == ["info_nce"]
    assert not made("lead", {"cross-encoder": "m"}).training.in_batch
    frozen = compose(made({"name": "lead", "layers": {"joint": False}}, {"dense": "m"}))
    assert frozen.name == "lead, frozen teacher" and frozen.objective.names == ["info_nce", "kl"]
    assert frozen.objective.parts[1][2]["own_list"]  # a frozen teacher has not scored other lists' documents
    beside = compose(made({"name": "ckl", "layers": {"joint": True}}, {"dense": "m"}))
    assert beside.name == "ckl + layers of a joint teacher"
    # Written out and read again it is the same.
    assert parse_recipe(dense.resolved()).resolved() == dense.resolved()
