"""Kokoro as an ONNX network: tokens (1, n), style (1, 2s), speed (1,) → audio (t,), as kokoro-onnx reads it.

ONNX has no complex numbers, so both short-time transforms are convolutions with sines and cosines, here and in the
file. The noise of voiceless sounds is a fixed second of it, repeated: the same text gives the same samples.

b batch · n tokens · t frames (40 per second) · p pitch frames (80 per second) · m samples
"""

import math
import warnings
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voicewright.engines.kokoro.adapters import twin
from voicewright.engines.kokoro.config import KokoroConfig
from voicewright.engines.kokoro.decoder import SINE_AMPLITUDE, VOICED_ABOVE_HZ, VOICED_NOISE, Generator, HarmonicSource
from voicewright.engines.kokoro.network import Kokoro

OPSET = 17
NOISE_S = 1.0


class RealGenerator(Generator):
    """The generator with real numbers only. The first and last 10 samples aside, it gives what `Generator` gives."""

    cosines: Tensor
    sines: Tensor
    back: Tensor
    envelope: Tensor

    def __init__(self, config: KokoroConfig) -> None:
        super().__init__(config)
        size = config.n_fft
        turns = torch.arange(size // 2 + 1)[:, None] * torch.arange(size) / size
        window = torch.hann_window(size)
        cosines, sines = (torch.cos(2 * math.pi * turns), -torch.sin(2 * math.pi * turns))
        # of a real wave the middle bins stand for two: themselves and their mirror images
        share = torch.full((size // 2 + 1, 1), 2.0 / size)
        share[0] = share[-1] = 1.0 / size
        buffers = {
            "cosines": cosines * window,
            "sines": sines * window,
            "back": torch.cat([share * cosines * window, share * sines * window]),
            "envelope": window.square()[None],
        }
        for name, value in buffers.items():
            self.register_buffer(name, value.unsqueeze(1), persistent=False)

    def _spectrum(self, source: Tensor) -> Tensor:
        wave = F.pad(source.unsqueeze(1), (self.n_fft // 2, self.n_fft // 2), mode="reflect")
        real, imaginary = (F.conv1d(wave, basis, stride=self.hop) for basis in (self.cosines, self.sines))
        # the first and the last bin of a real wave are real; rounding must not decide between +π and -π
        ends = torch.zeros_like(imaginary[:, :1])
        imaginary = torch.cat([ends, imaginary[:, 1:-1], ends], dim=1)
        return torch.cat([(real.square() + imaginary.square()).sqrt(), angle(real, imaginary)], dim=1)

    def _wave(self, x: Tensor) -> Tensor:
        magnitude, phase = x[:, : self.n_fft // 2 + 1].exp(), torch.sin(x[:, self.n_fft // 2 + 1 :])
        parts = torch.cat([magnitude * torch.cos(phase), magnitude * torch.sin(phase)], dim=1)
        wave = F.conv_transpose1d(parts, self.back, stride=self.hop)
        weight = F.conv_transpose1d(torch.ones_like(parts[:, :1]), self.envelope, stride=self.hop)
        inside = slice(self.n_fft // 2, -(self.n_fft // 2))
        return wave[:, 0, inside] / weight[:, 0, inside]


class FixedSource(nn.Module):
    """`HarmonicSource` in which the noise is a table. Phases are kept within a turn: single precision goes further."""

    noise: Tensor

    def __init__(self, source: HarmonicSource, noise: Tensor) -> None:
        super().__init__()
        self.rate, self.scale, self.l_linear = source.rate, source.scale, source.l_linear
        self.register_buffer("noise", noise, persistent=False)

    def forward(self, f0_hz: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """(1, p) → (1, m)"""
        harmonics = self.l_linear.in_features
        multiples = torch.arange(1, harmonics + 1, dtype=torch.float32)
        turns = (f0_hz[0].unsqueeze(1) * multiples / self.rate) % 1 * self.scale  # (p, harmonics) in a pitch frame
        phase = (turns % 1).cumsum(0) % 1  # in the middle of each frame
        # from there the phase goes straight to the middles of the frames before and after, and stays at the ends
        still = torch.zeros_like(turns[:1])
        before, after = torch.cat([still, turns[1:]]), torch.cat([turns[1:], still])
        offset = ((torch.arange(self.scale) + 0.5) / self.scale - 0.5).view(1, -1, 1)
        phase = phase.unsqueeze(1) + torch.where(offset < 0, before.unsqueeze(1), after.unsqueeze(1)) * offset
        voiced = (f0_hz[0] > VOICED_ABOVE_HZ).float().view(-1, 1, 1)
        waves = torch.sin(2 * math.pi * phase) * SINE_AMPLITUDE * voiced
        loud = (voiced * VOICED_NOISE + (1 - voiced) * SINE_AMPLITUDE / 3).expand(-1, self.scale, -1)
        waves, loud = waves.reshape(-1, harmonics), loud.reshape(-1, 1)
        place = torch.arange(waves.shape[0]) % len(self.noise)
        return torch.tanh(self.l_linear(waves + self.noise[place] * loud)).view(1, -1)


class Whole(nn.Module):
    """The network from tokens to samples, at `speed` 1 as slow as the voice's `stretch` has it."""

    def __init__(self, network: Kokoro, *, stretch: float = 1.0, noise: float = 1.0) -> None:
        super().__init__()
        config = network.config
        self.network, self.stretch, self.style = twin(network), stretch, config.style
        generator = RealGenerator(config)
        generator.load_state_dict(network.decoder.generator.state_dict())
        draw = torch.Generator().manual_seed(0)
        table = noise * torch.randn(round(NOISE_S * config.rate), config.harmonics + 1, generator=draw)
        self.source = FixedSource(generator.m_source, table)
        self.network.decoder.generator = generator
        self.eval()
        for name, parameter in self.named_parameters():
            # Those of the activations choose the way through the layers that is made of plain operations.
            parameter.requires_grad_(".alpha" in name)

    def forward(self, tokens: Tensor, style: Tensor, speed: Tensor) -> Tensor:
        """(1, n) int64 with the zero at each end, (1, 2s), (1,) → (m,)"""
        network, timbre, prosody = self.network, style[:, : self.style], style[:, self.style :]
        meaning, content = network.read(tokens)
        expected, features = network.predictor.durations(meaning, prosody)
        frames = (expected[0] * self.stretch / speed).round().clamp(min=1)
        ends = frames.cumsum(0)
        place = torch.arange(cast(int, ends[-1].long())).unsqueeze(1)  # a tensor still: the tracer must see it
        token = (place >= ends.unsqueeze(0)).long().sum(1)  # of each frame
        f0_hz, energy = network.predictor.curves(features[:, token], prosody)
        styles = timbre.unsqueeze(1).expand(-1, network.config.stages, -1)
        wave = network.decoder(content[:, :, token], f0_hz, energy, styles, self.source(f0_hz))
        return cast(Tensor, wave[0])


def angle(real: Tensor, imaginary: Tensor) -> Tensor:
    """The angle of complex numbers, -π to π, where ONNX has an arc tangent of one number only."""
    flat = real == 0
    slope = torch.atan(imaginary / torch.where(flat, torch.ones_like(real), real))
    half_turn = torch.where(imaginary < 0, -math.pi, math.pi)
    upright = torch.where(imaginary == 0, torch.zeros_like(real), half_turn / 2)
    return torch.where(flat, upright, slope + torch.where(real < 0, half_turn, torch.zeros_like(real)))


def write_onnx(network: Kokoro, path: Path, *, stretch: float = 1.0) -> None:
    """Write `network` (float32) to `path`, 330 MB at full size; half a minute of work."""
    whole = Whole(network, stretch=stretch)
    tokens = torch.tensor([[0, *range(1, 13), 0]])
    inputs = (tokens, torch.zeros(1, 2 * network.config.style), torch.ones(1))
    with torch.no_grad(), warnings.catch_warnings():
        # The exporter that needs no further package is called old, and its tracer warns of each constant.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            whole,
            inputs,
            str(path),
            input_names=["tokens", "style", "speed"],
            output_names=["audio"],
            dynamic_axes={"tokens": {1: "sequence_length"}, "audio": {0: "audio_length"}},
            opset_version=OPSET,
            dynamo=False,
        )
