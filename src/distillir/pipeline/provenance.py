"""Provenance of a run's products, in ``provenance.json``: products that do not fit any more are never reused."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.files import read_json, write_json
from distillir.base.processes import barrier, first_decides, rank
from distillir.base.progress import say
from distillir.pipeline.contents import changed_files, contents
from distillir.pipeline.inputs import Inputs
from distillir.pipeline.products import BY_NAME, PRODUCTS, SIGNAL_FOLDERS, VERBS, Product
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.signal_place import misfit_of_signals

#: Products that carry the identity of what they were made from in themselves.
OWN_SOURCE = tuple(SIGNAL_FOLDERS)
#: Products that are made when the signals are finished.
FROM_SIGNALS = ("student", "run after training", "metrics")
#: Under what the hashes of a product's own files stand in its record.
FILES = "files"
MEND = "mend it, or delete it and give --anew: without it nothing says what the folder was made from"


def reusable(folder: RunFolder, name: str) -> bool:
    """Tell whether a product is there, whole, and was made from the inputs of now.

    Where it is not, what it is about to be made from is noted, so that a kill at any moment leaves the two together.

    Args:
        folder: The run's.
        name: Of one of `distillir.pipeline.products.PRODUCTS`.

    Raises:
        DistillirError: It was made from something else; the message names what has changed.
    """
    product = BY_NAME[name]
    _open(folder)

    def decide() -> bool:
        seal(folder, signals=name in FROM_SIGNALS)
        inputs = Inputs(folder)
        if product.present(folder):
            if problem := _misfit(folder, product, inputs):
                raise _refusal(folder, product, problem)
        else:
            note(folder, name, inputs)
        return product.path(folder).exists()

    return first_decides(decide)


def note(folder: RunFolder, name: str, inputs: Inputs) -> None:
    """Keep the fingerprints of the inputs that a product is about to be made from."""
    if name not in OWN_SOURCE:
        write(folder, {**read(folder), name: {"version": BY_NAME[name].version, **inputs.of(name)}})


def seal(folder: RunFolder, *, signals: bool) -> None:
    """Keep hashes of the files of each product that is finished and not yet sealed, and forget those of deleted ones.

    Args:
        folder: The run's.
        signals: Whether the answers of signals are finished: their folders are there before they are.
    """
    if not folder.provenance.is_file():
        return  # of an earlier version, or nothing is made yet
    records = read(folder)
    sealed = dict(records)
    for product in PRODUCTS:
        record = records.get(product.name)
        if not product.path(folder).exists():
            if record is not None and FILES in record:
                sealed[product.name] = {name: value for name, value in record.items() if name != FILES}
        elif product.piecewise and (product.name in OWN_SOURCE or record is not None):
            now, known = contents(folder, product), (record or {}).get(FILES, {})
            new = signals or product.name not in OWN_SOURCE
            files = {name: known.get(name, now[name]) for name in now if new or name in known}
            if files != known:
                sealed[product.name] = {**(record or {}), FILES: files}
        elif record is not None and FILES not in record and (found := contents(folder, product)):
            sealed[product.name] = {**record, FILES: found}
    if sealed != records:
        write(folder, sealed)


def _changed_files(folder: RunFolder, product: Product) -> str:
    """Name the files of a product that are not as they were made; empty where all are, or where none was sealed."""
    files: dict[str, str] = read(folder).get(product.name, {}).get(FILES, {})
    return changed_files(folder, product, files)


def read(folder: RunFolder) -> dict[str, dict[str, Any]]:
    """Fingerprints of inputs by product; empty for the folder of a version that kept none.

    Raises:
        DistillirError: The file is damaged.
    """
    if not folder.provenance.is_file():
        return {}
    found = read_json(folder.provenance, MEND)
    for name, record in found.items():
        values = dict(record) if isinstance(record, dict) else {"": None}
        files = values.pop(FILES, {})
        values |= files if isinstance(files, dict) else {"": None}
        if not all(isinstance(value, str | int) for value in values.values()):
            raise DistillirError(f"{name} holds no fingerprints", where=folder.provenance, remedy=MEND)
    return found


def write(folder: RunFolder, records: Mapping[str, Mapping[str, Any]]) -> None:
    """Replace ``provenance.json``."""
    write_json(folder.provenance, records)


def check(folder: RunFolder, verb: str | None, *, anew: bool = False, only: Sequence[str] | None = None) -> None:
    """Refuse products that do not fit or, with ``anew``, delete them and all that follows from them.

    Args:
        folder: The run's.
        verb: The verb that is about to run; None for all of them. What later verbs made is not refused (``anew``
            deletes it where it does not fit), and what earlier ones made is not deleted.
        anew: Whether the user allows that products are deleted and made anew.
        only: Names of the products to look at; None: all.

    Raises:
        DistillirError: A product was made from something else than what is there now; the message names what.
    """
    if not first_decides(lambda: any(product.present(folder) for product in PRODUCTS)):
        return
    _open(folder)
    first_decides(lambda: _check(folder, verb, anew, only))
    barrier()


def check_report(folder: RunFolder) -> None:
    """Refuse to report measures of other texts, judgements or rankings than those of now; earlier versions' are read.

    Raises:
        DistillirError: ``metrics.json`` was made from something else; the message names what.
    """
    check_reading(folder, "metrics")


def check_reading(folder: RunFolder, name: str) -> None:
    """Refuse to read a product that was made from something else than what is there now; earlier versions' are read.

    Args:
        folder: The run's.
        name: Of one of `distillir.pipeline.products.PRODUCTS`.

    Raises:
        DistillirError: It was made from something else; the message names what.
    """
    product = BY_NAME[name]
    _open(folder)

    def decide() -> None:
        for made in PRODUCTS:
            if problem := _changed_files(folder, made):
                raise _refusal(folder, made, problem, verb=made.verb)
        problem = _misfit(folder, product, Inputs(folder)) if product.path(folder).exists() else ""
        if problem and problem != UNKNOWN:
            raise _refusal(folder, product, problem, verb=product.verb)

    first_decides(decide)


def _open(folder: RunFolder) -> None:
    """Open the collections in every process, before one of them decides."""
    folder.collection  # noqa: B018
    folder.others  # noqa: B018
    barrier()


def _check(folder: RunFolder, verb: str | None, anew: bool, only: Sequence[str] | None) -> None:
    inputs, gone = Inputs(folder), set[str]()
    for product in PRODUCTS:
        if only is not None and product.name not in only:
            continue
        if not product.present(folder):
            continue
        late = verb is not None and VERBS.index(product.verb) > VERBS.index(verb)
        early = verb is not None and VERBS.index(product.verb) < VERBS.index(verb)
        problem = _changed_keys(folder, product)
        if not problem and gone.intersection(product.made_from(folder)):
            problem = "what it was made from is made anew"
        elif not problem and (anew or not late):
            problem = _misfit(folder, product, inputs)
        if not problem:
            continue
        if not anew or early:
            raise _refusal(folder, product, problem, verb=product.verb if early else None)
        say(f"To be made anew: {product.name} ({problem})")
        remove(folder, product)
        gone.add(product.name)


def remove(folder: RunFolder, product: Product) -> None:
    """Delete a product, its record and the facts noted with it."""
    for path in product.paths(folder):
        if path.is_symlink() and product.name in OWN_SOURCE:  # a comparison's: its runs share what is in there
            for inside in path.resolve().iterdir():
                _delete(inside)
        else:
            _delete(path)
    records = read(folder)
    if records.pop(product.name, None) is not None:
        write(folder, records)
    folder.facts.forget(product.facts, product.seconds)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _misfit(folder: RunFolder, product: Product, inputs: Inputs) -> str:
    """Say which inputs have changed since a product was made; empty where it fits."""
    if product.name in OWN_SOURCE:
        return misfit_of_signals(folder, product.name) or _changed_files(folder, product)
    if problem := _changed_files(folder, product):
        return problem
    record = read(folder).get(product.name)
    if record is None:
        return UNKNOWN
    now = {"version": product.version, **inputs.of(product.name)}
    other = [name for name, value in now.items() if name in record and record[name] != value]
    if "version" in other:
        return "an earlier version of distillir made it in another way"
    return f"other {', '.join(other)} than when it was made" if other else ""


#: Of the run folders of versions before this record.
UNKNOWN = "nothing says what it was made from (an earlier version of distillir made it, or provenance.json is gone)"


def _changed_keys(folder: RunFolder, product: Product) -> str:
    """Keys of the recipe that a product depends on and that differ from those it was made with."""
    changed = [key for key in folder.changed if product in affected(key)]
    return f"other {', '.join(changed)} in the recipe" if changed else ""


def affected(key: str) -> list[Product]:
    """Products that depend directly on a key of the recipe: those that name it, or else the nearest key above it.

    A key that no product names affects all of them.
    """

    def depth(product: Product) -> int:
        fitting = [own for own in product.keys if key == own or key.startswith(f"{own}.") or own.startswith(f"{key}.")]
        return max((len(own) for own in fitting), default=0)

    nearest = max(depth(product) for product in PRODUCTS)
    return [product for product in PRODUCTS if depth(product) == nearest]


def _refusal(folder: RunFolder, product: Product, problem: str, verb: str | None = None) -> DistillirError:
    command = f"distillir {verb} --anew makes" if verb else "--anew makes"
    also = "; distillir report still reads it" if problem == UNKNOWN and folder.metrics.is_file() else ""
    there = next((path for path in product.paths(folder) if path.exists()), product.path(folder))
    return DistillirError(
        f"does not fit: {problem}",
        where=there,
        remedy=f"{command} it and all that follows anew{also}",
    )


def finish(folder: RunFolder) -> None:
    """Keep the recipe that the products fit now, where keys of it had changed."""
    if folder.changed and rank() == 0:
        folder.write_recipe()
    barrier()
