"""The network that tells the noise in a mel spectrogram: a WaveNet without dilation.

b batch · m mel bins · f frames · h hidden (what it is conditioned on) · c channels

Kong et al., "DiffWave" (2020), as in DiffSinger (Liu et al., 2021); names as in published checkpoints.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import relu


class Denoiser(nn.Module):
    """(b, m, f) noisy mels, steps (b,), condition (b, h, f) -> (b, m, f) the noise in them."""

    def __init__(self, *, mels: int, channels: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.input_projection = nn.Conv1d(mels, channels, 1)
        self.mlp = nn.Sequential(nn.Linear(channels, 4 * channels), nn.Mish(), nn.Linear(4 * channels, channels))
        self.residual_layers = nn.ModuleList(Residual(channels, hidden) for _ in range(layers))
        self.skip_projection = nn.Conv1d(channels, channels, 1)
        self.output_projection = nn.Conv1d(channels, mels, 1)
        self.channels = channels
        nn.init.zeros_(self.output_projection.weight)

    def forward(self, noisy: Tensor, step: Tensor, condition: Tensor) -> Tensor:
        """Steps may fall between whole ones."""
        x = relu(self.input_projection(noisy))
        told = self.mlp(step_embedding(step, self.channels).to(x))
        skipped = torch.zeros_like(x)
        for layer in self.residual_layers:
            x, skip = layer(x, told, condition)
            skipped += skip
        mixed: Tensor = relu(self.skip_projection(skipped / math.sqrt(len(self.residual_layers))))
        return self.output_projection(mixed)  # type: ignore[no-any-return]


class Residual(nn.Module):
    """(b, c, f), step (b, c), condition (b, h, f) -> (b, c, f) for the next layer, (b, c, f) for the end."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.dilated_conv = nn.Conv1d(channels, 2 * channels, 3, padding=1)
        self.diffusion_projection = nn.Linear(channels, channels)
        self.conditioner_projection = nn.Conv1d(hidden, 2 * channels, 1)
        self.output_projection = nn.Conv1d(channels, 2 * channels, 1)

    def forward(self, x: Tensor, told: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        heard = self.dilated_conv(x + self.diffusion_projection(told)[..., None])
        gate, value = (heard + self.conditioner_projection(condition)).chunk(2, 1)
        on, skip = self.output_projection(gate.sigmoid() * value.tanh()).chunk(2, 1)
        return (x + on) / math.sqrt(2.0), skip


def step_embedding(step: Tensor, width: int) -> Tensor:
    """(b,) -> (b, width): sines, then cosines, of periods from 2 pi to 20,000 pi steps."""
    half = width // 2
    rates = torch.exp(torch.arange(half, device=step.device) * -(math.log(10_000.0) / (half - 1)))
    angles = step[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)
