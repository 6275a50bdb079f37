"""A recipe is refused in one line, before anything is loaded, with the nearest known word."""

from pathlib import Path
from typing import Any

import pytest

from distillir.base.errors import DistillirError
from distillir.base.yaml_file import dump_yaml, load_yaml
from distillir.composition.compose import compose
from distillir.encoding.model_options import PLAIN, ModelOptions, PromptChoice
from distillir.recipe import Recipe
from distillir.recipe.read import parse_recipe, read_recipe

GOOD: dict[str, Any] = {"collection": "stdlib", "teacher": "bm25", "student": "all-MiniLM-L6-v2"}


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shortest_recipe_gets_documented_defaults() -> None:
    recipe = parse_recipe(GOOD)
    assert recipe.student.model == "all-MiniLM-L6-v2"
    assert recipe.candidates.form()["from"] == ["bm25", "dense"]
    assert recipe.evaluation.split == "test" and recipe.queries.split == "train"


def test_a_resolved_recipe_reads_back_as_itself() -> None:
    recipe = parse_recipe({**GOOD, "method": {"name": "kl", "objective": {"kl": {"teacher_temperature": 0.5}}}})
    assert parse_recipe(recipe.resolved()) == recipe


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"trainning": {}}, "trainning: unknown key; did you mean 'training'"),
        ({"training": {"epoch": 1}}, "training.epoch: unknown key; did you mean 'epochs'"),
        ({"candidates": {"dept": 9}}, "candidates.dept: unknown key; did you mean 'depth'"),
        ({"method": "kll"}, "did you mean 'kl'"),
        ({"method": {"nam": "kl"}}, "did you mean 'name'"),
        ({"objective": {"kl": {"temperature": 2}}}, "kl has no option 'temperature'"),
        ({"objective": "ranknett"}, "did you mean 'ranknet'"),
        ({"teacher": "bm52"}, "did you mean 'bm25'"),
        ({"teacher": {"cros-encoder": "x"}}, "did you mean 'cross-encoder'"),
        ({"candidates": {"from": "bm52"}}, "bm25"),
        ({"training": {"epochs": 0}}, "training.epochs"),
        ({"training": {"epochs": "many"}}, "training.epochs"),
        ({"evaluation": {"measures": ["nDGC@10"]}}, "unknown measure"),
        ({"evaluation": "train"}, "same split"),
        ({"teacher": None}, "teacher: is missing"),
        ({"teaching": "somewhere"}, "not both"),
        ({"student": {"model": "x", "layers": 0}}, "student.layers"),
        ({"candidates": {"guard": {"share": 0.9, "margin": 1.0}}}, "share or a margin"),
        ({"training": {"epochs": float("inf")}}, "training.epochs"),
        ({"training": {"gradient_accumulation": 3}}, "training.gradient_accumulation"),
        ({"training": None}, "a valid mapping"),
        ({"seed": 2**32}, "seed"),
        ({"candidates": {"depth": "1e9"}}, 'candidates.depth: "1e9" is not a whole number; write 1000000000'),
        ({"candidates": {"depth": 20.0}}, "candidates.depth: 20.0 is not a whole number; write 20"),
        ({"candidates": {"from": 3}}, "from is 3; give a name or a mapping or a list"),
        ({"candidates": {"from": [{"dense": {"modle": "x"}}]}}, "candidates.from[0]: dense: unknown key 'modle'; did"),
        ({"training": {"epochs": "1"}}, 'training.epochs: "1" is not a number; take the quotes off'),
        ({"training": {"learning_rate": "1e-3"}}, "is not a number or 'auto'; take the quotes off"),
        ({"training": {"learning_rate": True}}, "training.learning_rate: true is not a number or 'auto'"),
        ({"training": {"in_batch": 1}}, "training.in_batch: 1 is not true or false or 'all'"),
        ({"training": {"grad_cache": "yes"}}, '"yes" is not true or false; take the quotes off'),
        ({"seed": "3"}, 'seed: "3" is not a whole number; take the quotes off'),
        ({"student": {"model": "x", "layers": "3"}}, "student.layers"),
        ({"method": {"name": "adam", "dark": {"weight": "1"}}}, 'method.dark.weight: "1" is not a number'),
        ({"method": {"plan": [{"lists": {"top": "3"}}]}}, 'method.plan.0.lists.top: "3" is not a whole number'),
        ({"evaluation": {"measures": []}}, "evaluation.measures: [] has too little: give 1 or more"),
        ({"candidates": {"from": {"trec": "nowhere.trec"}}}, "nowhere.trec: no such file"),
        ({"candidates": {"from": ["bm25", "dense"], "weights": [0, 0]}}, "candidates.weights"),
        ({"evaluation": {"measures": ["nDCG@0"]}}, "unknown measure"),
        ({"teacher": {"bm25": {"k1": float("nan")}}}, "teacher.bm25.k1: nan"),
        ({"teacher": {"bm25": {"stemmer": "klingon"}}}, "teacher.bm25: unknown stemmer"),
        ({"teacher": {"ensemble": ["bm25"], "weights": [float("nan")]}}, "teacher.weights"),
        ({"teacher": {"ensemble": ["bm25"], "weights": [0]}}, "every weight is 0"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(DistillirError) as error:
        parse_recipe({**GOOD, **change})
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_numbers_are_read_as_yaml_1_2_and_json_write_them(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        "collection: stdlib\nteacher: bm25\nstudent: m\ntraining: {learning_rate: 1e-3, weight_decay: .5e-1}\n"
        "objective: {kl: {student_temperature: 5e-2}}\n",
    )
    recipe = read_recipe(path, ["training.warmup=1e-05"])
    assert recipe.training.learning_rate == 1e-3 and recipe.training.weight_decay == 0.05
    assert recipe.training.warmup == 1e-05 and recipe.objective == {"kl": {"student_temperature": 0.05}}
    with pytest.raises(
        DistillirError, match=r"recipe\.yaml:1: student\.model: 1000\.0: input should be a valid string"
    ):
        read_recipe(_file(tmp_path, "student: {model: 1e3}\ncollection: stdlib\nteacher: bm25\n"))
    quoted = _file(tmp_path, "student: '1e3'\ncollection: stdlib\nteacher: bm25\n")
    assert load_yaml(dump_yaml(read_recipe(quoted).resolved()), "")["student"]["model"] == "1e3"


def test_mistakes_name_file_and_line(tmp_path: Path) -> None:
    path = _file(tmp_path, "collection: stdlib\nteacher: bm25\nstudent: m\ntraining:\n  epochs: 1\n  lerning_rate: 1\n")
    with pytest.raises(DistillirError, match=r"recipe\.yaml:6: training\.lerning_rate: unknown key"):
        read_recipe(path)
    with pytest.raises(DistillirError, match=r"recipe\.yaml:2: not YAML"):
        read_recipe(_file(tmp_path, "collection: stdlib\nteacher: [bm25\n"))
    with pytest.raises(DistillirError, match=r"recipe\.yaml:3: the key teacher stands here and in line 2"):
        read_recipe(_file(tmp_path, "collection: stdlib\nteacher: bm25\nteacher: bm25\nstudent: m\n"))
    for endless in ("collection: " + "[" * 5000, "collection: stdlib\nteacher: &t {ensemble: [*t]}\nstudent: m\n"):
        with pytest.raises(DistillirError, match="nested too deep"):
            read_recipe(_file(tmp_path, endless))
    with pytest.raises(DistillirError, match="mapping of keys"):
        read_recipe(_file(tmp_path, "just a word\n"))
    with pytest.raises(DistillirError, match="no such file"):
        read_recipe(tmp_path / "nothing.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("teacher:\n  ensemble:\n    - bm25\n    - dense:\n        model: x\n        max_lenght: 3\n",
         r":8: teacher\.ensemble\[1\]\.dense: unknown key 'max_lenght'; did you mean 'max_length'"),
        ("teacher: bm25\ncandidates:\n  from:\n    - bm25\n    - dense: {factory: 1}\n",
         r":7: candidates\.from\[1\]: dense: factory is 1; give a word"),
        ("teacher: bm25\nobjective:\n  info_nce: 1\n  kl: {temperature: 1}\n", r":6: objective\.kl: kl has no option"),
        ("teacher: bm25\nmethod:\n  name: kl\n  objective: kll\n", r":6: objective: no objective 'kll'"),
        ("teacher: bm25\ntraining:\n  epochs: 1\n  gradient_accumulation: 3\n", ":6: training.gradient_acc"),
        ("teacher:\n  mine:TEACHER:\n    boost: 1\n", r":3: teacher: mine:TEACHER is Python code.*--allow-code"),
    ],
)  # fmt: skip
def test_whatever_is_wrong_is_told_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DistillirError, match=rf"recipe\.yaml{said}") as refused:
        read_recipe(_file(tmp_path, f"collection: stdlib\nstudent: m\n{text}"))
    assert len(str(refused.value).splitlines()) == 1


