"""Content, F0, energy and timbre to sound: the iSTFTNet decoder with a harmonic source.

b batch · t frames (40 per second) · p pitch frames (80 per second) · n samples · s style width · k stages

The network was trained with one timbre style everywhere. A fitted voice may hold one for each stage (styled
convolutions, then each upsampling stage), like the extended latent space of GAN inversion (Abdal et al. 2019).
"""

from math import pi, prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voicewright.engines.kokoro.config import KokoroConfig
from voicewright.engines.kokoro.layers import SnakeBlock, StyledBlock

VOICED_ABOVE_HZ = 10.0
SINE_AMPLITUDE = 0.1
VOICED_NOISE = 0.003


class Decoder(nn.Module):
    """Styled convolutions around F0 and energy, then the generator."""

    def __init__(self, config: KokoroConfig) -> None:
        super().__init__()
        width, style, residual = config.decoder_width, config.style, config.content_residual
        fed = width + 2 + residual
        self.encode = StyledBlock(config.width + 2, width, style)
        self.decode = nn.ModuleList(
            [StyledBlock(fed, width, style) for _ in range(3)] + [StyledBlock(fed, config.width, style, upsample=True)]
        )
        self.F0_conv = nn.Conv1d(1, 1, 3, stride=2, padding=1)
        self.N_conv = nn.Conv1d(1, 1, 3, stride=2, padding=1)
        self.asr_res = nn.Sequential(nn.Conv1d(config.width, residual, 1))
        self.generator = Generator(config)

    @property
    def dtype(self) -> torch.dtype:
        """What the convolutions run in."""
        return next(self.encode.parameters()).dtype

    def run_in(self, dtype: torch.dtype) -> None:
        """Convert the convolutions and styles to `dtype`. The harmonic source, F0 and energy stay in float32."""
        for module in (self.encode, self.decode, self.asr_res, self.generator):
            module.to(dtype)
        self.generator.m_source.float()

    def forward(self, content: Tensor, f0_hz: Tensor, energy: Tensor, styles: Tensor, source: Tensor) -> Tensor:
        """content (b, width, t), f0_hz and energy (b, 2t), styles (b, k, s), source (b, n) → (b, n) float32"""
        f0, n = (conv(x.unsqueeze(1)) for conv, x in ((self.F0_conv, f0_hz), (self.N_conv, energy)))
        content, f0, n, styles = (x.to(self.dtype) for x in (content, f0, n, styles))
        style = styles[:, 0]
        x = self.encode(torch.cat([content, f0, n], dim=1), style)
        residual = self.asr_res(content)
        for block in self.decode:
            x = block(torch.cat([x, residual, f0, n], dim=1), style)
        wave: Tensor = self.generator(x, styles[:, 1:], source)
        return wave


class Generator(nn.Module):
    """iSTFTNet (Kaneko et al. 2022) with a neural source filter (Wang et al. 2019)."""

    def __init__(self, config: KokoroConfig) -> None:
        super().__init__()
        self.rates, self.hop, self.n_fft = config.upsample_rates, config.hop, config.n_fft
        self.m_source = HarmonicSource(config)
        self.ups, self.noise_convs, self.noise_res, self.resblocks = (nn.ModuleList() for _ in range(4))
        spectrum, channels = config.n_fft + 2, config.width
        for i, (rate, kernel) in enumerate(zip(config.upsample_rates, config.upsample_kernels, strict=True)):
            self.ups.append(nn.ConvTranspose1d(channels, channels // 2, kernel, rate, padding=(kernel - rate) // 2))
            channels //= 2
            left = prod(config.upsample_rates[i + 1 :])
            last = left == 1
            self.noise_convs.append(
                nn.Conv1d(spectrum, channels, 1)
                if last
                else nn.Conv1d(spectrum, channels, 2 * left, stride=left, padding=(left + 1) // 2)
            )
            self.noise_res.append(SnakeBlock(channels, 11 if last else 7, config.resblock_dilations, config.style))
            for kernel_size in config.resblock_kernels:
                self.resblocks.append(SnakeBlock(channels, kernel_size, config.resblock_dilations, config.style))
        self.conv_post = nn.Conv1d(channels, spectrum, 7, padding=3)

    def forward(self, x: Tensor, styles: Tensor, source: Tensor) -> Tensor:
        """(b, width, p), (b, k - 1, s), (b, n) → (b, n)"""
        harmonics = self._spectrum(source).to(x.dtype)
        kernels = len(self.resblocks) // len(self.ups)
        for i, (up, noise_conv, noise_res) in enumerate(zip(self.ups, self.noise_convs, self.noise_res, strict=True)):
            style = styles[:, i]
            x = up(F.leaky_relu(x, 0.1))
            if i == len(self.ups) - 1:
                x = F.pad(x, (1, 0), mode="reflect")
            x = x + noise_res(noise_conv(harmonics), style)
            blocks = self.resblocks[i * kernels : (i + 1) * kernels]
            x = sum((block(x, style) for block in blocks[1:]), start=blocks[0](x, style)) / kernels
        return self._wave(self.conv_post(F.leaky_relu(x)).float())

    def _window(self, like: Tensor) -> Tensor:
        return torch.hann_window(self.n_fft, device=like.device)

    def _spectrum(self, source: Tensor) -> Tensor:
        """(b, n) → (b, n_fft + 2, n / hop + 1): magnitudes, then phases."""
        bins = torch.stft(source, self.n_fft, self.hop, window=self._window(source), return_complex=True)
        return torch.cat([bins.abs(), bins.angle()], dim=1)

    def _wave(self, x: Tensor) -> Tensor:
        magnitude, phase = x.chunk(2, dim=1)
        bins = torch.polar(magnitude.exp(), torch.sin(phase))
        return torch.istft(bins, self.n_fft, self.hop, window=self._window(x))


class HarmonicSource(nn.Module):
    """Sines at F0 and its harmonics where voiced, noise elsewhere, mixed into one wave."""

    def __init__(self, config: KokoroConfig) -> None:
        super().__init__()
        self.rate, self.scale = config.rate, config.samples_per_pitch_frame
        self.l_linear = nn.Linear(config.harmonics + 1, 1)

    def forward(self, f0_hz: Tensor, generator: torch.Generator | None) -> Tensor:
        """(b, p) → (b, n). Without a generator: no noise and zero starting phases, as the ONNX export has it."""
        count = self.l_linear.in_features
        f0 = f0_hz.repeat_interleave(self.scale, dim=1).unsqueeze(2)
        multiples = torch.arange(1, count + 1, device=f0.device)
        turns = (f0 * multiples / self.rate) % 1
        if generator is not None:
            start = torch.rand(f0.shape[0], count, generator=generator)
            start[:, 0] = 0
            turns[:, 0] += start.to(f0.device)
        # Phase is summed at the pitch-frame rate and interpolated, as the network was trained with.
        coarse = F.interpolate(turns.transpose(1, 2), scale_factor=1 / self.scale, mode="linear")
        phase = coarse.cumsum(2) * 2 * pi
        phase = F.interpolate(phase * self.scale, scale_factor=self.scale, mode="linear").transpose(1, 2)
        voiced = (f0 > VOICED_ABOVE_HZ).to(f0.dtype)
        waves = torch.sin(phase) * SINE_AMPLITUDE * voiced
        if generator is not None:
            noise = torch.randn(waves.shape, generator=generator).to(waves.device)
            waves = waves + noise * (voiced * VOICED_NOISE + (1 - voiced) * SINE_AMPLITUDE / 3)
        mixed: Tensor = torch.tanh(self.l_linear(waves))
        return mixed.squeeze(2)
