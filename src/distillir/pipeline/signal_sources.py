"""The identity of all that dark examples, pairs and layers of a run were made from, and whether they fit it still.

Each of the three carries it in its own files.
"""

import json
from pathlib import Path

import numpy as np
import xxhash

from distillir.base.errors import DistillirError
from distillir.encoding.fingerprint import model_fingerprint
from distillir.methods.compose import compose
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.same_texts import known_lists
from distillir.signals.dark_examples.dark_set import TEXTS, DarkSet, check_source, open_dark_set
from distillir.signals.dark_examples.spec import DarkSpec
from distillir.signals.layers.layer_set import LAYERS, open_layers
from distillir.signals.preferences.pair_set import DARK_PAIRS, PAIRS, open_pairs
from distillir.signals.preferences.spec import PairSpec
from distillir.teachers.layered import LayeredTeacher
from distillir.teachers.load_layered import load_layered
from distillir.teachers.load_pairwise import load_pairwise
from distillir.teachers.pairwise import PairwiseTeacher
from distillir.teaching.known_lists import KnownLists
from distillir.teaching.teaching_set import TeachingSet, open_teaching_set


def dark_source(folder: RunFolder, spec: DarkSpec, lists: KnownLists) -> str:
    """Identity of all that the dark texts of a teaching set depend on (hex)."""
    digest, recipe = xxhash.xxh3_128(), folder.recipe
    settings = [spec.making().model_dump(), recipe.query_seed, recipe.training.max_length]
    settings += [recipe.training.pseudo_positives, folder.collection.fingerprint]
    if recipe.training.pseudo_positives == "always":
        settings.append("of the teacher's best")  # they were made of judged positives
    digest.update(json.dumps(settings).encode())
    for index, query in enumerate(lists.queries.tolist()):
        digest.update(np.int64(query).tobytes() + np.int64(len(lists.documents(index))).tobytes())
        for values in (lists.documents(index), lists.scores(index), lists.relevant(index)):
            digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def pair_source(folder: RunFolder, spec: PairSpec, lists: TeachingSet, teacher: PairwiseTeacher, student: Path) -> str:
    """Identity of all that the pairs of a teaching set depend on (hex); arguments as `make_pairs`."""
    digest = xxhash.xxh3_128(spec.sampling().model_dump_json().encode())
    if spec.choice == "disagreement":
        digest.update(model_fingerprint(str(student)).encode())
    digest.update(f"{folder.recipe.query_seed} {teacher.fingerprint()} {folder.collection.fingerprint}".encode())
    for index, query in enumerate(lists.queries.tolist()):
        digest.update(np.int64(query).tobytes())
        for values in (lists.documents(index), lists.scores(index)):
            digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def dark_pair_source(
    folder: RunFolder, spec: PairSpec, lists: TeachingSet, examples: DarkSet, teacher: PairwiseTeacher
) -> str:
    """Identity of all that pairs of dark examples depend on (hex); arguments as `make_dark_pairs`."""
    identity = [spec.sampling().model_dump_json(), str(spec.dark), str(folder.recipe.query_seed)]
    identity += [teacher.fingerprint(), folder.collection.fingerprint, examples.texts.fingerprint]
    digest = xxhash.xxh3_128("\0".join(identity).encode())
    for index, found in sorted(examples.lists.items()):
        digest.update(np.int64(lists.queries[index]).tobytes() + np.ascontiguousarray(found.scores).tobytes())
    return digest.hexdigest()


def layer_source(folder: RunFolder, lists: TeachingSet, teacher: LayeredTeacher) -> str:
    """Identity of all that the layers' scores of a teaching set depend on (hex)."""
    digest = xxhash.xxh3_128(f"{teacher.fingerprint()} {folder.collection.fingerprint}".encode())
    for index, query in enumerate(lists.queries.tolist()):
        digest.update(np.int64(query).tobytes() + np.ascontiguousarray(lists.documents(index)).tobytes())
    return digest.hexdigest()


def misfit_of_signal(folder: RunFolder, name: str) -> str:
    """Tell what is the matter with a signal's files for the run as it is now; empty where they fit or are not wanted.

    Args:
        folder: The run's.
        name: ``dark examples``, ``pairs`` or ``layers``.
    """
    if not folder.teaching.is_dir():
        return ""
    try:
        {"dark examples": _check_dark, "pairs": _check_pairs, "layers": _check_layers}[name](folder)
    except DistillirError as error:
        return error.what
    return ""


def _check_dark(folder: RunFolder) -> None:
    spec = compose(folder.recipe).dark
    if spec is not None and (folder.dark / TEXTS).is_dir():
        lists = open_teaching_set(folder.teaching, folder.collection)
        check_source(folder.dark, dark_source(folder, spec, known_lists(folder, lists)))


def _check_pairs(folder: RunFolder) -> None:
    spec = compose(folder.recipe).pairs
    if spec is None or not (folder.pairs / PAIRS).is_file():
        return
    lists, teacher = open_teaching_set(folder.teaching, folder.collection), load_pairwise(spec.teacher)
    open_pairs(folder.pairs, pair_source(folder, spec, lists, teacher, folder.initial_student))
    if spec.dark and (folder.pairs / DARK_PAIRS).is_file() and (folder.dark / TEXTS).is_dir():
        examples = open_dark_set(folder.dark)
        open_pairs(folder.pairs, dark_pair_source(folder, spec, lists, examples, teacher), DARK_PAIRS)


def _check_layers(folder: RunFolder) -> None:
    spec = compose(folder.recipe).layers
    if spec is not None and not spec.joint and (folder.layers / LAYERS).is_file():
        lists, teacher = open_teaching_set(folder.teaching, folder.collection), load_layered(spec.teacher, spec.pooling)
        open_layers(folder.layers, layer_source(folder, lists, teacher))