def test_settings_change_keys(tmp_path: Path) -> None:
    path = _file(tmp_path, "collection: stdlib\nteacher: bm25\nstudent: m\n")
    recipe = read_recipe(path, ["training.epochs=0.5", "student.layers=2", "queries=dev", "method.name=ranknet"])
    assert recipe.training.epochs == 0.5
    assert recipe.student.model == "m" and recipe.student.layers == 2
    assert recipe.queries.split == "dev"
    for wrong in ("training.epochs", "training.epochs=[", "collection.x=1"):
        with pytest.raises(DistillirError, match="--set"):
            read_recipe(path, [wrong])


def test_the_recipes_in_the_repository_are_valid() -> None:
    folder = Path(__file__).parents[2]
    recipes = [*folder.glob("recipes/*.yaml"), *folder.glob("benchmarks/recipes/*.yaml")]
    assert recipes
    for path in recipes:
        read_recipe(path)


LATE = {"model": "all-MiniLM-L6-v2", "kind": "multi-vector"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"student": LATE, "candidates": {"from": ["bm25", "dense"]}}, "that is multi-vector; write multi-vector"),
        ({"student": "all-MiniLM-L6-v2", "candidates": {"from": "multi-vector"}}, "that is dense; write dense"),
        ({"student": {**LATE, "towers": "separate"}}, "separate towers are for dense students"),
        ({"student": {**LATE, "kind": "sparce"}}, "student.kind"),
        ({"student": LATE, "method": {"plan": [{}, {"mine": True}]}}, "put multi-vector (without a model)"),
    ],
)
def test_kinds_of_students_that_cannot_be(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DistillirError) as error:
        parse_recipe({"collection": "stdlib", "teacher": "bm25", **changes})
    assert said in str(error.value) and len(str(error.value).splitlines()) == 1


