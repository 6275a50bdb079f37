"""The command line in small batches; it dies after so many writes of scores (`DIE_AFTER`) or lists (`MINE_AFTER`)."""

import os
import signal

from distillir.cli import main
from distillir.pipeline.shards import mine
from distillir.teachers.answers.cache import ScoreCache
from distillir.teachers.cross_encoders import pair_scores

#: Padded tokens a batch: a small collection makes many.
BATCH_TOKENS = 256


def in_small_batches() -> None:
    """Score few pairs at a time, in this process."""
    setattr(pair_scores, "default_batch_tokens", lambda device: BATCH_TOKENS)  # noqa: B010 - imported there


if __name__ == "__main__":
    in_small_batches()
    put, left = ScoreCache.put, [int(os.environ.get("DIE_AFTER", "0"))]

    def dying(*arguments: object) -> None:
        """Write, and die where it is time to."""
        put(*arguments)  # type: ignore[arg-type]
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    ScoreCache.put = dying  # type: ignore[assignment, method-assign]
    keep = mine.keep_lists  # type: ignore[attr-defined]
    lists = [int(os.environ.get("MINE_AFTER", "0"))]

    def keeping(*arguments: object) -> None:
        """Write, and die where it is time to."""
        keep(*arguments)  # type: ignore[arg-type]
        lists[0] -= 1
        if lists[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    mine.keep_lists = keeping  # type: ignore[attr-defined, assignment]
    mine.QUERIES_PER_FILE = 2
    main()
