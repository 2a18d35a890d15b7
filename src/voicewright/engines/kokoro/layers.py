"""Layers that take a style: every block of the prosody predictor and of the decoder is steered by one vector.

b batch · t frames · c channels · s style width
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class AdaptiveInstanceNorm(nn.Module):
    """Instance normalisation whose gain and offset come from the style (Huang & Belongie 2017)."""

    def __init__(self, style: int, channels: int) -> None:
        super().__init__()
        self.fc = nn.Linear(style, 2 * channels)

    def affine(self, style: Tensor) -> tuple[Tensor, Tensor]:
        """(b, s) → gain and offset, each (b, c, 1) float32"""
        gain, offset = self.fc(style).float().unsqueeze(2).chunk(2, dim=1)
        return 1 + gain, offset

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(b, c, t), (b, s) → (b, c, t)"""
        gain, offset = self.affine(style)
        mean, spread = instance_statistics(x)
        scale = gain / spread
        return affine(x, scale, offset - mean * scale)


def instance_statistics(x: Tensor, eps: float = 1e-5) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel over time, float32: (b, c, t) → (b, c, 1), (b, c, 1).

    The variance is E[x²] - E[x]², from two fast reductions: `var_mean` took a quarter of the decoder's time.
    """
    mean = x.mean(2, keepdim=True, dtype=torch.float32)
    power = torch.linalg.vector_norm(x, dim=2, keepdim=True, dtype=torch.float32).square() / x.shape[2]
    return mean, ((power - mean.square()).clamp(min=0) + eps).sqrt()


class AdaptiveLayerNorm(nn.Module):
    """Layer normalisation whose gain and offset come from the style."""

    def __init__(self, style: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.fc = nn.Linear(style, 2 * channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(b, t, c), (b, s) → (b, t, c)"""
        gain, offset = self.fc(style).unsqueeze(1).chunk(2, dim=2)
        steered: Tensor = (1 + gain) * F.layer_norm(x, (self.channels,), eps=1e-5) + offset
        return steered


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
        changed: Tensor = (self.conv2(F.leaky_relu(self.norm2(x, style), 0.2)) + shortcut) * 0.5**0.5
        return changed


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
            y = conv1(_norm_snake(x, norm1, style, alpha1))
            x = x + conv2(_norm_snake(y, norm2, style, alpha2))
        return x


def _norm_snake(x: Tensor, norm: nn.Module, style: Tensor, alpha: Tensor) -> Tensor:
    if alpha.requires_grad or not isinstance(norm, AdaptiveInstanceNorm):
        return snake(norm(x, style), alpha)
    activated: Tensor = NormSnake.apply(x, *norm.affine(style), alpha)  # type: ignore[no-untyped-call]
    return activated


def snake(x: Tensor, alpha: Tensor) -> Tensor:
    """x + sin²(αx)/α"""
    alpha = alpha.to(x.dtype)
    return torch.addcmul(x, torch.sin(alpha * x).square(), alpha.reciprocal())


class NormSnake(torch.autograd.Function):
    """Instance normalisation, gain, offset and snake in one step that keeps only its input for the way back.

    Fitting a style needs gradients through 48 of these over long sequences; kept activations took 2 GB.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor, offset: Tensor, alpha: Tensor) -> Tensor:
        mean, spread = instance_statistics(x)
        ctx.save_for_backward(x, gain, offset, alpha, mean, spread)
        return snake(affine(x, gain / spread, offset - mean * gain / spread), alpha)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """With y the normalised, scaled and shifted input: d snake/dy = 1 + sin(2αy)."""
        (grad,) = grads
        x, gain, offset, alpha, mean, spread = ctx.saved_tensors
        scale, length = gain / spread, x.shape[2]
        slope = affine(x, 2 * alpha * scale, 2 * alpha * (offset - mean * scale)).sin_().add_(1)
        dy = slope.mul_(grad)
        total = dy.sum(2, keepdim=True, dtype=torch.float32)
        along = ((dy * x).sum(2, keepdim=True, dtype=torch.float32) - mean * total) / spread
        dx = affine(dy, scale, scale * (along * mean / spread - total) / length)
        dx.addcmul_(x, (-scale * along / (spread * length)).to(x.dtype))
        return dx, along, total, None


def affine(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """x · scale + shift in the precision of x: (b, c, t), (b, c, 1), (b, c, 1) → (b, c, t)"""
    return (x * scale.to(x.dtype)).add_(shift.to(x.dtype))  # six times faster than addcmul with a broadcast first term
