"""`Voice`: what an engine knows of a speaker, and where it came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.voice.consent import Consent


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A recording that a voice was made from: its content hash, its length, its file's name (never its folder)."""

    sha256: str
    seconds: float
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Voice:
    """A speaker, as one engine hears and speaks them.

    Args:
        name: the voice's name in the library.
        engine: the engine that made it and can speak with it.
        weights: content id of the engine's weights at that time (SHA-256, hex).
        tensors: the engine's own float arrays by name.
        language: language of the recordings, BCP 47 in lower case ("en-us").
        created: ISO 8601 time, UTC.
        scores: what was reached, by meter ("ge2e", "campplus", "dnsmos", "words_wrong", …).
        settings: the options it was made with, plain JSON.
        preview: a few seconds of it speaking.
    """

    name: str
    engine: str
    weights: str
    tensors: Mapping[str, NDArray[np.float32]]
    language: str = "en-us"
    created: str = ""
    sources: tuple[Source, ...] = ()
    consent: Consent = field(default_factory=Consent)
    licence: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    preview: Clip | None = None
