"""NSF-HiFiGAN: sound from a log-mel spectrogram and a pitch curve.

b batch · m mel bins · f frames · t samples · n harmonics · g speaker

Kong et al., "HiFi-GAN" (2020), with the source of Wang et al., "Neural source-filter waveform models" (2019), as
OpenVPI publish it for 44.1 kHz. Parameters have the published names.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from voicewright.audio.clip import Clip
from voicewright.audio.mel import MelSpec
from voicewright.engines.sovits.config import SovitsConfig
from voicewright.engines.sovits.decoder import HifiGanDecoder
from voicewright.engines.sovits.noise import Noise
from voicewright.engines.sovits.normed import NormedConv1d, fold
from voicewright.engines.sovits.nvstft import VocoderMel
from voicewright.engines.sovits.source import HARMONICS, Source
from voicewright.errors import BadClip, BadSetting, BadWeights, MissingWeights
from voicewright.nn.frozen import fill_frozen
from voicewright.weights.safe import read_foreign

MODEL_NAMES = ("model", "model.safetensors", "model.ckpt", "model.pth")


@dataclass(frozen=True, kw_only=True)
class VocoderConfig:
    """Sizes of a vocoder, and the mel spectrograms that it sings from."""

    rate: int = 44_100
    mels: int = 128
    n_fft: int = 2048
    win_samples: int = 2048
    low_hz: float = 40.0
    high_hz: float = 16_000.0
    channels: int = 512
    """Of the first layer; each stage has half as many as the one before."""
    upsample_rates: tuple[int, ...] = (8, 8, 2, 2, 2)
    upsample_kernels: tuple[int, ...] = (16, 16, 4, 4, 4)
    kernels: tuple[int, ...] = (3, 7, 11)
    dilations: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))

    @classmethod
    def tiny(cls) -> Self:
        return cls(
            rate=8000, mels=6, n_fft=64, win_samples=64, high_hz=4000.0, channels=16,
            upsample_rates=(4, 4), upsample_kernels=(8, 8), kernels=(3,), dilations=((1, 3),),
        )  # fmt: skip

    @classmethod
    def from_upstream(cls, told: Mapping[str, Any]) -> Self:
        """From what a vocoder's config.json holds. Raises BadWeights: it is of something else, or of another kind."""
        try:
            if str(told["resblock"]) != "1" or told.get("mini_nsf"):
                raise BadWeights("only NSF-HiFiGAN vocoders with resblock 1 and a full source are known, not this kind")
            config = cls(
                rate=int(told["sampling_rate"]),
                mels=int(told["num_mels"]),
                n_fft=int(told.get("n_fft", cls.n_fft)),
                win_samples=int(told.get("win_size", cls.win_samples)),
                low_hz=float(told.get("fmin", cls.low_hz)),
                high_hz=float(told.get("fmax") or told["sampling_rate"] / 2) if "fmax" in told else cls.high_hz,
                channels=int(told["upsample_initial_channel"]),
                upsample_rates=tuple(map(int, told["upsample_rates"])),
                upsample_kernels=tuple(map(int, told["upsample_kernel_sizes"])),
                kernels=tuple(map(int, told["resblock_kernel_sizes"])),
                dilations=tuple(tuple(map(int, row)) for row in told["resblock_dilation_sizes"]),
            )
            hop = int(told.get("hop_size", config.hop_samples))
        except (KeyError, TypeError, ValueError) as problem:
            raise BadWeights(f"this is not the config.json of an NSF-HiFiGAN vocoder: {problem!r}") from problem
        if hop != config.hop_samples:
            raise BadWeights(
                f"the vocoder's config.json tells a hop of {hop}, and its stages make {config.hop_samples}"
            )
        return config

    @property
    def hop_samples(self) -> int:
        return math.prod(self.upsample_rates)

    @property
    def decoder(self) -> SovitsConfig:
        """The decoder that it is; latents and speaker are of no meaning."""
        return SovitsConfig(
            dialect="fork", rate=self.rate, inter_channels=2, gin_channels=1,
            resblock_kernel_sizes=self.kernels, resblock_dilation_sizes=self.dilations,
            upsample_rates=self.upsample_rates, upsample_kernel_sizes=self.upsample_kernels,
            upsample_initial_channel=self.channels,
        )  # fmt: skip

    @property
    def spec(self) -> MelSpec:
        return MelSpec(
            rate=self.rate, n_fft=self.n_fft, hop_samples=self.hop_samples, win_samples=self.win_samples,
            bins=self.mels, low_hz=self.low_hz, high_hz=self.high_hz, power=1.0, log="natural", centred=False,
        )  # fmt: skip


class GlidingSource(Source):
    """The source as upstream's vocoder has it: in the first frame each harmonic runs `rate` times its random start
    faster, which is heard as a click."""

    def _cycles(self, f0_hz: Tensor, start: Tensor) -> Tensor:
        harmonic = torch.arange(1, HARMONICS + 1, device=f0_hz.device, dtype=f0_hz.dtype)
        step = (f0_hz[:, :, None] * harmonic / self.rate).double() % 1  # (b, f, n) cycles a sample
        step[:, 0, 1:] += start[:, 1:]
        before = step.cumsum(1).sub_(step).mul_(self.hop).remainder_(1)
        within = torch.arange(1, self.hop + 1, device=f0_hz.device, dtype=step.dtype)
        return torch.addcmul(before[:, :, None], step[:, :, None], within[:, None]).remainder_(1).to(f0_hz)


