"""What the network makes of a pitch curve: a bin for each frame, and a logarithm around the singer's own mean.

The same rules as in `curves`, on tensors. b batch · t frames
"""

import math

import torch
from torch import Tensor

from voicewright.engines.sovits.config import Dialect

BINS = 256
LOW_MEL = 1127 * math.log(1 + 50 / 700)
HIGH_MEL = 1127 * math.log(1 + 1100 / 700)
LEAST_SCALE, MOST_SCALE = 0.8, 1.2


def coarse(f0_hz: Tensor, dialect: Dialect) -> Tensor:
    """(b, t) in Hz -> (b, t) whole numbers: which of 255 bins, equal on the mel scale from 50 to 1100 Hz.

    "fork": halves are rounded up, and the ends hold what lies beyond them. "upstream": halves are rounded to even, and
    what lies above the last bin (some 1102 Hz) falls into bin 0, as its networks have learnt it.
    """
    mel = 1127 * (1 + f0_hz / 700).log()
    if dialect == "fork":
        bins = (mel - LOW_MEL) * (BINS - 2) / (HIGH_MEL - LOW_MEL) + 1
        return (torch.where(mel > 0, bins, mel).clamp(1, BINS - 1) + 0.5).long()
    slope = (BINS - 2) / (HIGH_MEL - LOW_MEL)
    bins = torch.where(mel > 0, mel * slope - (LOW_MEL * slope - 1), mel).round().long().clamp(min=1)
    return bins.masked_fill(bins >= BINS, 0)


def log_pitch(f0_hz: Tensor) -> Tensor:
    """Hz -> the scale that the f0 decoder works on: mel / 500."""
    return 2595 * torch.log10(1 + f0_hz / 700) / 500


def hz_of(lf0: Tensor) -> Tensor:
    """The inverse of `log_pitch`."""
    return 700 * (torch.pow(10, lf0 * 500 / 2595) - 1)


def normalised(lf0: Tensor, voiced: Tensor, mask: Tensor | None, scale: Tensor | None) -> Tensor:
    """(b, 1, t) around its mean over voiced frames (b, t), times `scale` (b, 1).

    Items without a voiced frame keep nearly their values, as in the original.
    """
    count = voiced.sum(1, keepdim=True)
    mean = (lf0[:, 0] * voiced).sum(1, keepdim=True) / count.masked_fill(count == 0, 9999)
    centred = lf0 - mean[:, None]
    if scale is not None:
        centred = centred * scale[:, None]
    return centred if mask is None else centred * mask
