"""What is sung becomes a distribution: of the content (prior), of the true sound (posterior), and of its pitch.

b batch · c channels · t frames · g channels of the speaker's embedding
"""

import torch
from torch import Tensor, nn

from voicewright.engines.sovits.config import SovitsConfig
from voicewright.engines.sovits.f0_features import BINS
from voicewright.engines.sovits.noise import Noise
from voicewright.engines.sovits.transformer import CausalDecoder, Encoder, masked
from voicewright.engines.sovits.wavenet import WaveNet

POSTERIOR_LAYERS = 16
POSTERIOR_KERNEL = 5


class PriorEncoder(nn.Module):
    """Content (b, hidden, t) and bins of pitch (b, t) -> means and logarithms of deviations (b, inter, t)."""

    def __init__(self, c: SovitsConfig) -> None:
        super().__init__()
        self.proj = nn.Conv1d(c.hidden_channels, 2 * c.inter_channels, 1)
        self.f0_emb = nn.Embedding(BINS, c.hidden_channels)
        self.enc_ = Encoder(c.hidden_channels, c.filter_channels, c.n_heads, c.n_layers, c.kernel_size, c.p_dropout)

    def forward(self, x: Tensor, mask: Tensor | None, bins: Tensor) -> tuple[Tensor, Tensor]:
        encoded = self.enc_(x + self.f0_emb(bins).transpose(1, 2), mask)
        mean, log_deviation = masked(self.proj(encoded), mask).chunk(2, 1)
        return mean, log_deviation


class PosteriorEncoder(nn.Module):
    """A magnitude spectrum (b, bins, t) and the speaker -> means and logarithms of deviations (b, inter, t)."""

    def __init__(self, c: SovitsConfig) -> None:
        super().__init__()
        self.pre = nn.Conv1d(c.spec_channels, c.hidden_channels, 1)
        self.enc = WaveNet(
            c.hidden_channels, POSTERIOR_KERNEL, POSTERIOR_LAYERS, c.gin_channels, depthwise=c.use_depthwise_conv
        )
        self.proj = nn.Conv1d(c.hidden_channels, 2 * c.inter_channels, 1)

    def forward(self, spectrum: Tensor, mask: Tensor | None, g: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.enc(masked(self.pre(spectrum), mask), mask, g)
        mean, log_deviation = masked(self.proj(hidden), mask).chunk(2, 1)
        return mean, log_deviation


class PitchDecoder(nn.Module):
    """Content (b, hidden, t), the pitch around its mean (b, 1, t) and the speaker -> the pitch (b, 1, t), mel / 500.

    It learns from the pitch alone: no gradient goes back into the content or the speaker.
    """

    def __init__(self, c: SovitsConfig) -> None:
        super().__init__()
        hidden = c.hidden_channels
        self.prenet = nn.Conv1d(hidden, hidden, 3, padding=1)
        self.decoder = CausalDecoder(hidden, c.filter_channels, c.n_heads, c.n_layers, c.kernel_size, c.p_dropout)
        self.proj = nn.Conv1d(hidden, 1, 1)
        self.f0_prenet = nn.Conv1d(1, hidden, 3, padding=1)
        self.cond = nn.Conv1d(c.gin_channels, hidden, 1)

    def forward(self, x: Tensor, norm_lf0: Tensor, mask: Tensor | None, g: Tensor) -> Tensor:
        x = x.detach() + self.cond(g.detach()) + self.f0_prenet(norm_lf0)
        return masked(self.proj(self.decoder(masked(self.prenet(x), mask), mask)), mask)


def sample(mean: Tensor, log_deviation: Tensor, mask: Tensor | None, noise: Noise, scale: float = 1.0) -> Tensor:
    """One draw (b, inter, t) from a distribution, its deviations times `scale`."""
    return masked(mean + noise.normal(mean.shape, mean) * torch.exp(log_deviation) * scale, mask)
