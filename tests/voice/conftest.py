"""What the tests of this folder share."""

from collections.abc import Callable

import numpy as np
import pytest

from voicewright.audio.clip import Clip
from voicewright.voice.consent import Consent
from voicewright.voice.voice import Source, Voice


def make_voice(name: str = "narrator") -> Voice:
    """A voice with every field filled."""
    generator = np.random.default_rng(7)
    return Voice(
        name=name,
        engine="kokoro",
        weights="ab" * 32,
        tensors={"style": generator.standard_normal((5, 8)).astype(np.float32), "level": np.array(0.5, np.float32)},
        language="en-gb",
        created="2026-11-20T10:00:00+00:00",
        sources=(Source(sha256="01" * 32, seconds=7.1, name="rec 1.wav"),),
        consent=Consent("I am the speaker.\nAda, Zürich"),
        licence="CC-BY-4.0",
        scores={"ge2e": 0.91, "words_wrong": 0.0},
        settings={"preset": "quick", "steps": [1, 2, {"seed": None}]},
        preview=Clip(0.4 * np.sin(np.arange(24_000) / 9), 24_000),
    )


@pytest.fixture(scope="session")
def full_voice() -> Callable[..., Voice]:
    """Makes a voice with every field filled, by name."""
    return make_voice
