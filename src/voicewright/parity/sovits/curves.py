"""Pitch curves and frame rates, as the fork and as upstream 4.1 make them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voicewright.engines.sovits import curves
from voicewright.engines.sovits.config import Dialect
from voicewright.engines.sovits.curves import Rule
from voicewright.engines.sovits.f0_features import coarse, hz_of, log_pitch, normalised
from voicewright.parity.case import Case, Compared


def fork(case: Case) -> Iterator[Compared]:
    """Every call of `f0_functions_fork`."""
    yield from _all(case, "fork")


def upstream(case: Case) -> Iterator[Compared]:
    """Every call of `f0_functions_up41`."""
    yield from _all(case, "upstream")


def _all(case: Case, dialect: Dialect) -> Iterator[Compared]:
    for call in case.calls:
        # back to Hz, one step of float32 in the log pitch is some 1e-4 Hz at the top of the range
        rtol = 1e-6 if call.startswith("lf0") else 0.0
        yield from case.compare(call, _made(case, call, dialect), rtol=rtol)


def _made(case: Case, call: str, dialect: Dialect) -> dict[str, Any]:
    """What ours makes of a call; its kind is the beginning of its name, its size is that of its output."""
    tensors = case.inputs(call)
    given = {name: tensor.numpy() for name, tensor in tensors.items()}
    frames = {name: tensor.shape[-1] for name, tensor in case.outputs(call).items()}
    if call.startswith("coarse"):
        return {"coarse": coarse(tensors["f0"], dialect)}
    if call.startswith("interp"):
        return _curve(*curves.interpolated(given["f0"], dialect))
    if call.startswith("post_process"):
        return _curve(*curves.stretched(given["f0"], frames["f0"]))
    if call.startswith("normalize"):
        drawn = next(iter(case.noise(call)), None)
        return {"norm": normalised(tensors["lf0"], tensors["uv"], tensors["mask"], drawn)}
    if call.startswith("lf0"):
        lf0 = log_pitch(tensors["f0"])
        return {"lf0": lf0, "back": hz_of(lf0)}
    if call.startswith("resize"):
        return {"f0": curves.resized(given["f0"], frames["f0"], dialect)}
    if call.startswith("repeat_expand"):
        return {"c": curves.expanded(given["c"], frames["c"], _rule(call, dialect))}
    return {}


def _rule(call: str, dialect: Dialect) -> Rule:
    if dialect == "fork":
        return "cut"
    return "left" if "_left" in call else "linear" if "_linear" in call else "nearest"


def _curve(f0_hz: NDArray[np.floating], voiced: NDArray[np.float32]) -> dict[str, Any]:
    return {"f0": f0_hz, "uv": voiced}
