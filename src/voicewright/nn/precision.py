"""Which precision a network runs in: read off the processor, checked by a measurement in `doctor`."""

import time

import torch
from torch import nn

from voicewright.errors import BadSetting

NATIVE_BFLOAT16 = ("avx512_bf16", "amx_bf16")
"""Processor features with which bfloat16 convolutions were measured 1.6 to 3 times faster than float32; without them
bfloat16 is emulated and slower."""


def choose_precision(asked: str, *, device: str) -> torch.dtype:
    """The dtype for "auto", "float32" or "bfloat16".

    "auto" asks the processor what it can do and not a stopwatch, so that the same seed gives the same samples on every
    run of one machine, busy or idle. Raises BadSetting: another name.
    """
    if asked == "auto":
        return torch.bfloat16 if has_native_bfloat16(device) else torch.float32
    known = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if asked not in known:
        raise BadSetting(f"no precision {asked!r}; choose auto, {' or '.join(known)}")
    return known[asked]


def has_native_bfloat16(device: str) -> bool:
    """Whether `device` multiplies bfloat16 in hardware."""
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    features = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return any(features.get(name, False) for name in NATIVE_BFLOAT16)


def bfloat16_speedup(device: str = "cpu", *, rounds: int = 12) -> float:
    """How many times faster the decoder's commonest convolution runs in bfloat16 than in float32, now, here. ~0.1 s."""
    times = {dtype: float("inf") for dtype in (torch.float32, torch.bfloat16)}
    runs = {dtype: _convolution(dtype, device) for dtype in times}
    for _ in range(rounds):
        for dtype, (conv, x) in runs.items():
            started = time.perf_counter()
            with torch.inference_mode():
                conv(x).float().sum().item()
            times[dtype] = min(times[dtype], time.perf_counter() - started)
    return times[torch.float32] / times[torch.bfloat16]


def _convolution(dtype: torch.dtype, device: str) -> tuple[nn.Conv1d, torch.Tensor]:
    return nn.Conv1d(128, 128, 7, padding=3).to(device, dtype), torch.zeros(1, 128, 4096, dtype=dtype, device=device)
