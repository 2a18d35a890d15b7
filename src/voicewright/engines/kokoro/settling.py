"""A decoder whose normalisation is settled, so that a short part sounds as it does in the whole.

Instance normalisation compares a sound with itself: half a second alone is another sound than the same half second in a
sentence. A settled decoder compares every sound with what the voice is usually like, and is a little quicker for it.
"""

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from voicewright.engines.kokoro.adapters import twin
from voicewright.engines.kokoro.layers import AdaptiveInstanceNorm, affine, instance_statistics
from voicewright.engines.kokoro.network import Kokoro, Score
from voicewright.nn.packed import pack


class _Listening(nn.Module):
    """Normalises as ever and keeps what it found."""

    def __init__(self, norm: AdaptiveInstanceNorm) -> None:
        super().__init__()
        self.norm = norm
        self.found: list[tuple[Tensor, Tensor]] = []

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        self.found.append(instance_statistics(x))
        self.style = style
        normal: Tensor = self.norm(x, style)
        return normal

    def settled(self) -> "_Settled":
        """With the mean and the spread over all that was heard."""
        means, spreads = (torch.stack(each) for each in zip(*self.found, strict=True))
        mean = means.mean(0)
        spread = ((spreads.square() + means.square()).mean(0) - mean.square()).sqrt()
        gain, offset = self.norm.affine(self.style)
        return _Settled(gain / spread, offset - mean * gain / spread)


class _Settled(nn.Module):
    """One gain and one offset for each channel, whatever comes."""

    scale: Tensor
    shift: Tensor

    def __init__(self, scale: Tensor, shift: Tensor) -> None:
        super().__init__()
        self.register_buffer("scale", scale)
        self.register_buffer("shift", shift)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        return affine(x, self.scale, self.shift)


@torch.inference_mode()
def settled(network: Kokoro, scores: Sequence[Score], timbre: Tensor) -> Kokoro:
    """The network, with a decoder that normalises everything as it did on average for `scores` in this timbre (k, s).

    It sounds right in that timbre only. What is not normalised is shared with `network`, which stays as it is.
    """
    own = twin(network)
    _replace(own.decoder, AdaptiveInstanceNorm, lambda norm: _Listening(cast(AdaptiveInstanceNorm, norm)))
    for score in scores:
        own.play(score, timbre[None], torch.Generator().manual_seed(0))
    _replace(own.decoder, _Listening, lambda norm: cast(_Listening, norm).settled())
    pack(own.decoder)
    return own


def _replace(network: nn.Module, kind: type[nn.Module], made: Callable[[nn.Module], nn.Module]) -> None:
    """Put what is made of each part of a kind in its place."""
    for owner in list(network.modules()):
        for name, part in list(owner.named_children()):
            if isinstance(part, kind):
                owner.register_module(name, made(part))
