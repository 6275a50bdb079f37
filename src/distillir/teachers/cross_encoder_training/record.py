"""The record of a teacher's training: the results of a finished one, and the settings of an unfinished one."""

import shutil
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.files import read_json, write_json

#: Beside a trained teacher: settings, metrics and hashes of its files.
INFO = "train_teacher.json"


def finished(output: Path, settings: dict[str, Any]) -> dict[str, Any] | None:
    """The metrics of a finished training with these settings, or None where ``output`` is free.

    Raises:
        DistillirError: The folder holds something else, a teacher of other settings, or one whose files were changed.
    """
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return None
    if not (output / INFO).is_file():
        raise DistillirError(
            "is there already and was not made by train-teacher", where=output, remedy="choose another --output"
        )
    remedy = "it is damaged: delete the folder, or choose another --output"
    found = read_json(output / INFO, remedy)
    if not all(isinstance(found.get(name), dict) for name in ("settings", "metrics")):
        raise DistillirError("lacks settings or metrics", where=output / INFO, remedy=remedy)
    if found["settings"] != settings:
        changed = [name for name in settings if found["settings"].get(name) != settings[name]]
        raise DistillirError(
            f"holds a teacher of other settings ({', '.join(changed)})",
            where=output,
            remedy="delete the folder or choose another --output",
        )
    _check_files(output, found.get("files"), remedy)
    metrics: dict[str, Any] = found["metrics"]
    return metrics


def _check_files(output: Path, kept: Any, damaged: str) -> None:
    """Refuse a teacher whose weights, tokenizer or settings are not those that its training wrote.

    Records of earlier versions have no hashes of the files, and are believed.
    """
    from distillir.encoding.fingerprint import file_hashes

    if kept is None:
        return
    if not isinstance(kept, dict):
        raise DistillirError("its files are no mapping", where=output / INFO, remedy=damaged)
    found = file_hashes(output, INFO)
    changed = [name for name in sorted({*kept, *found}) if kept.get(name) != found.get(name)]
    if changed:
        raise DistillirError(
            f"holds a teacher whose files were changed after its training ({', '.join(changed)})",
            where=output,
            remedy="put them back as they were, delete the folder, or choose another --output",
        )


def prepare(work: Path, settings: dict[str, Any]) -> None:
    """Keep checkpoints of a training with the same settings, and refuse a folder with those of another one.

    Raises:
        DistillirError: The folder holds an unfinished training of other settings.
    """
    file = work / "settings.json"
    if file.is_file():
        found = read_json(file, "it is damaged: delete its folder, or choose another --output")
        changed = [name for name in {**found, **settings} if found.get(name) != settings.get(name)]
        if changed:
            raise DistillirError(
                f"holds an unfinished training of other settings ({', '.join(changed)})",
                where=work,
                remedy="delete it, or choose another --output",
            )
    elif work.exists():
        shutil.rmtree(work)  # killed before it had begun
    if not work.exists():
        work.mkdir(parents=True)
        write_json(file, settings)
