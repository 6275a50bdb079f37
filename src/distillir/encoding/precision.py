"""Precision of arithmetic: the fastest that a device has, and the context that switches it on."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal

from distillir.base.errors import DistillirError

Precision = Literal["float32", "bf16"]


def best_precision(device: Any = "cpu") -> Precision:
    """The faster of float32 and bf16 on a device.

    bf16 where the arithmetic is in hardware: CUDA from compute capability 8, or a CPU with AVX512-BF16 or AMX-BF16.

    Args:
        device: A torch device or its name.

    Returns:
        ``bf16`` or ``float32``.
    """
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device)[0] >= 8 else "float32"
    return "bf16" if kind == "cpu" and _cpu_has_bf16() else "float32"


def _cpu_has_bf16() -> bool:
    import torch

    # Private in torch, so it may go: the flags that Linux prints say the same.
    asked = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    if asked is not None and asked():
        return True
    flags = Path("/proc/cpuinfo")
    return flags.is_file() and any(name in flags.read_text().split() for name in ("avx512_bf16", "amx_bf16"))


def resolve_precision(precision: str, device: Any = "cpu") -> Precision:
    """Replace ``auto`` by the precision that is fastest on the device.

    Raises:
        DistillirError: An unknown precision.
    """
    if precision == "auto":
        return best_precision(device)
    if precision == "float32":
        return "float32"
    if precision == "bf16":
        return "bf16"
    raise DistillirError(f"unknown precision {precision!r}", remedy="choose auto, float32 or bf16")


#: Encoders narrower than this train in float32 on a CPU with bf16, too. One of width 384 gains by bf16
#: (benchmarks/results/training_throughput.md), one of 128 was reported to lose. Where between them it turns is not
#: known, and 256 a guess: benchmarks/narrow_precision.py has still to be run on a processor with bf16.
NARROW = 256


def training_precision(precision: str, model: Any, device: Any) -> Precision:
    """Replace ``auto`` by a model's fastest precision in training: bf16 if the device has it and the model is wide.

    Args:
        precision: ``auto``, ``float32`` or ``bf16``.
        model: A module that embeds tokens; the width of its first embedding counts.
        device: A torch device or its name.

    Raises:
        DistillirError: An unknown precision.
    """
    import torch

    if precision == "auto" and torch.device(device).type == "cpu":
        widths = [module.embedding_dim for module in model.modules() if isinstance(module, torch.nn.Embedding)]
        if widths and widths[0] < NARROW:
            return "float32"
    return resolve_precision(precision, device)


def autocast(precision: Precision, device: Any = "cpu") -> AbstractContextManager[Any]:
    """Context in which a model computes in ``precision``: matrix products in bf16, or everything as it is."""
    import torch

    if precision == "float32":
        return nullcontext()
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16)
