"""Decoders that end in short inverse Fourier transforms: QuickVC's multi-stream one, multi-band, and plain.

b batch · c channels · t frames · k bands · f frames of the short transforms · n samples

iSTFTNet (Kaneko et al. 2022), MB-iSTFT-VITS (Kawamura et al. 2023), QuickVC (Guo et al. 2023). None of them follows a
pitch curve or a speaker: both are in the latent. Layers and names are those of the published files.
"""

from itertools import pairwise
from math import pi

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voicewright.engines.sovits.config import SovitsConfig
from voicewright.engines.sovits.noise import Noise
from voicewright.engines.sovits.normed import NormedConv1d, NormedConvTranspose1d
from voicewright.engines.sovits.pqmf import Pqmf
from voicewright.engines.sovits.resblocks import SLOPE, ResBlock

STREAM_KERNEL = 63


class IstftDecoder(nn.Module):
    """One band: the transform's hop times the upsampling is a frame. (b, c, t) → (b, 1, n)"""

    def __init__(self, config: SovitsConfig, *, head: str = "conv_post", bands: int = 1) -> None:
        super().__init__()
        self.n_fft, self.hop, self.bands = config.gen_istft_n_fft, config.gen_istft_hop_size, bands
        channels = [config.upsample_initial_channel >> stage for stage in range(len(config.upsample_rates) + 1)]
        self.conv_pre = NormedConv1d(config.inter_channels, channels[0], 7, padding=3)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        stages = zip(pairwise(channels), config.upsample_rates, config.upsample_kernel_sizes, strict=True)
        blocks = list(zip(config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True))
        for (taken, made), rate, kernel in stages:
            self.ups.append(NormedConvTranspose1d(taken, made, kernel, rate, padding=(kernel - rate) // 2))
            self.resblocks.extend(ResBlock(made, size, dilations) for size, dilations in blocks)
        self.add_module(head, NormedConv1d(channels[-1], bands * (self.n_fft + 2), 7, padding=3))
        self._head = head

    def forward(
        self, z: Tensor, f0_hz: Tensor | None = None, g: Tensor | None = None, noise: Noise | None = None
    ) -> Tensor:
        """What sounds of `z` (b, c, t); the other arguments are there for decoders that need them."""
        return self.parts(z)[0]

    def parts(self, z: Tensor) -> tuple[Tensor, Tensor | None]:
        """The wave (b, 1, n), and the bands (b, k, m) that it is made of where there are several."""
        return self._waves(z), None

    def _waves(self, z: Tensor) -> Tensor:
        """(b, c, t) → (b, k, f · hop), by band."""
        x = self.conv_pre(z)
        each = len(self.resblocks) // len(self.ups)
        for stage, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, SLOPE))
            blocks = self.resblocks[each * stage : each * (stage + 1)]
            x = sum((block(x) for block in blocks[1:]), start=blocks[0](x)) / each
        x = F.pad(F.leaky_relu(x), (1, 0), "reflect")  # here the slope is 0.01; one frame more, for n = f · hop
        x = self.get_submodule(self._head)(x).float()
        log_magnitude, turn = x.reshape(len(x) * self.bands, self.n_fft + 2, -1).chunk(2, dim=1)
        bins = torch.polar(log_magnitude.exp(), pi * torch.sin(turn))
        window = torch.hann_window(self.n_fft, device=x.device)
        return torch.istft(bins, self.n_fft, self.hop, window=window).reshape(len(x), self.bands, -1)


class MultiBandDecoder(IstftDecoder):
    """Bands by a fixed filter bank."""

    def __init__(self, config: SovitsConfig) -> None:
        super().__init__(config, head="subband_conv_post", bands=config.subbands)
        self.pqmf = Pqmf(config.subbands)

    def parts(self, z: Tensor) -> tuple[Tensor, Tensor | None]:
        bands = self._waves(z)
        return self.pqmf.synthesis(bands), bands


class MultiStreamDecoder(IstftDecoder):
    """Streams that a learned filter puts together. They are given back at the wave's rate, zeros in between."""

    updown_filter: Tensor

    def __init__(self, config: SovitsConfig) -> None:
        super().__init__(config, head="subband_conv_post", bands=config.subbands)
        bands = config.subbands
        spread = torch.zeros(bands, bands, bands)
        spread[range(bands), range(bands), 0] = 1.0
        self.register_buffer("updown_filter", spread)
        self.multistream_conv_post = NormedConv1d(bands, 1, STREAM_KERNEL, padding=STREAM_KERNEL // 2, bias=False)

    def parts(self, z: Tensor) -> tuple[Tensor, Tensor | None]:
        streams = F.conv_transpose1d(self._waves(z), self.updown_filter * self.bands, stride=self.bands)
        return self.multistream_conv_post(streams), streams


def build_istft_decoder(config: SovitsConfig) -> IstftDecoder:
    """The decoder that `config.decoder` names: ms-istft, mb-istft or istft."""
    kinds = {"ms-istft": MultiStreamDecoder, "mb-istft": MultiBandDecoder, "istft": IstftDecoder}
    return kinds[config.decoder](config)
