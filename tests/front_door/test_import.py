"""The import itself: quick, since nothing heavy comes with it, and telling what there is."""

import subprocess
import sys

import pytest

import distillir

HEAVY = ("torch", "transformers", "sentence_transformers", "numpy", "pyarrow", "datasets", "scipy", "pydantic", "rich")


def test_import_loads_nothing_of_others() -> None:
    code = f"import distillir, sys; dir(distillir); print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_functions_are_there_before_torch_is() -> None:
    """Looked up, as completion and help do, they load no model library yet."""
    names = [name for name in distillir.__all__ if name != "__version__"]
    code = (
        f"import distillir, sys\nfor name in {names}: getattr(distillir, name).__doc__\n"
        "print([m for m in ('torch', 'transformers', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_names_are_told_and_others_are_not_there() -> None:
    assert set(distillir.__all__) <= set(dir(distillir))
    with pytest.raises(AttributeError, match="'trian'"):
        distillir.trian  # type: ignore[attr-defined]  # noqa: B018
