"""Pitch by the WORLD vocoder's methods, from the optional package pyworld (MIT)."""

import warnings
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.audio.pitch import HIGH_HZ, LOW_HZ, Pitch, check_range
from voicewright.errors import MissingExtra

_HOP_S = 0.005


class HarvestPitch:
    """Pitch by Harvest (Morise 2017).

    Precise on clean singing and speech, slow, and it also calls some noise voiced. Its confidence is 1 where it hears
    a voice and 0 elsewhere.

    Args:
        low_hz, high_hz: the range in which to look, within 20 to 4000 Hz.

    Raises:
        BadSetting: the range reaches too far.
        MissingExtra: pyworld is not installed.
    """

    def __init__(self, *, low_hz: float = LOW_HZ, high_hz: float = HIGH_HZ) -> None:
        self._world = _pyworld("harvest")
        check_range(low_hz, high_hz, 20.0, 4000.0)
        self._range: dict[str, Any] = {"f0_floor": low_hz, "f0_ceil": high_hz, "frame_period": 1000 * _HOP_S}

    def track(self, clip: Clip) -> Pitch:
        """(f,) one frame for every 5 ms."""
        if not len(clip):
            return _pitch(np.zeros(0))
        f0_hz, _ = self._world.harvest(clip.samples.astype(np.float64), clip.rate, **self._range)
        return _pitch(f0_hz)


class DioPitch:
    """Pitch by DIO (Morise 2010), refined by StoneMask: quick, for clean recordings; noise costs it frames.

    Its confidence is 1 where it hears a voice and 0 elsewhere.

    Args:
        low_hz, high_hz: the range in which to look, within 20 to 4000 Hz.

    Raises:
        BadSetting: the range reaches too far.
        MissingExtra: pyworld is not installed.
    """

    def __init__(self, *, low_hz: float = LOW_HZ, high_hz: float = HIGH_HZ) -> None:
        self._world = _pyworld("dio")
        check_range(low_hz, high_hz, 20.0, 4000.0)
        self._range: dict[str, Any] = {"f0_floor": low_hz, "f0_ceil": high_hz, "frame_period": 1000 * _HOP_S}

    def track(self, clip: Clip) -> Pitch:
        """(f,) one frame for every 5 ms."""
        if not len(clip):
            return _pitch(np.zeros(0))
        samples = clip.samples.astype(np.float64)
        coarse, times = self._world.dio(samples, clip.rate, **self._range)
        return _pitch(self._world.stonemask(samples, coarse, times, clip.rate))


def _pyworld(method: str) -> ModuleType:
    try:
        with warnings.catch_warnings():  # it still imports pkg_resources, which says that it is old
            warnings.simplefilter("ignore")
            return import_module("pyworld")
    except ModuleNotFoundError as problem:
        raise MissingExtra("pyworld", needed_for=f"the pitch tracker {method!r}", extra="world") from problem


def _pitch(f0_hz: NDArray[np.float64]) -> Pitch:
    return Pitch(f0_hz.astype(np.float32), (f0_hz > 0).astype(np.float32), _HOP_S)
