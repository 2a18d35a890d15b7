"""What is written beside the sound of a finished speech: subtitles, and the card inside the file."""

from pathlib import Path

from voicewright.speech.card import card_of, write_card
from voicewright.speech.options import Output
from voicewright.speech.speech import Speech
from voicewright.speech.subtitles import write_subtitles
from voicewright.voice.file import voice_bytes
from voicewright.voice.voice import Voice


def write_beside(path: Path, speech: Speech, voice: Voice, output: Output) -> None:
    """Subtitles beside the sound file at `path`, and its card in it, as `output` wishes. Raises BadClip."""
    if output.subtitles:
        write_subtitles(speech.parts, path.with_suffix(f".{output.subtitles}"), output.subtitles)
    if output.card:
        write_card(path, card_of(speech, voice_file=voice_bytes(voice) if output.embed_voice else b""))
