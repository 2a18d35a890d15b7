"""`Cards`: what the cards inside sound files say, and what can be made of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from voicewright.engines.base import Speaks
from voicewright.errors import BadClip, BadVoice, StaleVoice
from voicewright.progress import Progress, silent
from voicewright.speech.assemble import Narration, assemble
from voicewright.speech.card import Card, CardCheck, card_of, extract_voice, read_card, settings_of, verify, write_card
from voicewright.speech.speech import Speech
from voicewright.voice.file import parse_voice
from voicewright.voice.library import Library
from voicewright.voice.names import voice_name
from voicewright.voice.voice import Voice


class Cards:
    """Reads cards; speaks again what they say; takes their voices into a library.

    Args:
        library: where voices are kept.
        engine: the engine of a name.
    """

    def __init__(self, library: Library, engine: Callable[[str], Speaks]) -> None:
        self._library, self._engine = library, engine

    def check(self, path: str | Path) -> CardCheck:
        """The card of a sound file, and whether sound and text are still those it was made for. Raises BadClip."""
        return verify(Path(path))

    def replay(self, path: str | Path, out: str | Path, *, progress: Progress = silent) -> Speech:
        """Speak again what the card of the file at `path` says, sample for sample, into `out`.

        The voice is the one in the card, else the one of that name in the library.

        Raises:
            BadClip: the file has no card, or is a converted recording. UnknownVoice: its voice is nowhere.
            StaleVoice: other weights are in place.
        """
        wanted = settings_of(_spoken(Path(path)))
        voice = self._voice_in(Path(path)) or self._library.get(wanted.voice.name)
        engine = self._engine(wanted.voice.engine)
        if wanted.voice.weights != engine.weights:
            raise StaleVoice(
                f"{path} was spoken with the {engine.name} weights {wanted.voice.weights[:12]}, and "
                f"{engine.weights[:12]} are in place: it cannot be made again sample for sample"
            )
        narration = Narration(engine, voice, wanted.pieces, wanted.settings, kept=wanted.kept, progress=progress)
        speech = assemble(narration, Path(out))
        write_card(Path(out), card_of(speech))
        return speech

    def extract_voice(self, path: str | Path, name: str, *, replace_old: bool = False) -> Voice:
        """Take the voice inside the card of a sound file into the library, as `name`.

        Raises: BadClip (no card), BadVoice (no voice in it, the name is taken and `replace_old` is not set).
        """
        found = self._voice_in(Path(path))
        if found is None:
            raise BadVoice(f"{path}: there is no voice in its card; its maker can add it with --embed-voice")
        voice = replace(found, name=voice_name(name))
        self._library.add(voice, replace=replace_old)
        return voice

    def _voice_in(self, path: Path) -> Voice | None:
        data = extract_voice(path)
        return parse_voice(data, f"the voice in {path}") if data is not None else None


def _spoken(path: Path) -> Card:
    card = read_card(path)
    if card is None:
        raise BadClip(f"{path}: it carries no card; only files made by voicewright do")
    if not isinstance(card, Card):
        raise BadClip(f"{path}: it is the recording {card.source}, converted; convert that again")
    return card
