"""How a recording is converted, whatever the engine. Nothing heavy is needed to show these options."""

from dataclasses import dataclass, field
from typing import Literal

from voicewright.errors import BadSetting

Between = Literal["faint", "source", "silence"]
WIDEST_SEMITONES = 36.0


@dataclass(frozen=True, kw_only=True)
class SliceOptions:
    """How a long recording is taken apart, and put together again."""

    threshold_db: float = -40.0
    """What is this far below the recording's loud parts counts as silence, in dB: always below 0."""
    min_silence_s: float = 0.3
    """Shorter silences stay inside a slice."""
    min_slice_s: float = 0.5
    """A shorter sound is converted together with the silence around it, up to this length."""
    pad_s: float = 0.1
    """Silence on each side of a sound that belongs to its slice, so that soft beginnings and ends are converted too."""
    longest_s: float = 20.0
    """Longer sound is cut at its quietest place; an engine that takes less at once is given less."""
    crossfade_ms: float = 40.0
    """Over how much neighbours are faded into each other; 0 cuts hard."""
    between: Between = "faint"
    """What is heard between slices: faint: the recording's own background, 12 dB lower; source: as it is; silence:
    digital silence."""

    def __post_init__(self) -> None:
        _within("threshold_db", self.threshold_db, -100, -1, "dB below the loud parts")
        _within("min_silence_s", self.min_silence_s, 0.05, 10, "seconds")
        _within("min_slice_s", self.min_slice_s, 0.05, 10, "seconds")
        _within("pad_s", self.pad_s, 0, 5, "seconds")
        _within("longest_s", self.longest_s, 1, 600, "seconds")
        _within("crossfade_ms", self.crossfade_ms, 0, 500, "milliseconds")
        if self.between not in ("faint", "source", "silence"):
            raise BadSetting(f"between must be faint, source or silence, got {self.between!r}")


@dataclass(frozen=True, kw_only=True)
class ConversionSettings:
    """How a recording is converted."""

    transpose: float | Literal["auto"] = "auto"
    """By how many semitones the pitch moves (-36 to 36); auto: to where the voice is at home."""
    pitch: str = "swift"
    """The method that finds the pitch: swift, crepe, crepe-tiny, harvest, dio, yin, rmvpe."""
    pitch_low_hz: float = 50.0
    """The lowest pitch that is looked for."""
    pitch_high_hz: float = 1600.0
    """The highest pitch that is looked for."""
    octave_guard: bool = True
    """Move short stretches back that were found an octave too high or too low."""
    envelope: float = 0.0
    """How far the result's loudness follows the recording's: 0 is the voice's own, 1 the recording's."""
    separate: bool = False
    """Take the voice out of music first, and mix the music with the converted voice."""
    vocals_db: float = 0.0
    """With separate: how much louder than before the voice is in the mix, in dB (-24 to 24)."""
    slices: SliceOptions = field(default_factory=SliceOptions)
    """How a long recording is taken apart."""

    def __post_init__(self) -> None:
        if self.transpose != "auto":
            if isinstance(self.transpose, str):
                raise BadSetting(f"transpose must be auto or a number of semitones, got {self.transpose!r}")
            _within("transpose", self.transpose, -WIDEST_SEMITONES, WIDEST_SEMITONES, "semitones")
        _within("pitch_low_hz", self.pitch_low_hz, 20, 4000, "Hz")
        _within("pitch_high_hz", self.pitch_high_hz, 20, 4000, "Hz")
        if self.pitch_low_hz >= self.pitch_high_hz:
            raise BadSetting(
                f"pitch_low_hz must be below pitch_high_hz, got {self.pitch_low_hz:g} and {self.pitch_high_hz:g}"
            )
        _within("envelope", self.envelope, 0, 1, "of the way")
        _within("vocals_db", self.vocals_db, -24, 24, "dB")


def _within(name: str, value: float, low: float, high: float, unit: str) -> None:
    """NaN is within nothing."""
    if not low <= value <= high:
        raise BadSetting(f"{name} must be between {low:g} and {high:g} {unit}, got {value:g}")
