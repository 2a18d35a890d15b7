"""`Piece`: what is spoken in one breath."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of text that an engine speaks in one go.

    `text` is as the user wrote it: the pieces of a text, joined, are the text again.
    `spoken` holds the words to be said (numbers and symbols written out), "" for a piece that is only a pause.
    `pause_s` is the silence to leave after it.
    `phonemes` overrides the phonemes of `spoken` when the user gave them.
    """

    text: str
    spoken: str
    pause_s: float = 0.0
    language: str = "en-us"
    phonemes: str | None = None
