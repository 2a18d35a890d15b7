"""What an engine is: its abilities are its types."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from voicewright.audio.clip import Clip
from voicewright.engines.options import EnrollOptions, Preset, SpeakOptions
from voicewright.progress import Progress, silent
from voicewright.text.piece import Piece
from voicewright.voice.consent import Consent
from voicewright.voice.voice import Voice

__all__ = ["Engine", "EnrollOptions", "Exports", "HasOwnVoice", "Preset", "SpeakOptions", "Speaks"]


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
        """One clip for each piece as soon as it is spoken, without the pauses after the pieces.

        A piece that is only a pause gives an empty clip. A piece is taken only when the clip before it was delivered.

        Raises: WrongVoice, StaleVoice, BadText.
        """


@runtime_checkable
class HasOwnVoice(Speaks, Protocol):
    """An engine that can speak before any voice was made: for a first try, and to measure the machine."""

    def own_voice(self) -> Voice:
        """A voice of nobody in particular."""


@runtime_checkable
class Exports(Engine, Protocol):
    """An engine that hands a voice, with the network that speaks it, to other programs."""

    @property
    def formats(self) -> Mapping[str, str]:
        """What it can write, by name: what it is and who reads it, in a few words."""

    def export(self, voice: Voice, format: str, folder: Path) -> list[Path]:
        """Write `voice` into `folder` as one of `formats`; the files, each whole or not there.

        Raises: WrongVoice, StaleVoice, BadVoice; MissingExtra: a package that the format needs.
        """
