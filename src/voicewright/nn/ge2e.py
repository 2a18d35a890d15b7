"""GE2E: a speaker encoder that listens in windows of 1.6 s.

b batch · t samples · w windows · f frames · m mel bins · d width

Wan et al., "Generalized end-to-end loss for speaker verification", 2018; sizes and front end as in the SV2TTS family
(Real-Time-Voice-Cloning, Resemblyzer), whose published weights fit.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, pad

from voicewright.audio.mel import MelSpec, filterbank
from voicewright.nn.frozen import load_frozen


@dataclass(frozen=True, kw_only=True)
class GE2EConfig:
    """Sizes of the network and of what it hears."""

    mels: int = 40
    width: int = 256
    layers: int = 3
    embedding: int = 256
    rate: int = 16_000
    n_fft: int = 400
    hop: int = 160
    window_frames: int = 160
    step_frames: int = 80
    coverage: float = 0.75
    """A last window that is filled less than this is left out, unless it is the only one."""
    level_db: float = -30.0
    """Quieter sound is raised to this RMS level (dB of full scale); louder sound stays as it is."""

    @classmethod
    def tiny(cls) -> Self:
        return cls(mels=8, width=12, layers=2, embedding=10)


class GE2E(nn.Module):
    """Speaker encoder: mel windows, or sound, to unit vectors without negative numbers."""

    filters: Tensor
    taper: Tensor

    def __init__(self, config: GE2EConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or GE2EConfig()
        self.lstm = nn.LSTM(c.mels, c.width, c.layers, batch_first=True)
        self.linear = nn.Linear(c.width, c.embedding)
        bank = filterbank(MelSpec(rate=c.rate, n_fft=c.n_fft, hop_samples=c.hop, bins=c.mels))
        self.register_buffer("filters", torch.from_numpy(bank.T).float(), persistent=False)
        self.register_buffer("taper", torch.hann_window(c.n_fft), persistent=False)

    def forward(self, mels: Tensor) -> Tensor:
        """(b, f, m) power mels -> (b, d), each of length 1."""
        _, (hidden, _) = self.lstm(mels)
        raw = torch.relu(self.linear(hidden[-1]))
        # 1e-5 as in the published network: a window of silence gives zeros, and a gradient that is finite
        unit: Tensor = raw / (raw.norm(dim=1, keepdim=True) + 1e-5)
        return unit

    def mel(self, wave: Tensor) -> Tensor:
        """(b, t) -> (b, t // hop + 1, m) power mels, linear, frames centred."""
        c = self.config
        spectrum = torch.stft(wave, c.n_fft, c.hop, window=self.taper, pad_mode="constant", return_complex=True)
        power = torch.view_as_real(spectrum).square().sum(-1)
        return power.transpose(1, 2) @ self.filters

    def embed_waveform(self, wave: Tensor) -> Tensor:
        """(b, t) sound at `config.rate`, in [-1, 1], silences cut out -> (b, d) unit vectors; differentiable.

        The mean over overlapping windows, like the original's `embed_utterance`. Always float32, also under autocast.
        """
        c = self.config
        starts = window_starts(wave.shape[1], c)
        with torch.autocast(wave.device.type, enabled=False):
            wave = self._raise_level(wave.float())
            wave = pad(wave, (0, max(0, (starts[-1] + c.window_frames) * c.hop - wave.shape[1])))
            mels = self.mel(wave)
            windows = torch.stack([mels[:, start : start + c.window_frames] for start in starts], dim=1)
            embeddings = self(windows.flatten(0, 1)).unflatten(0, windows.shape[:2])
            return normalize(embeddings.mean(1), dim=1)

    def _raise_level(self, wave: Tensor) -> Tensor:
        rms = wave.square().mean(1, keepdim=True).clamp(min=1e-12).sqrt()
        return wave * (10 ** (self.config.level_db / 20) / rms).clamp(min=1.0)


def window_starts(samples: int, config: GE2EConfig) -> list[int]:
    """First frame of each window over a sound of `samples`; the last may reach beyond its end."""
    frames = samples // config.hop + 1
    starts = list(range(0, max(1, frames - config.window_frames + config.step_frames + 1), config.step_frames))
    filled = (samples - starts[-1] * config.hop) / (config.window_frames * config.hop)
    return starts[:-1] if filled < config.coverage and len(starts) > 1 else starts


def load_ge2e(path: Path) -> GE2E:
    """The published network, frozen, from a safetensors file (`weights/bundled/ge2e.safetensors`).

    Raises: MissingWeights, BadWeights.
    """
    return load_frozen(GE2E(), path)
