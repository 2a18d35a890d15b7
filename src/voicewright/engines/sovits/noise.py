"""Where the random numbers of the networks come from: every draw goes through a `Noise`, so that it can be seeded, and
replayed against what an original drew."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor


class Noise(Protocol):
    """Random numbers of a shape, on the device and of the type of another tensor."""

    def normal(self, shape: Sequence[int], like: Tensor) -> Tensor:
        """Standard normal."""

    def uniform(self, shape: Sequence[int], like: Tensor) -> Tensor:
        """Uniform from 0 to below 1."""


class RandomNoise:
    """Fresh draws. They are made on the generator's device, so that a seed means the same noise on every device."""

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator

    def normal(self, shape: Sequence[int], like: Tensor) -> Tensor:
        drawn = torch.randn(tuple(shape), generator=self._generator, device=self._generator.device)
        return drawn.to(like)

    def uniform(self, shape: Sequence[int], like: Tensor) -> Tensor:
        drawn = torch.rand(tuple(shape), generator=self._generator, device=self._generator.device)
        return drawn.to(like)


class ReplayedNoise:
    """Draws that were stored, in their order.

    Raises:
        ValueError: more draws than were stored, or one of another shape.
    """

    def __init__(self, draws: Sequence[Tensor]) -> None:
        self._draws = list(draws)
        self._next = 0

    @property
    def left(self) -> int:
        """How many stored draws were not asked for."""
        return len(self._draws) - self._next

    def normal(self, shape: Sequence[int], like: Tensor) -> Tensor:
        return self._take(shape, like)

    def uniform(self, shape: Sequence[int], like: Tensor) -> Tensor:
        return self._take(shape, like)

    def _take(self, shape: Sequence[int], like: Tensor) -> Tensor:
        if self._next == len(self._draws):
            raise ValueError(f"a draw of {tuple(shape)} was asked for after all {len(self._draws)} stored ones")
        drawn = self._draws[self._next]
        if tuple(drawn.shape) != tuple(shape):
            raise ValueError(f"draw {self._next} is {tuple(drawn.shape)}, and {tuple(shape)} was asked for")
        self._next += 1
        return drawn.to(like)
