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


@dataclass(frozen=True, kw_only=True)
class ConvertOptions:
    """How an engine converts a recording. An engine with more to set has a class of its own that extends this one."""

    seed: int = 0
    """Same seed, same machine: same sound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraOptions:
    """Low-rank adapters (Hu et al. 2021): what is learned is a product of two thin matrices beside each weight."""

    rank: int = 8
    """Width of the thin matrices; 0 trains the weights themselves."""
    alpha: float = 16.0
    """The adapters count alpha / rank."""
    dropout: float = 0.0
    """Share of the adapters' input left out at random, 0 to below 1."""

    def __post_init__(self) -> None:
        if self.rank < 0 or self.alpha <= 0 or not 0 <= self.dropout < 1:
            raise BadSetting(
                f"an adapter has a rank of 0 or more, an alpha above 0 and a dropout from 0 to below 1, got rank "
                f"{self.rank}, alpha {self.alpha:g}, dropout {self.dropout:g}"
            )
