"""The options of tuning a Kokoro voice. Nothing heavy is imported."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TuningOptions:
    """How a voice is tuned on recordings of its speaker."""

    crop_s: float = 1.4
    """Seconds of each clip that a step hears."""
