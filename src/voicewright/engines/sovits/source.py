"""The excitation that the decoder shapes: a fundamental and its harmonics that follow the pitch, and noise.

Wang et al., "Neural source-filter-based waveform model", 2019. b batch · t frames · s samples of a frame · n = t s
"""

import math

import torch
from torch import Tensor, nn

from voicewright.engines.sovits.noise import Noise

HARMONICS = 9
AMPLITUDE = 0.1
VOICED_NOISE = 0.003


class Source(nn.Module):
    """A pitch curve (b, t) in Hz, 0 where there is none -> the excitation (b, 1, n)."""

    def __init__(self, rate: int, hop: int) -> None:
        super().__init__()
        self.rate = rate
        self.hop = hop
        self.l_linear = nn.Linear(HARMONICS, 1)

    def forward(self, f0_hz: Tensor, noise: Noise) -> Tensor:
        return self.merged(self.sines(f0_hz, noise)).transpose(1, 2)

    def merged(self, sines: Tensor) -> Tensor:
        """Sines (b, n, 9) -> one wave (b, n, 1)."""
        return torch.tanh(self.l_linear(sines))

    def sines(self, f0_hz: Tensor, noise: Noise) -> Tensor:
        """(b, n, 9): the harmonics where there is a pitch with a little noise on them, and noise elsewhere.

        Draws: where each harmonic begins (b, 9), uniform, of which the fundamental has no use; then the noise.
        """
        b, t = f0_hz.shape
        start = noise.uniform((b, HARMONICS), f0_hz)
        voiced = (f0_hz > 0).to(f0_hz)[:, :, None, None]
        waves = torch.sin(self._cycles(f0_hz, start) * (2 * math.pi)) * AMPLITUDE
        level = voiced * VOICED_NOISE + (1 - voiced) * (AMPLITUDE / 3)
        drawn = noise.normal((b, t * self.hop, HARMONICS), f0_hz).view(waves.shape)
        return torch.addcmul(waves * voiced, level, drawn).view(b, t * self.hop, HARMONICS)

    def _cycles(self, f0_hz: Tensor, start: Tensor) -> Tensor:
        """(b, t, s, 9): how many times each harmonic has gone round, a whole number taken off for each frame.

        The pitch is constant within a frame, so only the frames are summed up; in double precision, on the processor
        (not every accelerator has it), since the error of a sum in single precision is heard after some seconds.
        """
        harmonic = torch.arange(1, HARMONICS + 1, device=f0_hz.device, dtype=f0_hz.dtype)
        step = (f0_hz[:, :, None] * harmonic / self.rate) % 1  # (b, t, 9) cycles a sample
        begun = torch.cat([torch.zeros_like(start[:, :1]), start[:, 1:]], 1)[:, None]
        exact = step.cpu().double()
        before = exact.cumsum(1).sub_(exact).mul_(self.hop).add_(begun.cpu()).remainder_(1).to(f0_hz)
        within = torch.arange(1, self.hop + 1, device=f0_hz.device, dtype=f0_hz.dtype)
        return torch.addcmul(before[:, :, None], step[:, :, None], within[:, None])