class Nobody(nn.Module):
    """A vocoder is told no speaker."""

    def forward(self, g: Tensor) -> Tensor:
        return g


class Generator(HifiGanDecoder):
    """The decoder of the family, over mel bins instead of latents and without a speaker.

    Args:
        original_start: with the first frame as upstream has it.
    """

    def __init__(self, config: VocoderConfig, *, original_start: bool = False) -> None:
        super().__init__(config.decoder)
        self.conv_pre = NormedConv1d(config.mels, config.channels, 7, padding=3)
        self.add_module("cond", Nobody())
        if original_start:
            self.m_source = GlidingSource(config.rate, config.hop_samples)

    def sound(self, mel: Tensor, f0_hz: Tensor, noise: Noise) -> Tensor:
        """Log-mels (b, m, f) and f0 (b, f) -> (b, 1, t)."""
        return self(mel, f0_hz, mel.new_zeros(()), noise)  # type: ignore[no-any-return]


class Vocoder:
    """A vocoder that is ready: its network, the mel spectrograms it sings from, and what unit they are in.

    Args:
        log10: it was trained on decimal logarithms; here they are natural ones all the same.
    """

    def __init__(self, network: Generator, config: VocoderConfig, *, log10: bool = False) -> None:
        self.network, self.config = network, config
        self._scale = 1 / math.log(10) if log10 else 1.0
        self._mel = VocoderMel(config.spec)

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    def mel(self, clip: Clip) -> Tensor:
        """(1, m, f) natural log-mel spectrogram.

        Raises:
            BadClip: the clip has another rate than the vocoder, or no sound in it.
        """
        if clip.rate != self.config.rate:
            raise BadClip(f"this vocoder sings at {self.config.rate} Hz, got a clip at {clip.rate} Hz; resample it")
        if not len(clip):
            raise BadClip("the clip is empty; give one with sound")
        return self._mel(torch.from_numpy(clip.samples.copy())[None].to(self.device))

    @torch.no_grad()
    def sound(self, mel: Tensor, f0_hz: Tensor, noise: Noise) -> Tensor:
        """(b, m, f) natural log-mels, (b, f) pitch in Hz, 0 where there is no voice -> (b, t) samples.

        Raises:
            BadSetting: the two have not as many frames.
        """
        if mel.shape[-1] != f0_hz.shape[-1]:
            raise BadSetting(
                f"{mel.shape[-1]} frames of mels and {f0_hz.shape[-1]} of pitch; both must be of one length"
            )
        return self.network.sound(mel * self._scale, f0_hz, noise)[:, 0]

    def clip(self, mel: Tensor, f0_hz: Tensor, noise: Noise) -> Clip:
        """`sound` of a single item, as a clip."""
        return Clip(self.sound(mel, f0_hz, noise)[0].cpu().numpy(), self.config.rate)


def read_vocoder(path: Path, config: Path | None = None, *, log10: bool = False, device: str = "cpu") -> Vocoder:
    """The vocoder of a published checkpoint and its config.json (beside it, if not named).

    Args:
        path: the file (any name; read as data), or its folder with one of `MODEL_NAMES` in it.

    Raises:
        MissingWeights: there is none. BadWeights, UnsafeFile: it is damaged, something else, or not plain data.
    """
    weights = _weights_file(path)
    path = config or weights.parent / "config.json"
    try:
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise BadWeights(f"{path}: cannot be read as a vocoder's configuration ({problem})") from problem
    if not isinstance(told, Mapping):
        raise BadWeights(f"{path}: this is not the config.json of an NSF-HiFiGAN vocoder")
    sizes = VocoderConfig.from_upstream(told)
    network = fill_frozen(Generator(sizes), _state(weights), str(weights))
    fold(network)
    return Vocoder(network.to(device), sizes, log10=log10)


def _weights_file(path: Path) -> Path:
    names = [path] if not path.is_dir() else [path / name for name in MODEL_NAMES]
    if found := next((each for each in names if each.is_file()), None):
        return found
    raise MissingWeights(
        f"{path}: there is no NSF-HiFiGAN vocoder there; it is published as a folder with {MODEL_NAMES[0]!r} and "
        "config.json in it (OpenVPI, 44.1 kHz): fetch that, and name the folder"
    )


def _state(weights: Path) -> Mapping[str, Tensor]:
    if weights.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(weights)
        except (SafetensorError, OSError) as problem:
            raise BadWeights(f"{weights}: not a whole safetensors file ({problem}); fetch it again") from problem
    found = read_foreign(weights)
    state = found.get("generator", found)
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise BadWeights(f"{weights}: no vocoder's weights under 'generator'")
    return state
