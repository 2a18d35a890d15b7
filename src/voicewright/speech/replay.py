"""Speaking again what a card says, sample for sample."""

from pathlib import Path

from voicewright.engines.base import Speaks
from voicewright.errors import StaleVoice
from voicewright.progress import Progress, silent
from voicewright.speech.assemble import Narration, assemble
from voicewright.speech.card import Card, card_of, settings_of, write_card
from voicewright.speech.speech import Speech
from voicewright.voice.voice import Voice


def replay(card: Card, engine: Speaks, voice: Voice, out: Path, *, progress: Progress = silent) -> Speech:
    """The speech of `card` again, in `voice`, into the file `out`.

    Raises:
        StaleVoice: the engine has other weights now. WrongVoice: the voice is another engine's.
    """
    wanted = settings_of(card)
    if wanted.voice.weights != engine.weights:
        raise StaleVoice(
            f"this was spoken with the {engine.name} weights {wanted.voice.weights[:12]}, and {engine.weights[:12]} "
            "are in place: it cannot be made again sample for sample"
        )
    narration = Narration(engine, voice, wanted.pieces, wanted.settings, kept=wanted.kept, progress=progress)
    speech = assemble(narration, out)
    write_card(out, card_of(speech))
    return speech
