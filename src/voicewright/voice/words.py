"""What is said in the reference, heard in one pass."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample

RATE = 16_000
PAUSE_S = 0.5
PASS_S = 28.0
"""Recognisers of the Whisper family hear 30 s at a time and pad what is shorter, so clips are heard together."""


class Word(Protocol):
    """A word and when it was said, seconds from the start of its clip."""

    @property
    def text(self) -> str: ...

    @property
    def start_s(self) -> float: ...

    @property
    def end_s(self) -> float: ...


class Transcript(Protocol):
    """What was heard; `probability` is how sure the recogniser is (0 to 1)."""

    @property
    def words(self) -> Sequence[Word]: ...

    @property
    def language(self) -> str: ...

    @property
    def probability(self) -> float: ...


class Recogniser(Protocol):
    """Hears words in a clip of any rate."""

    def transcribe(self, clip: Clip, *, beam: int = 1, word_times: bool = False) -> Transcript: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was said in each clip, in which language, and how sure the recogniser is."""

    texts: tuple[str, ...]
    language: str
    probability: float


def what_is_said(clips: Sequence[Clip], recogniser: Recogniser) -> Said:
    """The words of every clip (one or more), each clip at most `PASS_S` long."""
    texts: list[str] = []
    languages: list[str] = []
    sure, total_s = 0.0, 0.0
    for together in _passes(clips):
        joined, starts_s = _joined(together)
        heard = recogniser.transcribe(joined, beam=5, word_times=True)
        middles = [(word.start_s + word.end_s) / 2 for word in heard.words]
        # A word belongs to the clip in which its middle lies; the pause before a clip counts to it by half.
        owners = np.searchsorted(np.array(starts_s) - PAUSE_S / 2, middles, side="right") - 1
        for index in range(len(together)):
            own = [word.text for word, owner in zip(heard.words, owners, strict=True) if max(owner, 0) == index]
            texts.append(" ".join(own))
        languages.append(heard.language)
        sure += heard.probability * joined.seconds
        total_s += joined.seconds
    return Said(texts=tuple(texts), language=max(languages, key=languages.count), probability=sure / total_s)


def _passes(clips: Sequence[Clip]) -> Iterator[list[Clip]]:
    together: list[Clip] = []
    for clip in clips:
        if together and sum(c.seconds + PAUSE_S for c in together) + clip.seconds > PASS_S:
            yield together
            together = []
        together.append(clip)
    yield together


def _joined(clips: Sequence[Clip]) -> tuple[Clip, list[float]]:
    """The clips one after the other with pauses, and where each begins (s)."""
    pause = np.zeros(round(PAUSE_S * RATE), np.float32)
    parts, starts_s, samples = [pause], [], len(pause)
    for clip in clips:
        starts_s.append(samples / RATE)
        sound = resample(clip, RATE).samples
        parts += [sound, pause]
        samples += len(sound) + len(pause)
    return Clip(np.concatenate(parts), RATE), starts_s
