"""How much noise a diffusion model's steps have: the tables of whole steps, and the curve between them.

b batch · n steps

Ho et al., "Denoising diffusion probabilistic models" (2020) for the tables; Lu et al., "DPM-Solver" (2022) for the
curve. Step 0 is nearly clean, the last is nearly all noise.
"""

from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

FIRST_BETA, LAST_BETA = 1e-4, 0.02  # the linear schedule of Ho et al.
SMALLEST_VARIANCE = 1e-20  # before the logarithm: the first step's posterior has none


@dataclass(frozen=True, kw_only=True)
class Tables:
    """(n,) float32 numbers of each step, under the names that published checkpoints store them by."""

    betas: Tensor
    alphas_cumprod: Tensor
    alphas_cumprod_prev: Tensor
    sqrt_alphas_cumprod: Tensor
    sqrt_one_minus_alphas_cumprod: Tensor
    log_one_minus_alphas_cumprod: Tensor
    sqrt_recip_alphas_cumprod: Tensor
    sqrt_recipm1_alphas_cumprod: Tensor
    posterior_variance: Tensor
    posterior_log_variance_clipped: Tensor
    posterior_mean_coef1: Tensor
    posterior_mean_coef2: Tensor

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls))

    @classmethod
    def linear(cls, steps: int) -> Self:
        """The linear schedule in that many steps, computed in float64."""
        betas = torch.linspace(FIRST_BETA, LAST_BETA, steps, dtype=torch.float64)
        kept = (1 - betas).cumprod(0)
        before = torch.cat([kept.new_ones(1), kept[:-1]])
        variance = betas * (1 - before) / (1 - kept)
        return cls(
            betas=betas.float(),
            alphas_cumprod=kept.float(),
            alphas_cumprod_prev=before.float(),
            sqrt_alphas_cumprod=kept.sqrt().float(),
            sqrt_one_minus_alphas_cumprod=(1 - kept).sqrt().float(),
            log_one_minus_alphas_cumprod=(1 - kept).log().float(),
            sqrt_recip_alphas_cumprod=(1 / kept).sqrt().float(),
            sqrt_recipm1_alphas_cumprod=(1 / kept - 1).sqrt().float(),
            posterior_variance=variance.float(),
            posterior_log_variance_clipped=variance.clamp(min=SMALLEST_VARIANCE).log().float(),
            posterior_mean_coef1=(betas * before.sqrt() / (1 - kept)).float(),
            posterior_mean_coef2=((1 - before) * (1 - betas).sqrt() / (1 - kept)).float(),
        )


def at(table: Tensor, step: Tensor) -> Tensor:
    """(n,), whole steps (b,) -> (b, 1, 1): each item's number."""
    return table[step][:, None, None]


class Curve:
    """The first n steps of a schedule as a continuous one: time 1/n is step 0, time 1 is step n - 1.

    Logarithms of alpha are linear between the steps. Everything is computed in the betas' own precision and in the
    published order of operations: 1 - exp(…) loses digits at the clean end, and models are sampled with what is left.
    """

    def __init__(self, betas: Tensor) -> None:
        self.steps = len(betas)
        self.log_alphas = 0.5 * torch.log(1 - betas).cumsum(0)
        self.times = torch.linspace(0.0, 1.0, self.steps + 1, dtype=betas.dtype, device=betas.device)[1:]

    def log_alpha(self, time: Tensor) -> Tensor:
        return _interpolate(time, self.times, self.log_alphas)

    def alpha(self, time: Tensor) -> Tensor:
        return torch.exp(self.log_alpha(time))

    def sigma(self, time: Tensor) -> Tensor:
        return torch.sqrt(1.0 - torch.exp(2.0 * self.log_alpha(time)))

    def snr(self, time: Tensor) -> Tensor:
        """Half the logarithm of the signal-to-noise ratio: ln(alpha / sigma)."""
        log_alpha = self.log_alpha(time)
        return log_alpha - 0.5 * torch.log(1.0 - torch.exp(2.0 * log_alpha))

    def time_of(self, snr: Tensor) -> Tensor:
        """The inverse of `snr`."""
        log_alpha = -0.5 * torch.logaddexp(torch.zeros_like(snr), -2.0 * snr)
        return _interpolate(log_alpha, self.log_alphas.flip(0), self.times.flip(0))

    def step_of(self, time: Tensor) -> Tensor:
        """The step that a denoiser is told, which falls between whole ones."""
        return (time - 1.0 / self.steps) * self.steps

    def grid(self, count: int) -> Tensor:
        """(count + 1,) times from 1 down to 1/n, evenly apart."""
        return torch.linspace(1.0, 1.0 / self.steps, count + 1, dtype=self.times.dtype, device=self.times.device)


def _interpolate(x: Tensor, known: Tensor, values: Tensor) -> Tensor:
    """Piecewise linear, `known` rising; the outermost pieces go on beyond the ends."""
    left = (torch.searchsorted(known, x.contiguous()) - 1).clamp(0, len(known) - 2)
    low, high = known[left], known[left + 1]
    return values[left] + (x - low) * (values[left + 1] - values[left]) / (high - low)
