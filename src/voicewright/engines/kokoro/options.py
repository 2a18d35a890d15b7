"""The options of tuning a Kokoro voice. Nothing heavy is imported."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from voicewright.errors import BadSetting

SHORT = 120
"""Steps of a run that is too short for a long average."""
STEPS_BY_ROOT_MINUTE, LEAST_STEPS, MOST_STEPS = 108, 60, 1500
BATCH = 4
"""Clips of a step: each is played twice, 1.4 s of the recording and 2 s of new prosody."""

Reach = Literal["styles", "convolutions"]


@dataclass(frozen=True, kw_only=True)
class TuningOptions:
    """How a voice is tuned on recordings of its speaker."""

    crop_s: float = 1.4
    """Seconds of each clip that a step compares with the recording."""
    spoken_s: float = 2.0
    """Seconds of each text, as the voice would say it, that a step listens to for likeness."""
    reach: Reach = "convolutions"
    """What is adapted of the part that makes the sound: styles (how the timbre steers its layers), or convolutions
    too."""
    spectral_weight: float = 1.0
    """Weight of the distance between spectra of three resolutions."""
    log_mel_weight: float = 1.0
    """Weight of the distance between log-mel spectra."""
    likeness_weight: float = 1.0
    """Weight of unlikeness by two speaker encoders."""
    timbre_rate: float = 1.0
    """How much faster than the rest the timbre style learns, in units of its spread between voices; 0: not at all."""
    duration_weight: float = 1.0
    """Weight of the distance between durations."""
    pitch_weight: float = 1.0
    """Weight of the distance between pitch curves, and of what is voiced."""
    energy_weight: float = 0.3
    """Weight of the distance between energy curves."""
    prosody_rate: float = 5.0
    """How much faster than the sound durations, pitch and energy learn: their network is small, and on ten minutes a
    rate of 2e-3 did well."""

    def __post_init__(self) -> None:
        for name in ("crop_s", "spoken_s"):
            if not 0.2 <= getattr(self, name) <= 20:
                raise BadSetting(f"{name} must be from 0.2 to 20 s, got {getattr(self, name)}")
        for name in (field.name for field in fields(self) if field.name.endswith(("_weight", "_rate"))):
            if not 0 <= getattr(self, name) < float("inf"):
                raise BadSetting(f"{name} must not be negative, got {getattr(self, name)}")

    @staticmethod
    def suggest(minutes: float, clips: int, language: str) -> dict[str, Any]:
        """What suits so much data. Four times the data is worth twice the steps; more would learn it by heart.

        Measured on ten minutes; other amounts follow from that. The language makes no difference: what is predicted
        from the text and what makes the sound have networks, rates and weights of their own.
        """
        steps = round(min(max(STEPS_BY_ROOT_MINUTE * minutes**0.5, LEAST_STEPS), MOST_STEPS))
        return {
            "steps": steps,
            "batch_size": min(BATCH, clips),
            "learning_rate": 5e-4,
            "schedule": "cosine",
            "warmup_steps": 20,
            "ema": 0.98 if steps > SHORT else 0.8,  # over 50 steps, or 5
        }
