"""The device that a process computes on."""

import os


def pick_device() -> str:
    """The device of this process: its own GPU under ``accelerate launch``, else the first, else the CPU."""
    import torch

    if os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes"):
        return "cpu"
    if torch.cuda.is_available():
        return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return "mps" if torch.backends.mps.is_available() else "cpu"
