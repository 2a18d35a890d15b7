"""How the default engine converts a recording. Nothing heavy is imported."""

from dataclasses import dataclass
from typing import Literal

from voicewright.engines.options import ConvertOptions

Guide = Literal["words", "sounds"]


@dataclass(frozen=True, kw_only=True)
class KokoroConvertOptions(ConvertOptions):
    """How the default engine converts a recording."""

    guide: Guide = "words"
    """words: English words are recognised and said clearly where they fit what is heard; sounds: only what is heard,
    which suits other languages, syllables and lyrics that nobody understands. Live it is always sounds."""
