"""Where the random numbers of the networks come from: every draw goes through a `Noise`, so that it can be seeded, and
replayed against what an original drew."""

from collections.abc import Callable, Sequence
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


class RowNoise:
    """Fresh draws in which each row has a generator of its own: what a row gets depends on its seed alone, not on the
    rows beside it or on how long they are.

    Args:
        seeds: (b,) whole numbers.
        frames: of the batch: a draw whose last axis is so long is the beginning of one of `longest` frames.
        longest: the most frames that a batch can have.
    """

    def __init__(self, seeds: Tensor, frames: int, longest: int) -> None:
        self._generators = [torch.Generator().manual_seed(int(seed)) for seed in seeds.tolist()]
        self._frames, self._longest = frames, max(longest, frames)

    def normal(self, shape: Sequence[int], like: Tensor) -> Tensor:
        return self._rows(torch.randn, shape, like)

    def uniform(self, shape: Sequence[int], like: Tensor) -> Tensor:
        return self._rows(torch.rand, shape, like)

    def _rows(self, draw: Callable[..., Tensor], shape: Sequence[int], like: Tensor) -> Tensor:
        whole = list(shape[1:])
        if len(whole) > 1 and whole[-1] == self._frames:
            whole[-1] = self._longest
        rows = torch.stack([draw(whole, generator=each) for each in self._generators])
        return (rows[..., : self._frames] if whole != list(shape[1:]) else rows).to(like)
