"""`Clip`: sound and its rate, always together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voicewright.errors import BadClip

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Mono float32 sound, nominally in [-1, 1], and its rate. It never changes after it is made.

    Args:
        samples: (t,) samples; anything array-like, kept as a read-only float32 array.
        rate: samples per second, > 0.

    Raises:
        BadClip: not one-dimensional, not finite, or the rate is not positive.
    """

    samples: Samples
    rate: int

    def __post_init__(self) -> None:
        samples = np.array(self.samples, dtype=np.float32, copy=True)
        if samples.ndim != 1:
            raise BadClip(f"a clip is mono: expected shape (t,), got {samples.shape}")
        if self.rate <= 0:
            raise BadClip(f"a clip's rate must be positive, got {self.rate}")
        if not np.isfinite(samples).all():
            raise BadClip("the sound holds samples that are not numbers (NaN or infinity)")
        samples.setflags(write=False)
        object.__setattr__(self, "samples", samples)

    @classmethod
    def silence(cls, seconds: float, rate: int) -> "Clip":
        """`seconds` of zeros at `rate`."""
        return cls(np.zeros(round(seconds * rate), np.float32), rate)

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def __len__(self) -> int:
        return len(self.samples)

    def between(self, start_s: float, end_s: float) -> "Clip":
        """The part from `start_s` to `end_s`, both cut to the clip."""
        start, end = (max(0, round(t * self.rate)) for t in (start_s, end_s))
        return Clip(self.samples[start:end], self.rate)

    def with_samples(self, samples: ArrayLike) -> "Clip":
        """Other samples at the same rate."""
        return Clip(np.asarray(samples, np.float32), self.rate)
