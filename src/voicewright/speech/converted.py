"""`ConvertedCard`: the card inside a converted recording."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Literal

from voicewright.speech.marks import AudioMark
from voicewright.speech.speech import VoiceFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertedCard:
    """What was converted, into whose voice, and how.

    Args:
        source: the recording's file name, never its folder.
        source_sha256: hash of the recording's bytes.
        settings: the conversion's settings and the engine's, plain JSON.
        transposed: semitones.
        audio: the mark of the sound; filled in when the card is written.
        voice_file: the voice itself as a .voice file in base64, or "".
    """

    source: str
    source_sha256: str
    voice: VoiceFacts
    settings: dict[str, Any] = field(default_factory=dict)
    transposed: float = 0.0
    tool: str = field(default_factory=lambda: f"voicewright {version('voicewright')}")
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    audio: AudioMark | None = None
    voice_file: str = ""
    kind: Literal["conversion"] = "conversion"
    format: int = 1

    @property
    def title(self) -> str:
        return self.source
