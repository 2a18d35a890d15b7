"""What an engine is: its abilities are its types."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from voicewright.audio.clip import Clip
from voicewright.audio.pitch import Pitch
from voicewright.engines.options import ConvertOptions, EnrollOptions, Preset, SpeakOptions
from voicewright.progress import Progress, silent
from voicewright.text.piece import Piece
from voicewright.voice.consent import Consent
from voicewright.voice.voice import Voice

__all__ = [
    "OWN_WEIGHTS",
    "ConvertOptions",
    "Converter",
    "Converts",
    "Engine",
    "EnrollOptions",
    "Exports",
    "HasOwnVoice",
    "Places",
    "Preset",
    "SpeakOptions",
    "Speaks",
]

OWN_WEIGHTS = "own"
"""What stands for an engine's weights where it has none, because every voice brings its own."""


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
        """Content id of its weights (SHA-256, hex); `OWN_WEIGHTS` where every voice brings a network of its own."""

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


class Converter(Protocol):
    """A voice, ready to say or sing what somebody else did."""

    @property
    def rate(self) -> int:
        """Samples per second of what it makes."""

    @property
    def home_hz(self) -> float:
        """The voice's usual pitch, where "auto" transposes to; 0 where it is not known."""

    @property
    def context_s(self) -> float:
        """Sound that it wants to hear on each side of a part, so that the part comes out as it does in the whole."""

    @property
    def longest_s(self) -> float:
        """The longest clip that it takes at once, in seconds."""

    def convert(self, clip: Clip, pitch: Pitch, *, seed: int = 0, part_s: tuple[float, float] | None = None) -> Clip:
        """What `clip` (any rate) says, in the voice, at the converter's rate; every sound stays where it was.

        Args:
            pitch: the curve that the result follows, already transposed: frames at any rate from the clip's start, 0
                where nothing is voiced.
            seed: same seed, same machine: same samples.
            part_s: from when to when the result is needed; the rest of it may be anything. None: all of it.

        Returns: round(seconds of the clip x rate) samples. A clip shorter than a frame gives silence of its length.

        Raises: BadClip: longer than `longest_s`.
        """


@runtime_checkable
class Places(Converter, Protocol):
    """A converter to which it matters where in a recording a clip lies: its voice changes over time."""

    def placed(self, start_s: float) -> Converter:
        """The same, for a clip that begins `start_s` seconds after the recording."""


@runtime_checkable
class Converts(Engine, Protocol):
    """An engine that says or sings a recording again in another voice."""

    def converter(self, voice: Voice, options: ConvertOptions, *, live: bool = False) -> Converter:
        """The voice made ready, which may take a while; its `convert` is then called many times, by one thread at a
        time.

        Args:
            options: of the class that `registry.convert_options` names for this engine.
            live: clips will be short, follow each other and overlap, and each must be quick.

        Raises: WrongVoice, StaleVoice, BadVoice; BadSetting: an option that this voice cannot follow.
        """


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
