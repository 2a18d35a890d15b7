"""How a text becomes speech: the options of checking and of joining. Nothing heavy is needed to read them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from voicewright.engines.options import SpeakOptions
from voicewright.errors import BadSetting

Check = Literal["off", "fast", "full"]
Subtitles = Literal["srt", "vtt"]


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """How each piece is checked, and what is done about a bad one."""

    check: Check = "fast"
    """off: speak only; fast: recognise each piece, look at its sound, compare with one speaker encoder; full: search
    wider, compare with every encoder, and predict how natural it sounds."""
    takes: int = 1
    """Takes of each piece; the best is kept (1 to 16)."""
    retries: int = 2
    """More takes of a piece that fails: another seed, then slightly slower or faster, or in two parts (0 to 8)."""
    retry_share: float = 0.5
    """Retries in a whole text, as a share of its pieces, so that a hopeless text does not take for ever (0 to 8)."""
    max_words_wrong: float = 0.05
    """A piece fails when the recogniser hears more than this share of its words wrong (0 to 1)."""
    min_similarity: float = 0.75
    """A piece fails when it is less like the speaker than this share of what the voice reached when it was made (0 to
    1)."""

    def __post_init__(self) -> None:
        _within("takes", self.takes, 1, 16)
        _within("retries", self.retries, 0, 8)
        _within("retry_share", self.retry_share, 0, 8)
        _within("max_words_wrong", self.max_words_wrong, 0, 1)
        _within("min_similarity", self.min_similarity, 0, 1)


@dataclass(frozen=True, kw_only=True)
class JoinOptions:
    """How the pieces of a text are joined."""

    loudness_lufs: float | None = None
    """Loudness of the whole (EBU R128, LUFS, -40 to -10); none speaks as loud as the voice's recordings were."""
    even_db: float = 4.0
    """A piece is made louder or softer by at most this much to match the others (0 to 20)."""
    peak_dbfs: float = -1.0
    """Nothing peaks above this level; a piece that would is made softer as a whole (dB of full scale, -20 to 0)."""

    def __post_init__(self) -> None:
        if self.loudness_lufs is not None:
            _within("loudness_lufs", self.loudness_lufs, -40, -10)
        _within("even_db", self.even_db, 0, 20)
        _within("peak_dbfs", self.peak_dbfs, -20, 0)


@dataclass(frozen=True, kw_only=True)
class SpeechSettings:
    """Everything that decides how a text is spoken, but the text and the voice."""

    speak: SpeakOptions = field(default_factory=SpeakOptions)
    """How the engine speaks."""
    check: CheckOptions = field(default_factory=CheckOptions)
    """How its takes are checked."""
    join: JoinOptions = field(default_factory=JoinOptions)
    """How they are joined."""


@dataclass(frozen=True, kw_only=True)
class Output:
    """What is written beside the sound."""

    subtitles: Subtitles | None = None
    """Write subtitles beside the sound file, with the times of what was spoken."""
    lexicon: Path | None = None
    """A file with your own pronunciations of words."""
    card: bool = True
    """Say inside the file what it is: synthetic, the voice, the model, settings, scores, consent."""
    embed_voice: bool = False
    """Put the voice itself into the card, so that whoever has the file can speak with it."""


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise BadSetting(f"{name} must be between {low} and {high}, got {value}")
