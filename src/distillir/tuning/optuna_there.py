"""Import of Optuna, which is optional."""

from types import ModuleType

from distillir.base.errors import DistillirError


def optuna() -> ModuleType:
    """Import Optuna with its log silenced, since `distillir.tuning.search` prints the progress.

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
