"""A studio whose engine speaks in chords: everything but the networks is real."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "speech"))  # `tones` is that room's

from tones import ToneEngine, ToneRecogniser, voice

from voicewright.engines import registry
from voicewright.home import Home
from voicewright.meters import Meters
from voicewright.speech.checks import Checker
from voicewright.speech.options import CheckOptions
from voicewright.voice.library import Library

TEXT = "The quick brown fox jumps over a lazy dog. Then the door opened slowly."


@pytest.fixture
def tones(monkeypatch: pytest.MonkeyPatch) -> ToneEngine:
    """The engine "tones", behind the registry's own door, and a recogniser that understands it."""
    engine = ToneEngine()
    door = SimpleNamespace(load=lambda store, *, device, precision: engine)
    monkeypatch.setitem(sys.modules, "tone_door", door)
    monkeypatch.setitem(registry.BUILT_IN, "tones", "tone_door:load")

    def checker(self: Meters, options: CheckOptions, language: str) -> Checker | None:
        return Checker(recogniser=ToneRecogniser(TEXT)) if options.check != "off" else None

    monkeypatch.setattr(Meters, "checker", checker)
    return engine


@pytest.fixture
def home(_own_home: Path, tones: ToneEngine) -> Home:
    """A home with the voice "narrator"."""
    home = Home(_own_home)
    Library(home.voices).add(voice("narrator", statement="I am the speaker"))
    return home
