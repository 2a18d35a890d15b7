"""What an engine is: its abilities are its types."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from voicewright.audio.clip import Clip
from voicewright.errors import BadSetting
from voicewright.progress import Progress, silent
from voicewright.text.piece import Piece
from voicewright.voice.consent import Consent
from voicewright.voice.voice import Voice

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


@runtime_checkable
class Engine(Protocol):
    """One family of models, loaded and ready."""

    @property
    def name(self) -> str: ...

    @property
    def rate(self) -> int:
        """Samples per second of what it speaks."""

    @property
    def weights(self) -> str:
        """Content id of its weights (SHA-256, hex)."""

    @property
    def licence(self) -> str:
        """Licence of its weights (SPDX)."""


@runtime_checkable
class Speaks(Engine, Protocol):
    """An engine that makes voices from recordings and speaks text with them."""

    def enroll(
        self,
        clips: Sequence[Clip],
        *,
        name: str,
        consent: Consent,
        options: EnrollOptions,
        progress: Progress = silent,
    ) -> Voice:
        """A voice from clean speech of one speaker, any rate, 3 s or more in all."""

    def stream(self, pieces: Iterable[Piece], voice: Voice, options: SpeakOptions) -> Iterator[Clip]:
        """One clip for each piece as soon as it is spoken, without the pauses after the pieces (a pause-only piece gives an empty clip).

        Lazy: a piece is taken only when the clip before it was delivered.
        Raises: WrongVoice, StaleVoice, BadText.
        """
