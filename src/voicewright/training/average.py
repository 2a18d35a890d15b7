"""`Average`: a moving average of what learns. It is what is heard and exported."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from voicewright.training.state import learning, local


class Average:
    """Exponential moving average (Polyak & Juditsky 1992) of the learning parameters of some networks, in float32 or
    finer, where the parameters are. Frozen parameters and buffers have none."""

    def __init__(self, networks: Mapping[str, nn.Module], decay: float) -> None:
        self.decay = decay
        self._pairs = [(value, _fine(value)) for network in networks.values() for value in learning(network).values()]

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Take the weights after step number `step` (from 1) in.

        The first steps weigh more, so that the average of a short run is not its start: min(decay, (1 + step) /
        (10 + step)), as in TensorFlow's ExponentialMovingAverage.
        """
        decay = min(self.decay, (1 + step) / (10 + step))
        for value, average in self._pairs:
            average.lerp_(local(value).to(average.dtype), 1 - decay)

    @torch.no_grad()
    def restart(self) -> None:
        """Begin from the weights as they are now: after they were read from a file."""
        for value, average in self._pairs:
            average.copy_(local(value))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The networks with the average; afterwards with their own weights again, bit for bit."""
        with torch.no_grad():
            own = [local(value).clone() for value, _ in self._pairs]
            for value, average in self._pairs:
                local(value).copy_(average)
        try:
            yield
        finally:
            with torch.no_grad():
                for (value, _), kept in zip(self._pairs, own, strict=True):
                    local(value).copy_(kept)


def _fine(value: Tensor) -> Tensor:
    dtype = torch.promote_types(value.dtype, torch.float32)
    return local(value).to(dtype, copy=True)
