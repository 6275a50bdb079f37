"""The searched keys of a recipe, and the recipe that drawn values stand for."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.composition.compose import compose
from distillir.composition.settled import Settled
from distillir.recipe import Recipe
from distillir.recipe.read import parse_recipe
from distillir.tuning.key import Key, choice, digits, number

#: Every key that can be searched, in the order of tables.
NAMES = (
    "teacher_temperature",
    "student_temperature",
    "info_nce",
    "learning_rate",
    "sample",
    "in_batch",
    "epochs",
    "candidates_per_query",
)
IN_TRAINING = ("sample", "in_batch", "epochs", "candidates_per_query")
SAMPLES, EPOCHS, CANDIDATES = ("positive_random", "top_random"), (1.0, 2.0, 4.0), (4, 8, 16)
#: A weight below this is none.
LEAST_WEIGHT = 0.01


@dataclass(frozen=True)
class Space:
    """Keys that are searched.

    Attributes:
        base: The given recipe, settled.
        keys: What is searched.
        left_out: Why a key is not searched, by its name.
    """

    base: Recipe
    keys: tuple[Key, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def own(self) -> dict[str, Any]:
        """Values that stand for the given recipe."""
        return {key.name: key.own for key in self.keys}

    def changes(self, params: Mapping[str, Any]) -> dict[str, str]:
        """Keys in which drawn values differ from the given recipe, with the values as a recipe has them."""
        return {key.path: key.told(params[key.name]) for key in self.keys if params[key.name] != key.own}

    def recipe(self, params: Mapping[str, Any]) -> Recipe:
        """The recipe that drawn values stand for; the given one itself where they are its own.

        Raises:
            DistillirError: They do not go together.
        """
        changed = {key.name: params[key.name] for key in self.keys if params[key.name] != key.own}
        if not changed:
            return self.base
        value = copy.deepcopy(self.base.resolved())
        value["training"].update({name: changed[name] for name in IN_TRAINING if name in changed})
        by_name = {key.name: key for key in self.keys}
        if "learning_rate" in changed:
            value["training"]["learning_rate"] = digits(changed["learning_rate"] * by_name["learning_rate"].scale)
        if changed.keys() & {"teacher_temperature", "student_temperature", "info_nce"}:
            value["objective"] = self._objective(changed, by_name)
        return parse_recipe(value)

    def _objective(self, changed: Mapping[str, Any], keys: Mapping[str, Key]) -> Any:
        parts = copy.deepcopy(compose(self.base).objective.spec)
        names = [name for part in parts for name in part]
        if "info_nce" in changed and "info_nce" not in names:
            parts.append({"info_nce": {"weight": 0.0, "temperature": _student_temperature(parts)}})
        kept = []
        for part in parts:
            [(name, options)] = part.items()
            for option, value in options.items():
                if option == "teacher_temperature" and option in changed:
                    options[option] = digits(float(value) * changed[option] / keys[option].own)
                elif option in ("student_temperature", "temperature") and "student_temperature" in changed:
                    options[option] = digits(float(value) * changed["student_temperature"])
            if name == "info_nce" and "info_nce" in changed:
                options["weight"] = round(changed["info_nce"], 2)
            if name != "info_nce" or float(options["weight"]) >= LEAST_WEIGHT:
                kept.append(part)
        joined = {name: options for part in kept for name, options in part.items()}
        return joined if len(joined) == len(kept) else kept


def check_tunable(recipe: Recipe) -> None:
    """Refuse recipes whose keys stand elsewhere than in one stage of plain lists.

    Raises:
        DistillirError: The method has several stages, lists of its own, or signals beside them.
    """
    method = compose(recipe)
    beside = [signal.kind.title for signal in method.signals]
    if method.plan != "plain" or len(method.stages) > 1 or beside:
        has = f"has {' and '.join(beside)}" if beside else f"has the plan {method.plan!r}"
        raise DistillirError(
            f"the method {method.name} {has}, and only one stage of plain lists is searched",
            where="distillir tune",
            remedy="choose method: auto, or an objective by itself, or try values with distillir compare",
        )


def check_names(only: Sequence[str] | None) -> None:
    """Refuse a name that is no key's.

    Raises:
        DistillirError: One is none.
    """
    for name in only or ():
        if name not in NAMES:
            raise DistillirError(f"no key {name!r}", where="--keys", remedy=nearest(name, NAMES))


def build_space(
    base: Recipe, suggested: Settled, *, longest: int, lists: int, judged: bool, only: Sequence[str] | None = None
) -> Space:
    """The keys of a recipe that can be searched.

    Args:
        base: The given recipe, settled.
        suggested: Temperatures and rate that a run suggests.
        longest: Candidates of the longest list.
        lists: Lists that are learnt from.
        judged: Whether a list holds a judged positive.
        only: Names of keys; None: all.

    Raises:
        DistillirError: A name is unknown or not there to be searched in this recipe, or nothing is left.
    """
    check_names(only)
    wanted = list(only) if only is not None else list(NAMES)
    keys: list[Key] = []
    left_out: dict[str, str] = {}
    for name, found in _found(base, suggested, longest, lists, judged):
        if name not in wanted:
            continue
        if isinstance(found, Key):
            keys.append(found)
        elif only is not None:
            raise DistillirError(f"{name}: {found}", where="--keys", remedy="leave it out")
        else:
            left_out[name] = found
    if not keys:
        raise DistillirError("there is no key to search", where="distillir tune", remedy="see docs/tune.md")
    return Space(base, tuple(sorted(keys, key=lambda key: NAMES.index(key.name))), left_out)


def _found(base: Recipe, suggested: Settled, longest: int, lists: int, judged: bool) -> Iterator[tuple[str, Key | str]]:
    """Yield each key, or the reason why it is not searched."""
    training, parts = base.training, compose(base).objective.spec
    options = [(name, values) for part in parts for name, values in part.items()]
    teachers = [float(values["teacher_temperature"]) for _, values in options if "teacher_temperature" in values]
    students = [
        float(values[option])
        for _, values in options
        for option in ("student_temperature", "temperature")
        if option in values
    ]
    if teachers:
        own = teachers[0] / suggested.teacher
        yield (
            "teacher_temperature",
            number("teacher_temperature", "objective.teacher_temperature", own, 0.1, 2.0, scale=suggested.teacher),
        )
    else:
        yield "teacher_temperature", "the objective has none"
    if students:
        yield (
            "student_temperature",
            number("student_temperature", "objective.student_temperature", 1.0, 0.25, 4.0, scale=students[0]),
        )
    else:
        yield "student_temperature", "the objective has none"
    yield "info_nce", _info_nce(base, options, judged)
    rate = float(training.learning_rate)
    rule = suggested.learning_rate
    yield "learning_rate", number("learning_rate", "training.learning_rate", rate / rule, 0.25, 4.0, scale=rule)
    yield "sample", choice("sample", "training.sample", training.sample, SAMPLES)
    if all(objective.in_batch for objective, _, _ in compose(base).objective.parts):
        yield "in_batch", choice("in_batch", "training.in_batch", training.in_batch, (False, True))
    else:
        yield "in_batch", "the objective compares margins of the teacher's scores, which other lists' documents lack"
    epochs = [value for value in EPOCHS if round(value * lists) >= training.queries_per_step]
    key = choice("epochs", "training.epochs", float(training.epochs), epochs)
    yield "epochs", key if len(key.values) > 1 else "there are too few lists for fewer or more"
    sizes = [value for value in CANDIDATES if value <= longest]
    key = choice("candidates_per_query", "training.candidates_per_query", training.candidates_per_query, sizes)
    yield "candidates_per_query", key if len(key.values) > 1 else f"the longest list has {longest}"


def _info_nce(base: Recipe, options: Sequence[tuple[str, Mapping[str, Any]]], judged: bool) -> Key | str:
    """The weight of the cross-entropy of the positive."""
    own = [float(values["weight"]) for name, values in options if name == "info_nce"]
    if len(options) == len(own):
        return "it is all that is compared"
    if len(own) > 1:
        return "the objective has it twice"
    if not own and not (judged or base.training.pseudo_positives):
        return "no list has a judged positive"
    return number("info_nce", "objective.info_nce.weight", own[0] if own else 0.0, 0.0, 2.0, log=False)


def _student_temperature(parts: Sequence[Mapping[str, Mapping[str, Any]]]) -> float:
    """The student's temperature in an objective that has one; else 1."""
    found = [float(o["student_temperature"]) for part in parts for o in part.values() if "student_temperature" in o]
    return found[0] if found else 1.0
