"""What the tests of this room share."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `tones` is also imported by a process that one of the tests kills

from tones import ToneEngine, ToneRecogniser, pieces_of, voice

from voicewright.speech.assemble import Narration
from voicewright.speech.checks import Checker
from voicewright.speech.options import SpeechSettings

TEXT = (
    "The quick brown fox jumps over a lazy dog. It was late, and nobody spoke for a while! [pause]."
    " Then the door opened slowly. Who could that be at this hour? Nobody answered him."
)


@pytest.fixture
def narrate() -> Callable[..., Narration]:
    """A narration by the tone engine: `narrate(text, engine=…, settings=…, …)`."""

    def make(
        text: str = TEXT, *, engine: ToneEngine | None = None, settings: SpeechSettings | None = None, **more: object
    ) -> Narration:
        checker = Checker(recogniser=ToneRecogniser(text))
        arguments = {"checker": checker} | more
        speaker = engine or ToneEngine()
        return Narration(speaker, voice(), pieces_of(text), settings or SpeechSettings(), **arguments)

    return make
