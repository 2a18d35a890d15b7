"""PyanNet: who speaks when within ten seconds, up to three speakers and two of them at once.

b batch · t samples · f frames · k sets of speakers · s speakers · c channels

Bredin, "pyannote.audio 2.1 speaker diarization pipeline", 2023, with the powerset output of Plaquet and Bredin,
"Powerset multi-class cross entropy loss for neural speaker diarization", 2023. Sizes as in `pyannote/segmentation-3.0`.
The learnable band-pass filters of the first layer (SincNet, Ravanelli and Bengio, 2018) are stored as the taps they
have.
"""

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, max_pool1d

from voicewright.nn.frozen import load_frozen


@dataclass(frozen=True, kw_only=True)
class PyanNetConfig:
    """Sizes of the network and of what it hears."""

    rate: int = 16_000
    window_s: float = 10.0
    """The length it was trained on; every window is normalised by itself."""
    bank: int = 80
    bank_taps: int = 251
    bank_stride: int = 10
    channels: int = 60
    taps: int = 5
    pool: int = 3
    width: int = 128
    layers: int = 4
    linears: int = 2
    speakers: int = 3
    at_once: int = 2

    @property
    def window(self) -> int:
        """Samples in a window."""
        return round(self.window_s * self.rate)

    @property
    def hop(self) -> int:
        """Samples from one frame to the next."""
        return self.bank_stride * self.pool**3

    @property
    def reach(self) -> int:
        """Samples that one frame of the convolutions sees; the centre of frame i lies at i · hop + reach / 2."""
        seen = 1
        for taps, stride in (*[(self.pool, self.pool), (self.taps, 1)] * 2, (self.pool, self.pool)):
            seen = taps + (seen - 1) * stride
        return self.bank_taps + (seen - 1) * self.bank_stride

    @property
    def sets(self) -> tuple[tuple[int, ...], ...]:
        """The sets of speakers that the outputs stand for: nobody, each alone, each pair."""
        return tuple(s for size in range(self.at_once + 1) for s in combinations(range(self.speakers), size))

    @classmethod
    def tiny(cls) -> Self:
        return cls(window_s=1.0, bank=8, bank_taps=51, channels=6, width=8, layers=2, linears=1)


class PyanNet(nn.Module):
    """Windows of sound to the likelihood of each set of speakers; who is called first means nothing across windows."""

    def __init__(self, config: PyanNetConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or PyanNetConfig()
        self.level = nn.InstanceNorm1d(1, affine=True)
        sizes = (c.bank, c.channels, c.channels)
        self.convs = nn.ModuleList(
            [
                nn.Conv1d(1, c.bank, c.bank_taps, c.bank_stride, bias=False),
                nn.Conv1d(c.bank, c.channels, c.taps),
                nn.Conv1d(c.channels, c.channels, c.taps),
            ]
        )
        self.norms = nn.ModuleList(nn.InstanceNorm1d(size, affine=True) for size in sizes)
        self.lstm = nn.LSTM(c.channels, c.width, c.layers, batch_first=True, bidirectional=True)
        self.linears = nn.ModuleList(nn.Linear(c.width if i else 2 * c.width, c.width) for i in range(c.linears))
        self.out = nn.Linear(c.width, len(c.sets))

    def forward(self, wave: Tensor) -> Tensor:
        """(b, t) sound at `config.rate`, at most a window -> (b, f, k) log-probabilities of the sets."""
        # two at a time through the convolutions: more do not fit a processor's cache, and take 1.6 times as long
        x = torch.cat([self._frames(few) for few in torch.split(wave, 2)])
        x, _ = self.lstm(x.transpose(1, 2))
        for linear in self.linears:
            x = leaky_relu(linear(x))
        likely: Tensor = torch.log_softmax(self.out(x), dim=-1)
        return likely

    def _frames(self, wave: Tensor) -> Tensor:
        """(b, t) -> (b, c, f)"""
        x = self.level(wave[:, None])
        for index, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x = conv(x)
            x = leaky_relu(norm(max_pool1d(x if index else x.abs(), self.config.pool)), inplace=True)
        frames: Tensor = x
        return frames

    def activity(self, wave: Tensor) -> Tensor:
        """(b, t) -> (b, f, s) how likely each speaker speaks, alone or with another, 0 to 1."""
        c = self.config
        member = torch.tensor([[float(s in group) for s in range(c.speakers)] for group in c.sets], device=wave.device)
        active: Tensor = self(wave).exp() @ member
        return active


def load_segmentation(path: Path) -> PyanNet:
    """The published network, frozen, from a safetensors file (`weights/bundled/segmentation.safetensors`).

    Raises: MissingWeights, BadWeights.
    """
    return load_frozen(PyanNet(), path)
