"""`Cloned`: a voice that was just made."""

from dataclasses import dataclass
from pathlib import Path

from voicewright.voice.reference import Reference
from voicewright.voice.voice import Voice


@dataclass(frozen=True, kw_only=True)
class Cloned:
    """A voice that was just made, where it is kept, what its recordings were like, and what took how long (seconds)."""

    voice: Voice
    path: Path
    reference: Reference
    taken_s: dict[str, float]
