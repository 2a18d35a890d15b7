"""What the networks are to make small, always computed in float32, and the segments that they are compared on.

b batch · t frames · c channels · k judgements · n samples · m mel bins
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from voicewright.engines.sovits.noise import Noise

Dialect = Literal["upstream", "fork"]
FEATURE_WEIGHT = 2.0
"""HiFi-GAN (Kong et al. 2020) counts features twice."""
QUIETEST_POWER = 1e-7
"""What spectra of the sub-band loss are floored at, before their root."""


@dataclass(frozen=True, kw_only=True)
class SubBandSpectra:
    """The resolutions that sub-bands are compared at; the published ones by default."""

    n_ffts: tuple[int, ...] = (768, 1366, 342)
    hops: tuple[int, ...] = (60, 120, 20)
    windows: tuple[int, ...] = (300, 600, 120)


def discriminator_losses(real: Sequence[Tensor], made: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Least squares (Mao et al. 2017), by discriminator: how far its judgements (b, k) are from 1 on what is real, and
    from 0 on what was made; two of (discriminators,)."""
    missed = torch.stack([(1 - each.float()).square().mean() for each in real])
    fooled = torch.stack([each.float().square().mean() for each in made])
    return missed, fooled


def generator_losses(made: Sequence[Tensor]) -> Tensor:
    """By discriminator, how far its judgements of what was made are from 1: (discriminators,)."""
    return torch.stack([(1 - each.float()).square().mean() for each in made])


def feature_loss(real: Sequence[Sequence[Tensor]], made: Sequence[Sequence[Tensor]]) -> Tensor:
    """Twice the mean distance of every layer of every discriminator, summed up. Nothing is learned through `real`."""
    pairs = [pair for features in zip(real, made, strict=True) for pair in zip(*features, strict=True)]
    return FEATURE_WEIGHT * torch.stack([F.l1_loss(b.float(), a.detach().float()) for a, b in pairs]).sum()


def kl_loss(z_p: Tensor, logs_q: Tensor, m_p: Tensor, logs_p: Tensor, mask: Tensor) -> Tensor:
    """How far the posterior is from the prior (VITS, Kim et al. 2021): summed over channels, mean over frames.

    Args:
        z_p: the posterior's sample, taken through the flow; (b, c, t) as the others.
        mask: (b, 1, t), 1 where there is sound.
    """
    return _apart(z_p, logs_q, m_p, logs_p, mask).sum() / mask.float().sum()


def kl_by_item(z_p: Tensor, logs_q: Tensor, m_p: Tensor, logs_p: Tensor, mask: Tensor) -> Tensor:
    """The same, the mean over the frames of each item alone: (b,). An item's share does not depend on the others."""
    return _apart(z_p, logs_q, m_p, logs_p, mask).sum((1, 2)) / mask.float().sum((1, 2))


def mel_loss(real: Tensor, made: Tensor) -> Tensor:
    """Mean distance of two log-mel spectrograms (b, m, t)."""
    return F.l1_loss(made.float(), real.float())


def lf0_loss(real: Tensor, predicted: Tensor) -> Tensor:
    """Mean square distance of two pitch curves (b, 1, t), of the padding too, as the originals have it."""
    return F.mse_loss(predicted.float(), real.float())


def lf0_by_item(real: Tensor, predicted: Tensor, mask: Tensor) -> Tensor:
    """The same for each item, over the frames that it has by its mask (b, 1, t): (b,)."""
    return ((predicted.float() - real.float()).square() * mask).sum((1, 2)) / mask.float().sum((1, 2))


def sub_band_loss(real: Tensor, made: Tensor, spectra: SubBandSpectra | None = None) -> Tensor:
    """How far the spectra of sub-bands (b, bands, n) are apart, over several resolutions: spectral convergence and
    log-magnitudes (Parallel WaveGAN, Yamamoto et al. 2020), every band a signal of its own (MB-iSTFT-VITS, Kawamura et
    al. 2023)."""
    spectra = spectra or SubBandSpectra()
    made = made[..., : real.shape[-1]]
    resolutions = list(zip(spectra.n_ffts, spectra.hops, spectra.windows, strict=True))
    total = torch.zeros((), device=real.device)
    for n_fft, hop, window in resolutions:
        a, b = (_magnitudes(each.float().flatten(0, 1), n_fft, hop, window) for each in (real, made))
        total = total + torch.linalg.norm((a - b).flatten()) / torch.linalg.norm(a.flatten())
        total = total + F.l1_loss(b.log(), a.log())
    return total / len(resolutions)


def slice_segments(x: Tensor, starts: Tensor, length: int) -> Tensor:
    """From each row its own `length` numbers along the last axis, from `starts` (b,) on: (b, …, t) → (b, …, length).

    A length beyond t gives all t; a row that ends too early is filled up with zeros.
    """
    length = min(length, x.shape[-1])
    missing = int(starts.max()) + length - x.shape[-1] if len(starts) else 0
    x = F.pad(x, (0, missing)) if missing > 0 else x
    return torch.stack([row[..., start : start + length] for row, start in zip(x, starts.tolist(), strict=True)])


def random_starts(lengths: Tensor, length: int, noise: Noise, *, dialect: Dialect = "upstream") -> Tensor:
    """(b,) where a segment of `length` frames begins in rows of `lengths` (b,) frames; one uniform draw.

    Rows that are shorter begin at 0. The fork never chose the last place there is; so-vits-svc 4.1 does.
    """
    spare = (lengths - length).clamp(min=0)
    places = spare if dialect == "fork" else spare + 1
    drawn = noise.uniform(lengths.shape, torch.empty((), device=lengths.device))
    return (drawn * places).long().minimum(spare)


def _apart(z_p: Tensor, logs_q: Tensor, m_p: Tensor, logs_p: Tensor, mask: Tensor) -> Tensor:
    """(b, c, t)"""
    z_p, logs_q, m_p, logs_p, mask = (each.float() for each in (z_p, logs_q, m_p, logs_p, mask))
    return (logs_p - logs_q - 0.5 + 0.5 * (z_p - m_p).square() * torch.exp(-2 * logs_p)) * mask


def _magnitudes(waves: Tensor, n_fft: int, hop: int, window: int) -> Tensor:
    """(rows, n) → (rows, bins, frames)"""
    hann = torch.hann_window(window, device=waves.device)
    bins = torch.stft(waves, n_fft, hop, window, hann, return_complex=True)
    return (bins.real.square() + bins.imag.square()).clamp(min=QUIETEST_POWER).sqrt()
