"""Layers that take a style: every block of the prosody predictor and of the decoder is steered by one vector.

b batch · t frames · c channels · s style width
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class AdaptiveInstanceNorm(nn.Module):
    """Instance normalisation whose gain and offset come from the style (Huang & Belongie 2017)."""

    def __init__(self, style: int, channels: int) -> None:
        super().__init__()
        self.fc = nn.Linear(style, 2 * channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(b, c, t), (b, s) → (b, c, t)"""
        gain, offset = self.fc(style).unsqueeze(2).chunk(2, dim=1)
        return affine_instance_norm(x, 1 + gain, offset)


def affine_instance_norm(x: Tensor, gain: Tensor, offset: Tensor, eps: float = 1e-5) -> Tensor:
    """Normalise each channel over time, then scale and shift: two passes over memory, statistics in float32."""
    variance, mean = torch.var_mean(x.float(), dim=2, correction=0, keepdim=True)
    scale = gain.float() * torch.rsqrt(variance + eps)
    return torch.addcmul((offset.float() - mean * scale).to(x.dtype), x, scale.to(x.dtype))


class AdaptiveLayerNorm(nn.Module):
    """Layer normalisation whose gain and offset come from the style."""

    def __init__(self, style: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.fc = nn.Linear(style, 2 * channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(b, t, c), (b, s) → (b, t, c)"""
        gain, offset = self.fc(style).unsqueeze(1).chunk(2, dim=2)
        return (1 + gain) * F.layer_norm(x, (self.channels,), eps=1e-5) + offset


class StyledBlock(nn.Module):
    """Residual block of two convolutions under adaptive normalisation, optionally doubling the frame rate."""

    def __init__(self, inputs: int, outputs: int, style: int, *, upsample: bool = False) -> None:
        super().__init__()
        self.upsample = upsample
        self.norm1 = AdaptiveInstanceNorm(style, inputs)
        self.conv1 = nn.Conv1d(inputs, outputs, 3, padding=1)
        self.norm2 = AdaptiveInstanceNorm(style, outputs)
        self.conv2 = nn.Conv1d(outputs, outputs, 3, padding=1)
        if inputs != outputs:
            self.conv1x1 = nn.Conv1d(inputs, outputs, 1, bias=False)
        if upsample:
            self.pool = nn.ConvTranspose1d(inputs, inputs, 3, stride=2, groups=inputs, padding=1, output_padding=1)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(b, inputs, t), (b, s) → (b, outputs, t or 2t)"""
        shortcut = F.interpolate(x, scale_factor=2, mode="nearest") if self.upsample else x
        if hasattr(self, "conv1x1"):
            shortcut = self.conv1x1(shortcut)
        x = F.leaky_relu(self.norm1(x, style), 0.2)
        if self.upsample:
            x = self.pool(x)
        x = self.conv1(x)
        x = self.conv2(F.leaky_relu(self.norm2(x, style), 0.2))
        return (x + shortcut) * 0.5**0.5


class SnakeBlock(nn.Module):
    """Dilated residual convolutions with periodic "snake" activations (Ziyin et al. 2020) under a style."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...], style: int) -> None:
        super().__init__()
        n = len(dilations)
        self.convs1 = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=d, padding=(kernel - 1) * d // 2) for d in dilations
        )
        self.convs2 = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in range(n))
        self.adain1 = nn.ModuleList(AdaptiveInstanceNorm(style, channels) for _ in range(n))
        self.adain2 = nn.ModuleList(AdaptiveInstanceNorm(style, channels) for _ in range(n))
        self.alpha1 = nn.ParameterList(nn.Parameter(torch.ones(1, channels, 1)) for _ in range(n))
        self.alpha2 = nn.ParameterList(nn.Parameter(torch.ones(1, channels, 1)) for _ in range(n))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(b, c, t), (b, s) → (b, c, t)"""
        rows = zip(self.adain1, self.alpha1, self.convs1, self.adain2, self.alpha2, self.convs2, strict=True)
        for norm1, alpha1, conv1, norm2, alpha2, conv2 in rows:
            y = conv1(snake(norm1(x, style), alpha1))
            x = x + conv2(snake(norm2(y, style), alpha2))
        return x


def snake(x: Tensor, alpha: Tensor) -> Tensor:
    """x + sin²(αx)/α"""
    alpha = alpha.to(x.dtype)
    return torch.addcmul(x, torch.sin(alpha * x).square(), alpha.reciprocal())
