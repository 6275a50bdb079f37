"""The Hugging Face Hub: asked once whether it answers, so that its library does not try each file six times.

``huggingface_hub`` asks for every file of a model by a request of its own, and asks again up to five times (after 1, 2,
4, 8 and 8 seconds) where the network or the Hub fails: without a network, minutes go by before a misspelt name is
refused, or a model of its cache loaded. Here the Hub is asked first; where it does not answer, the library is told to
go by its cache alone, which is what ``HF_HUB_OFFLINE=1`` says.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from distillir.base.environment import short_line

#: Seconds that the Hub has for an answer (``HF_HUB_ETAG_TIMEOUT`` where that is set), and how often it is asked.
_SECONDS, _TRIES = 5, 2
#: Seconds for which an answer, or its absence, is taken to hold.
_HOLDS = 60


@dataclass(frozen=True)
class HubAnswer:
    """Answer of the Hub.

    Attributes:
        asked: When it was asked (`time.monotonic`).
        silence: Why there was none; empty where the Hub answers.
    """

    asked: float
    silence: str


_known: dict[str, HubAnswer] = {}
#: Why the Hub does not answer, of the blocks that have told its library so, the outermost first.
_blocks: list[str] = []


@contextmanager
def hub_or_cache() -> Iterator[str]:
    """Let the Hub's library go by its cache where the Hub does not answer, until the block ends; for all threads.

    Yields:
        Why the Hub does not answer; empty where it does.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:  # said by a block around this one, or by the user
        yield _blocks[-1] if _blocks else "HF_HUB_OFFLINE is set"
        return
    silence = _silence(constants.ENDPOINT)
    if not silence:
        yield ""
        return
    constants.HF_HUB_OFFLINE = True
    _blocks.append(silence)
    try:
        yield silence
    finally:
        _blocks.pop()
        constants.HF_HUB_OFFLINE = False


def _silence(endpoint: str) -> str:
    """Reason why the Hub does not answer; empty where it does."""
    known = _known.get(endpoint)
    if known is None or time.monotonic() - known.asked > _HOLDS:
        silence = ""
        for number in range(_TRIES):
            if number:
                time.sleep(1)
            if not (silence := _asked(endpoint)):
                break
        known = _known[endpoint] = HubAnswer(time.monotonic(), silence)
    return known.silence


def _asked(endpoint: str) -> str:
    """Ask the Hub once for nothing in particular."""
    from huggingface_hub import constants, get_session

    seconds = constants.HF_HUB_ETAG_TIMEOUT if "HF_HUB_ETAG_TIMEOUT" in os.environ else _SECONDS
    try:
        status = get_session().head(endpoint, timeout=seconds).status_code
    except Exception as error:  # of whatever library it asks with
        return short_line(str(error)) or type(error).__name__
    return f"it answers {status}" if status >= 500 else ""
