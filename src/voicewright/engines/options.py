"""The options of every engine. They need nothing heavy, so that a command line can show them at once."""

from dataclasses import dataclass
from typing import Literal

from voicewright.errors import BadSetting

Preset = Literal["quick", "standard", "best"]


@dataclass(frozen=True, kw_only=True)
class EnrollOptions:
    """How a voice is made."""

    preset: Preset = "standard"
    """quick: seconds; standard: about a minute; best: a few minutes and the closest likeness."""
    language: str = "en-us"
    """Language that the voice will speak by default."""
    seed: int = 0
    """Same seed, same recordings, same machine: same voice."""


@dataclass(frozen=True, kw_only=True)
class SpeakOptions:
    """How a text is spoken."""

    speed: float = 1.0
    """Speaking rate; 1 is the speaker's own, 2 is twice as fast (0.5 to 2)."""
    seed: int = 0
    """Same seed, same machine: same speech."""

    def __post_init__(self) -> None:
        if not 0.5 <= self.speed <= 2.0:
            raise BadSetting(f"speed must be between 0.5 and 2, got {self.speed}")