def test_what_a_kind_of_student_changes_where_a_recipe_is_silent() -> None:
    base = {"collection": "stdlib", "teacher": "bm25", "method": "kl"}
    dense = parse_recipe({**base, "student": "all-MiniLM-L6-v2"})
    late = parse_recipe({**base, "student": LATE})
    assert dense.candidates.from_ == ["bm25", "dense"] and late.candidates.from_ == ["bm25"]
    assert parse_recipe(late.resolved()) == late
    temperatures = [compose(recipe).objective.spec[0]["kl"]["student_temperature"] for recipe in (dense, late)]
    assert temperatures == [0.05, 1.0]  # a cosine's; a sum of cosines needs none


def test_a_further_collection_in_each_form_and_a_slip_of_its_key(tmp_path: Path) -> None:
    forms: list[Any] = ["stdlib", {"hf": "name"}, {"documents": "a.jsonl"}]
    found = parse_recipe({**GOOD, "evaluation": {"also": [*forms, {"collection": "b", "split": "dev"}]}})
    assert [one.collection for one in found.evaluation.also] == [*forms, "b"]
    with pytest.raises(DistillirError, match="did you mean 'collection'"):
        parse_recipe({**GOOD, "evaluation": {"also": [{"colection": "b", "split": "dev"}]}})


def test_one_measure_needs_no_list() -> None:
    recipe = parse_recipe(
        {"collection": "stdlib", "teacher": "bm25", "student": "x", "evaluation": {"measures": "P@5"}}
    )
    assert recipe.evaluation.measures == ["P@5"]


def test_prompts_of_a_student() -> None:
    def options(**student: Any) -> ModelOptions:
        return Recipe.model_validate({"collection": "c", "student": {"model": "m", **student}}).student.options

    assert options() == PLAIN
    found = options(prompts={"query": "query: ", "document": {"name": "passage"}}, trust_remote_code=True)
    assert found == ModelOptions(True, PromptChoice("query: "), PromptChoice("passage", named=True))
    assert options(prompts={"query": ""}).query == PromptChoice("")
    spec = {"collection": "stdlib", "teacher": "bm25", "student": {"model": "m", "kind": "sparse"}}
    spec["student"] |= {"towers": "inference-free", "prompts": {"query": "query: "}}  # type: ignore[operator]
    with pytest.raises(DistillirError, match=r"student\.prompts\.query"):
        parse_recipe(spec)
