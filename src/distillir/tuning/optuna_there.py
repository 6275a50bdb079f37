"""Optuna, where it is installed."""

from types import ModuleType

from distillir.base.errors import DistillirError


def optuna() -> ModuleType:
    """The library that searches, silenced: what there is to say says `distillir.tuning.search`.

    Raises:
        DistillirError: It is not installed.
    """
    try:
        import optuna as found
    except ImportError:
        raise DistillirError(
            "optuna is not installed", where="distillir tune", remedy="pip install 'distillir[tune]'"
        ) from None
    found.logging.set_verbosity(found.logging.ERROR)
    return found
