"""What is written beside the sound of a finished speech: subtitles, and the card inside the file."""

from pathlib import Path

from voicewright.errors import BadSetting
from voicewright.speech.card import card_of, write_card
from voicewright.speech.options import Output
from voicewright.speech.speech import Speech
from voicewright.speech.subtitles import write_subtitles
from voicewright.voice.file import voice_bytes
from voicewright.voice.voice import Voice

MOST_EMBEDDED_BYTES = 16 << 20
"""A style has 0.1 MB; a voice that brings a whole network would make every sound file a hundred times as large."""


def check_embedding(voice: Voice, output: Output) -> None:
    """Pass if the voice may go into cards, or shall not. Raises BadSetting: it is too large."""
    size = sum(array.nbytes for array in voice.tensors.values())
    if output.card and output.embed_voice and size > MOST_EMBEDDED_BYTES:
        raise BadSetting(
            f"the voice {voice.name!r} brings its own network of {size >> 20} MB, and a card holds a voice of at most "
            f"{MOST_EMBEDDED_BYTES >> 20} MB: leave out --embed-voice, and hand the voice on as a file of its own "
            f"(voicewright voices export {voice.name} -o FILE)"
        )


def embedded(voice: Voice, output: Output) -> bytes:
    """The .voice file for a card; empty unless `output` wishes it. Raises BadSetting as `check_embedding`."""
    check_embedding(voice, output)
    return voice_bytes(voice) if output.card and output.embed_voice else b""


def write_beside(path: Path, speech: Speech, voice: Voice, output: Output) -> None:
    """Subtitles beside the sound file at `path`, and its card in it, as `output` wishes. Raises BadClip."""
    if output.subtitles:
        write_subtitles(speech.parts, path.with_suffix(f".{output.subtitles}"), output.subtitles)
    if output.card:
        write_card(path, card_of(speech, voice_file=embedded(voice, output)))
